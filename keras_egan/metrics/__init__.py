"""Metrics of generated samples, in Keras's style, and the means that a GAN logs."""

from keras_egan.metrics._inception_2015 import inception_2015
from keras_egan.metrics._sliced_wasserstein_distance import SlicedWassersteinDistance
from keras_egan.metrics.figure_means import FigureMeans
from keras_egan.metrics.frechet_distance import FrechetDistance
from keras_egan.metrics.generative_metric import GenerativeMetric, ReferenceMetric
from keras_egan.metrics.inception_score import InceptionScore
from keras_egan.metrics.inception_v3 import inception_v3
from keras_egan.metrics.kernel_distance import KernelDistance
from keras_egan.metrics.mixture_coverage import MixtureCoverage
from keras_egan.metrics.mode_coverage import ModeCoverage
from keras_egan.metrics.precision_recall import PrecisionRecall

__all__ = [
    "FigureMeans",
    "FrechetDistance",
    "GenerativeMetric",
    "InceptionScore",
    "KernelDistance",
    "MixtureCoverage",
    "ModeCoverage",
    "PrecisionRecall",
    "ReferenceMetric",
    "SlicedWassersteinDistance",
    "inception_2015",
    "inception_v3",
]
