"""Callbacks for `fit`: backups, pictures and metrics of the samples, and the equilibrium's log."""

from keras_egan.callbacks.backup import Backup
from keras_egan.callbacks.equilibrium_logger import EquilibriumLogger
from keras_egan.callbacks.generative_metrics import GenerativeMetrics
from keras_egan.callbacks.sample_grid import SampleGrid

__all__ = ["Backup", "EquilibriumLogger", "GenerativeMetrics", "SampleGrid"]
