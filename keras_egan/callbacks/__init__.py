"""Callbacks for `fit`: backups, samples and their metrics, diagnosis, the equilibrium, schedules.

Keras's own work with every GAN, too. `FitState` and `Flushable` say what `fit` gives to any
callback.
"""

from keras_egan.callbacks._backup import Backup
from keras_egan.callbacks._diagnosis import Diagnosis
from keras_egan.callbacks._equilibrium_logger import EquilibriumLogger
from keras_egan.callbacks._fit_state import FitState
from keras_egan.callbacks._flushable import Flushable
from keras_egan.callbacks._generative_metrics import GenerativeMetrics
from keras_egan.callbacks._sample_grid import SampleGrid
from keras_egan.callbacks._schedule import Schedule
from keras_egan.callbacks._terminate_on_nan import TerminateOnNaN

__all__ = [
    "Backup",
    "Diagnosis",
    "EquilibriumLogger",
    "FitState",
    "Flushable",
    "GenerativeMetrics",
    "SampleGrid",
    "Schedule",
    "TerminateOnNaN",
]
