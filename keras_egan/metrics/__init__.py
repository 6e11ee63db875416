"""Metrics of generated samples, in Keras's style."""

from keras_egan.metrics._class_coverage import ClassAccuracy, ModeCoverage
from keras_egan.metrics._compare import Comparison, Figure, Source, compare
from keras_egan.metrics._density_coverage import DensityCoverage
from keras_egan.metrics._frechet_distance import ClassFrechetDistance, FrechetDistance
from keras_egan.metrics._generative_metric import GenerativeMetric, ReferenceMetric
from keras_egan.metrics._inception import (
    inception_2015,
    inception_2015_classifier,
    inception_v3,
)
from keras_egan.metrics._inception_score import InceptionScore
from keras_egan.metrics._kernel_distance import KernelDistance
from keras_egan.metrics._metric_means import MetricMeans
from keras_egan.metrics._mixture_coverage import MixtureCoverage
from keras_egan.metrics._nearest import Neighbors, nearest
from keras_egan.metrics._precision_recall import PrecisionRecall
from keras_egan.metrics._random_features import random_features
from keras_egan.metrics._sliced_wasserstein_distance import SlicedWassersteinDistance

__all__ = [
    "ClassAccuracy",
    "ClassFrechetDistance",
    "Comparison",
    "DensityCoverage",
    "Figure",
    "FrechetDistance",
    "GenerativeMetric",
    "InceptionScore",
    "KernelDistance",
    "MetricMeans",
    "MixtureCoverage",
    "ModeCoverage",
    "Neighbors",
    "PrecisionRecall",
    "ReferenceMetric",
    "SlicedWassersteinDistance",
    "Source",
    "compare",
    "inception_2015",
    "inception_2015_classifier",
    "inception_v3",
    "nearest",
    "random_features",
]
