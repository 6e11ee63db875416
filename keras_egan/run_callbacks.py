"""What a run does between steps, and what callbacks are told of it."""

import math
import warnings
from collections import deque
from typing import Any

import keras
from keras import ops

from keras_egan import processes
from keras_egan.backend import distributed
from keras_egan.callbacks import Diagnosis, TerminateOnNaN
from keras_egan.memory import Memory

__all__ = ["RunCallbacks"]

LAG = 2
"""How many steps late a callback hears of a step, for the device must not wait for that."""


class RunCallbacks(keras.callbacks.CallbackList):
    """The callbacks of a `Run`, for which a training that was cut off is one.

    Args:
        run: the `Run`.
        callbacks: the user's.
        verbose: as in `keras.Model.fit`.
        steps: the number of steps in an epoch, or None if it is not known.
    """

    def __init__(
        self,
        run: Any,
        callbacks: list[keras.callbacks.Callback],
        verbose: Any,
        steps: int | None,
    ):
        if distributed.process_count() > 1:
            _refuse_backup_of_keras(callbacks)
        # Of all callbacks, for processes that train together have to end at the same step.
        self.lag = LAG if all(map(_may_be_late, callbacks)) else 0
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
        self.untold: deque[tuple[int, Any]] = deque()
        kept = [c for c in self.callbacks if not isinstance(c, keras.callbacks.ProgbarLogger)]
        self.memory = Memory(kept)

    def on_train_begin(self, logs=None):
        if self.begun:
            return
        processes.together(super().on_train_begin, logs)
        self.begun = True
        # What callbacks have done at a beginning that was none is undone.
        if self.run.resumed and not self.run.done:
            self.run.restore()

    def on_train_end(self, logs=None):
        self.logs = logs

    def finish(self) -> None:
        """Ends the training, of which Keras has ended every part."""
        super().on_train_end(self.logs)

    def on_epoch_begin(self, epoch, logs=None):
        run = self.run
        run.begin_epoch()
        self.epoch, self.offset, self.saved = epoch, run.done, run.gan.progress.steps_done
        super().on_epoch_begin(epoch, logs)
        if run.done:
            run.restore()

    def on_train_batch_begin(self, batch, logs=None):
        done, backup = self.offset + batch, self.run.backup
        step = self.run.gan.epoch_start + done
        # At the beginning of the next step, so that an epoch is never left without one.
        if self.offset and not batch:  # PyTorch's loaders have just drawn a number of their own
            self.run.restore_random_state()
        if batch and backup and backup.every and step // backup.every > self.saved // backup.every:
            self.tell()
            self.run.gan.synchronize()
            self.run.save(self.epoch, done)
            self.saved = step
        super().on_train_batch_begin(done, logs)

    def on_train_batch_end(self, batch, logs=None):
        if self.telling:
            self.untold.append((self.offset + batch, logs))
            self.tell(self.lag)

    def tell(self, lag: int = 0) -> None:
        """Tells callbacks of all steps that are done, but for the newest.

        Keras would do so from other threads, with which the next steps share the processor.

        Args:
            lag: how many of the newest are left for later.
        """
        while len(self.untold) > lag:
            batch, logs = self.untold.popleft()
            logs = {name: float(ops.convert_to_numpy(logs[name])) for name in sorted(logs)}
            for callback in self.callbacks:
                callback.on_train_batch_end(batch, logs)

    def on_epoch_end(self, epoch, logs=None):
        self.tell()
        gan = self.run.gan
        figures = {name: float(value) for name, value in logs.items()}
        spoilt = not all(map(math.isfinite, figures.values()))
        ending = spoilt and any(isinstance(c, TerminateOnNaN) for c in self.callbacks)
        gan.progress.refuse_unfit(gan.smallest_batch, raising=not ending)
        gan.end_epoch(figures)
        self._warn(gan.findings(figures))
        super().on_epoch_end(epoch, logs)
        self.offset = self.run.done = 0
        if self.run.backup:
            self.run.save(epoch + 1, 0)

    def _warn(self, findings):
        if any(isinstance(callback, Diagnosis) for callback in self.callbacks):
            return  # which says it in its own time
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
"""Keras's callbacks that change nothing but files."""


def _is_of_first_process(callback):
    """Whether one process of several is enough, and two would trample each other's files."""
    return isinstance(callback, _WRITERS) or getattr(callback, "first_process_only", False)


def _refuse_backup_of_keras(callbacks):
    if any(isinstance(c, keras.callbacks.BackupAndRestore) for c in callbacks):
        raise ValueError(
            "Processes that train together would overwrite one another's files of "
            "`keras.callbacks.BackupAndRestore`. Use `keras_egan.callbacks.Backup`."
        )


def _may_be_late(callback):
    """Whether a callback may hear of a step when the next ones have begun."""
    told = _is_told_of_steps(callback) and not isinstance(callback, keras.callbacks.ProgbarLogger)
    return not told or getattr(callback, "async_safe", False)


def _is_told_of_steps(callback):
    """Whether a callback does anything at the end of a step."""
    default = keras.callbacks.Callback
    return any(
        getattr(getattr(callback, name), "__func__", None) is not getattr(default, name)
        for name in ("on_train_batch_end", "on_batch_end")
    )
