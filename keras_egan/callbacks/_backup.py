"""Backups of a training, from which it goes on exactly where it was."""

import errno
import json
import os
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_egan import checks
from keras_egan.callbacks._locked import locked
from keras_egan.saving.files import replacing

__all__ = ["Backup", "Snapshot"]

_METADATA = "metadata"
_NAME = f"{'[0-9]' * 10}-{'[0-9]' * 6}"


class Snapshot(NamedTuple):
    """What one backup holds.

    Attributes:
        path: the file.
        metadata: what JSON can hold, a dict; with the keys `"epoch"`, `"done"` and `"step"`.
        arrays: a dict of arrays.
    """

    path: Path
    metadata: dict[str, Any]
    arrays: dict[str, np.ndarray]


class Backup(keras.callbacks.Callback):
    """Saves the state of `fit`, and lets the same script, run again, go on from there.

    Like Keras's `BackupAndRestore`, which goes on at the beginning of an epoch; this one goes on
    at the very step, within an epoch too. Weights, both optimizers, the controller, the seeds, the
    epoch's running means and the history are as they were. So are the states of callbacks, such as
    the best value and the patience of `EarlyStopping` and `ReduceLROnPlateau`, and the order of
    images in arrays and in what `datasets.load` returns. The result is that of a training that was
    never stopped, bit for bit on one device. The order of other datasets begins anew, at the batch
    within the epoch; a warning says so. A callback of your own needs `get_state` and `set_state`
    to go on where it was: see `Flushable`; a warning names a class that has none.

    The last two backups are kept, a file each. One that is damaged is recognised by its checksums
    and passed over with a warning; a half-written one has no name yet; and none is made of a
    training whose values are not finite, so that the last good ones stay. When training ends, all
    are removed.

    A folder is one training's. Another training, whose networks, optimizers, augmentation,
    hyper-parameters or data differ, is refused, and so are two at once. Names of layers may
    differ. Other learning rates than the backup's are not used; a warning says so.

    Args:
        directory: where the backups are kept; made if need be.
        every: a number of training steps between backups within an epoch; by default there is one
            after each epoch.

    Raises:
        ValueError: if `every` is no whole number from 1 up; or, when `fit` begins, if the
            directory holds backups of another training or none that is whole, or another training
            is using it.
        OSError: if a backup cannot be written, as on a full disk.

    Example:

    ```python
    gan.fit(images, epochs=100, callbacks=[Backup("run/backup", every=1000)])
    ```
    """

    def __init__(self, directory: str | os.PathLike, every: int | None = None):
        super().__init__()
        if every is not None:
            checks.whole_number(1, every=every)
        self.directory = Path(directory)
        self.every = every

    @contextmanager
    def reserved(self) -> Iterator[None]:
        """Keeps other trainings out of the directory, and tidies it up after the last backup."""
        try:
            with locked(self.directory / ".lock", f"the backups in {self.directory}"):
                yield
        finally:
            with suppress(OSError):  # it holds backups, or what is not ours
                self.directory.rmdir()

    def newest(self) -> Snapshot | None:
        """Returns the newest whole backup; None if there is none at all.

        Raises:
            ValueError: if there are backups, and none is whole.
        """
        files = self._files()
        for file in files:
            if snapshot := _read(file):
                return snapshot
            warnings.warn(f"{file} is damaged; the backup before it is used.", stacklevel=3)
        if files:
            raise ValueError(
                f"No backup in {self.directory} is whole. Delete it to begin training anew."
            )
        return None

    def write(self, metadata: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
        """Makes a backup, and removes all older ones but the last.

        Args:
            metadata: as in `Snapshot`.
            arrays: as in `Snapshot`.

        Raises:
            OSError: if it cannot be written; the older ones are then still there.
        """
        earlier = self._files()
        # The same step at an epoch's beginning and end are two different positions.
        path = self.directory / f"{metadata['step']:010d}-{metadata['epoch']:06d}.npz"
        contents = {**arrays, _METADATA: np.frombuffer(json.dumps(metadata).encode(), "uint8")}
        try:
            with replacing(path) as temporary, temporary.open("wb") as file:
                np.savez(file, **contents)
        except OSError as error:
            size = sum(array.nbytes for array in arrays.values()) / 2**20
            reason = "its disk is full" if error.errno == errno.ENOSPC else str(error)
            raise OSError(
                error.errno,
                f"A backup of {size:.0f} MiB cannot be written to {self.directory}: {reason}. The "
                "ones before it are still there, and training goes on from them when it is run "
                "again",
            ) from error
        for old in [other for other in earlier if other != path][1:]:
            old.unlink()

    def clear(self) -> None:
        """Removes all backups."""
        for file in [*self._files(), *self.directory.glob(f".{_NAME}*.npz")]:
            file.unlink()

    def _files(self):
        return sorted(self.directory.glob(f"{_NAME}.npz"), reverse=True)


def _read(path):
    """Returns a backup; None if it is damaged, as the archive's checksums say."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.testzip():
                return None
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        return Snapshot(path, json.loads(arrays.pop(_METADATA).tobytes()), arrays)
    except MemoryError:
        raise
    except Exception:  # damage shows in many kinds of error
        return None
