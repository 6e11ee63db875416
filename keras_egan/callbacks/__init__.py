"""Callbacks for `fit`: backups, pictures of the samples, metrics, and the log of the equilibrium."""

from keras_egan.callbacks.backup import Backup
from keras_egan.callbacks.equilibrium_logger import EquilibriumLogger
from keras_egan.callbacks.generative_metrics import GenerativeMetrics
from keras_egan.callbacks.sample_grid import SampleGrid

__all__ = ["Backup", "EquilibriumLogger", "GenerativeMetrics", "SampleGrid"]
