"""Energy-based GANs for Keras 3, on TensorFlow, JAX and PyTorch."""

from importlib import import_module
from typing import Any

from keras_egan import backend  # first: it says what to install where a backend is missing

# isort: split
from keras_egan import (
    augment,
    callbacks,
    datasets,
    export,
    layers,
    losses,
    metrics,
    networks,
    pictures,
)
from keras_egan.batch import Rows, Scored
from keras_egan.began import BEGAN
from keras_egan.began_cs import BEGANCS
from keras_egan.ebgan import EBGAN
from keras_egan.energy_gan import EnergyGAN
from keras_egan.files import load
from keras_egan.hyperparameter import Hyperparameter, Setting
from keras_egan.least_squares_gan import LeastSquaresGAN
from keras_egan.loss_sensitive_gan import LossSensitiveGAN
from keras_egan.magan import MAGAN
from keras_egan.optimizer import AdversarialOptimizer

# isort: split
from keras_egan import presets  # which knows the GANs

__version__ = "0.1.0"

__all__ = [
    "BEGAN",
    "BEGANCS",
    "EBGAN",
    "MAGAN",
    "AdversarialOptimizer",
    "EnergyGAN",
    "Hyperparameter",
    "LeastSquaresGAN",
    "LossSensitiveGAN",
    "Rows",
    "Scored",
    "Setting",
    "augment",
    "backend",
    "callbacks",
    "datasets",
    "export",
    "layers",
    "load",
    "losses",
    "metrics",
    "networks",
    "pictures",
    "presets",
]


def __getattr__(name: str) -> Any:
    """Imports `anomaly` once it is asked for: it needs a package that not everyone has."""
    if name == "anomaly":
        return import_module("keras_egan.anomaly")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
