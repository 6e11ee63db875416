"""Energy-based GANs for Keras 3, on TensorFlow, JAX and PyTorch."""

from importlib import import_module
from typing import Any

from keras_egan import backend  # first, because it says what to install if a backend is missing

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
from keras_egan.gans import (
    BEGAN,
    BEGANCS,
    EBGAN,
    MAGAN,
    EnergyGAN,
    LeastSquaresGAN,
    LossSensitiveGAN,
    RelativisticGAN,
)
from keras_egan.saving.hyperparameter import Hyperparameter, Setting

# isort: split
from keras_egan import presets  # last, because it imports the GANs
from keras_egan._load import load
from keras_egan._share import share
from keras_egan._version import __version__ as __version__
from keras_egan.automatic import train

__all__ = [
    "BEGAN",
    "BEGANCS",
    "EBGAN",
    "MAGAN",
    "EnergyGAN",
    "Hyperparameter",
    "LeastSquaresGAN",
    "LossSensitiveGAN",
    "RelativisticGAN",
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
    "share",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import `anomaly` on first access, because it needs an optional package."""
    if name == "anomaly":
        return import_module("keras_egan.anomaly")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
