"""Callbacks for `fit`: backups, samples and their metrics, diagnosis, the equilibrium, schedules.

Keras's own callbacks work with every GAN. Keras calls a callback of your own as usual; the callback
may also use four things:

- `self.model.fit_state` has the training step and its metrics: see `FitState`.
- `get_state()` returns the state that training changes, and `set_state(state)` restores it. A state
  is a number, a string, None, an array of numbers, or a list or dict of these, with strings as
  keys. `Backup` saves it. A resumed training calls `set_state` after `on_train_begin` or, within an
  epoch, after `on_epoch_begin`. A warning names a class without `get_state`; a callback without
  state returns `{}`.
- `flush(step)` brings the callback's files up to date. `fit` calls it before each backup, because
  a killed training resumes from that step and never writes earlier steps again.
- `first_process_only = True`, a class attribute, runs the callback in only the first of several
  processes that train together. A callback that writes files should set it. It may call
  `model.sample`, `energy` and `save`, which wait for no other process, but not `evaluate`.
"""

from keras_egan.callbacks._backup import Backup
from keras_egan.callbacks._diagnosis import Diagnosis
from keras_egan.callbacks._equilibrium_logger import EquilibriumLogger
from keras_egan.callbacks._evaluate_samples import EvaluateSamples
from keras_egan.callbacks._fit_state import FitState
from keras_egan.callbacks._sample_grid import SampleGrid
from keras_egan.callbacks._schedule import Schedule
from keras_egan.callbacks._terminate_on_nan import TerminateOnNaN

__all__ = [
    "Backup",
    "Diagnosis",
    "EquilibriumLogger",
    "EvaluateSamples",
    "FitState",
    "SampleGrid",
    "Schedule",
    "TerminateOnNaN",
]
