"""Backups of a training, from which it goes on exactly where it was."""

import hashlib
import json
import os
import shutil
import warnings
from contextlib import suppress
from pathlib import Path

import keras
from keras import ops

from keras_egan import checks

__all__ = ["Backup"]

_DIGIT = "[0-9]"


class Backup(keras.callbacks.Callback):
    """Saves the state of `fit`, and lets the same script, run again, go on from there.

    Like Keras's `BackupAndRestore`, which goes on at the beginning of an epoch; this one goes on
    at the very step, within an epoch too. Weights, both optimizers, the controller, the seeds and
    the epoch's running means are as they were, and so is the order of images in arrays and in
    what `datasets.load` returns; the result is that of a training that was never stopped, bit
    for bit on one device. Other datasets begin anew, at the batch within the epoch.

    The last two backups are kept. One that is damaged is recognised by its checksum and passed
    over with a warning; a half-written one has no name yet. When training ends, all are removed.
    Callbacks of Keras that keep a memory, such as `EarlyStopping`, begin theirs anew.

    Args:
        directory: where the backups are kept; made if need be.
        every: a number of training steps between backups within an epoch; by default there is one
            after each epoch.

    Raises:
        ValueError: if `every` is below 1; or, when `fit` begins, if there are backups in the
            directory and none is whole.

    Example:

    ```python
    gan.fit(images, epochs=100, callbacks=[Backup("run/backup", every=1000)])
    ```
    """

    def __init__(self, directory, every=None):
        super().__init__()
        if every is not None:
            checks.one_or_more(every=every)
        self.directory = Path(directory)
        self.every = every
        self._others = []
        self._means = None

    def restore(self, model, callbacks=()):
        """Loads the newest whole backup, if there is any. `fit` calls it.

        Args:
            model: the GAN.
            callbacks: all of `fit`'s callbacks.

        Returns:
            The epoch to go on with and how many of its steps are done; None without a backup.
        """
        self._others = [c for c in callbacks if c is not self]
        self._done = 0
        folders = self._folders()
        for folder in folders:
            position = _read(folder)
            if position is None:
                warnings.warn(f"{folder} is damaged; the backup before it is used.", stacklevel=3)
                continue
            model.load_weights(folder / "state.weights.h5")
            self._done = position["done"]
            if self._done:
                self._means = [ops.convert_to_numpy(v) for v in model.running_means.variables]
            print(f"Resumed from {folder}: epoch {position['epoch'] + 1}, step {position['step']}.")
            return position["epoch"], position["done"]
        if folders:
            raise ValueError(
                f"No backup in {self.directory} is whole. Delete it to begin training anew."
            )
        return None

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        self._first = self._last = int(ops.convert_to_numpy(self.model.step))
        if self._means:  # Keras has just reset them
            for variable, value in zip(
                self.model.running_means.variables, self._means, strict=True
            ):
                variable.assign(value)
        self._means = None

    # At the beginning of the next step, so that an epoch is never left without one.
    def on_train_batch_begin(self, batch, logs=None):
        step = self._first + batch
        if self.every and batch and step // self.every > self._last // self.every:
            self._save(self._epoch, self._done + batch)
            self._last = step

    def on_epoch_end(self, epoch, logs=None):
        self._done = 0
        self._save(epoch + 1, 0)

    def clear(self):
        """Removes all backups, and their directory if it holds nothing else.

        `fit` calls it when it ends.
        """
        for folder in [*self._folders(), *self.directory.glob(".backup-*")]:
            shutil.rmtree(folder)
        with suppress(OSError):  # it holds what is not ours
            self.directory.rmdir()

    def _save(self, epoch, done):
        step = int(ops.convert_to_numpy(self.model.step))
        for callback in self._others:
            if hasattr(callback, "flush"):
                callback.flush(step)
        temporary = self.directory / f".backup-{os.getpid()}"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        weights = temporary / "state.weights.h5"
        self.model.save_weights(weights)
        position = {"epoch": epoch, "done": done, "step": step, "sha256": _digest(weights)}
        (temporary / "position.json").write_text(json.dumps(position))
        earlier = self._folders()
        # The same step at an epoch's beginning and end are two different positions.
        folder = self.directory / f"{step:010d}-{epoch:06d}"
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(temporary, folder)
        for old in [other for other in earlier if other != folder][1:]:
            shutil.rmtree(old)

    def _folders(self):
        return sorted(self.directory.glob(f"{_DIGIT * 10}-{_DIGIT * 6}"), reverse=True)


def _digest(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read(folder):
    try:
        position = json.loads((folder / "position.json").read_text())
        if _digest(folder / "state.weights.h5") == position["sha256"]:
            return position
    except (OSError, ValueError, KeyError):
        pass
    return None
