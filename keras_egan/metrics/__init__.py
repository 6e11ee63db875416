"""Metrics of generated samples, in Keras's style."""

from keras_egan.metrics._class_coverage import ClassAccuracy, ModeCoverage
from keras_egan.metrics._frechet_distance import ClassFrechetDistance, FrechetDistance
from keras_egan.metrics._generative_metric import GenerativeMetric, ReferenceMetric
from keras_egan.metrics._inception import inception_2015, inception_v3
from keras_egan.metrics._inception_score import InceptionScore
from keras_egan.metrics._kernel_distance import KernelDistance
from keras_egan.metrics._metric_means import MetricMeans
from keras_egan.metrics._mixture_coverage import MixtureCoverage
from keras_egan.metrics._nearest import Neighbors, nearest
from keras_egan.metrics._precision_recall import PrecisionRecall
from keras_egan.metrics._sliced_wasserstein_distance import SlicedWassersteinDistance

__all__ = [
    "ClassAccuracy",
    "ClassFrechetDistance",
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
    "inception_2015",
    "inception_v3",
    "nearest",
]
