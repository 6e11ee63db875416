"""The work of a run between steps, and the calls of its callbacks."""

import os
import warnings
from typing import Any

import keras

from keras_egan import backend
from keras_egan.backend import distributed, processes
from keras_egan.backend.keras_internals import finish_dispatched
from keras_egan.callbacks import Diagnosis, TerminateOnNaN, callback_state
from keras_egan.callbacks._terminate_on_nan import not_finite
from keras_egan.saving.files import is_address


class RunCallbacks(keras.callbacks.CallbackList):
    """The callbacks of a `Run`, which see an interrupted training as a single one."""

    def __init__(self, run: Any, callbacks: list, verbose: Any, steps: int | None):
        if distributed.process_count() > 1:
            _refuse_backup_of_keras(callbacks)
        _refuse_relative_paths_of_orbax(callbacks)
        if not processes.is_first():
            callbacks = [c for c in callbacks if not _is_of_first_process(c)]
            verbose = 0
        self.run = run
        self.offset = 0
        self.begun = False
        self.logs = None
        self.warned: set[str] = set()
        super().__init__(
            callbacks,
            add_history=True,
            add_progbar=verbose != 0,
            model=run.gan,
            verbose=verbose,
            epochs=run.epochs,
            steps=steps,
        )
        self.telling = any(map(_is_told_of_steps, self.callbacks))

    def on_train_begin(self, logs=None):
        if self.begun:
            return
        processes.together(super().on_train_begin, logs)
        self.begun = True
        if self.run.backup and processes.is_first():
            _warn_of_state(self.callbacks)
        # When resuming, undo what `on_train_begin` reset.
        if self.run.resumed and not self.run.done:
            self.run.restore()

    def on_train_end(self, logs=None):
        self.logs = logs or self.logs

    def finish(self) -> None:
        """End the training, after Keras has ended each of its parts."""
        super().on_train_end(self.logs)

    def on_epoch_begin(self, epoch, logs=None):
        run = self.run
        run.begin_epoch()
        self.epoch, self.offset, self.saved = epoch, run.done, run.fit_state.step
        super().on_epoch_begin(epoch, logs)
        if run.done:
            run.restore()

    def on_train_batch_begin(self, batch, logs=None):
        done, backup = self.offset + batch, self.run.backup
        step, turns = self.run.fit_state.step, self.run.turns
        if self.offset and not batch:  # PyTorch's loaders have just drawn a random number
            self.run.restore_random_state()
        # Saved at the beginning of the next step, so that a resumed epoch has a step left.
        if backup and turns.due(step, self.saved):
            finish_dispatched(self)
            backend.synchronize(self.run.gan)
            self.run.save(self.epoch, done)
            self.saved = step
        if self.run.passes:
            self.run.passes.forget(step)
        if turns.ending:
            processes.say(f"A signal ends the training after step {step}.")
            self.run.signals.release()
        super().on_train_batch_begin(done, logs)

    def on_train_batch_end(self, batch, logs=None):
        done = self.offset + batch
        self.run.fit_state.step = self.run.fit_state.epoch_start + done + 1
        self.run.fit_state.logs = logs
        if self.telling:  # otherwise Keras, or its thread, would wait for the device in vain
            super().on_train_batch_end(done, logs)

    def on_epoch_end(self, epoch, logs=None):
        gan = self.run.gan
        # With several steps per execution, Keras counts steps even after the data has run out.
        self.run.fit_state.step = gan._training_state.steps_done
        metrics = {name: float(value) for name, value in logs.items()}
        ending = not_finite(metrics) and any(isinstance(c, TerminateOnNaN) for c in self.callbacks)
        gan._training_state.refuse_unfit(gan.smallest_batch, raising=not ending)
        gan.end_epoch(metrics)
        if not any(isinstance(callback, Diagnosis) for callback in self.callbacks):
            self._warn(gan.findings(metrics))
        super().on_epoch_end(epoch, logs)
        self.offset = self.run.done = 0
        if self.run.backup:
            self.run.save(epoch + 1, 0)

    def _warn(self, findings):
        for name, sentence in findings.items():
            if name not in self.warned:
                self.warned.add(name)
                warnings.warn(sentence, stacklevel=3)


_WRITERS = (
    keras.callbacks.CSVLogger,
    keras.callbacks.ModelCheckpoint,
    keras.callbacks.RemoteMonitor,
    keras.callbacks.TensorBoard,
)
"""Keras's callbacks that only write files, which two processes would overwrite."""


def _is_of_first_process(callback):
    return isinstance(callback, _WRITERS) or getattr(callback, "first_process_only", False)


def _refuse_backup_of_keras(callbacks):
    if any(isinstance(c, keras.callbacks.BackupAndRestore) for c in callbacks):
        raise ValueError(
            "Processes that train together would overwrite one another's files of "
            "`keras.callbacks.BackupAndRestore`. Use `keras_egan.callbacks.Backup`."
        )


def _refuse_relative_paths_of_orbax(callbacks):
    """Refuse what Orbax fails at in the background, where Keras swallows the error."""
    for callback in callbacks:
        if isinstance(callback, keras.callbacks.OrbaxCheckpoint):
            path = os.fspath(callback.directory)
            if not (os.path.isabs(path) or is_address(path)):
                raise ValueError(
                    f"`OrbaxCheckpoint` needs an absolute directory, or it writes nothing; got "
                    f"{path!r}. Give `os.path.abspath({path!r})`."
                )


def _warn_of_state(callbacks):
    names = callback_state.without_state(callbacks)
    if names:
        warnings.warn(
            f"{', '.join(names)} {'have' if names[1:] else 'has'} no `get_state`: `Backup` saves "
            "nothing of such a callback's state, and a resumed training starts without it. Give "
            "the class `get_state` and `set_state`, as `keras_egan.callbacks` says; without state, "
            "`get_state` returns {}.",
            stacklevel=3,
        )


def _is_told_of_steps(callback):
    default = keras.callbacks.Callback
    return any(
        getattr(getattr(callback, name), "__func__", None) is not getattr(default, name)
        for name in ("on_train_batch_end", "on_batch_end")
    )
