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
from keras_egan.saving.files import replacing

try:
    import fcntl

    def _lock(file):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
except ImportError:  # Windows
    import msvcrt

    def _lock(file):
        file.seek(1 << 20)  # far from the text, which others may then read
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)


_METADATA = "metadata"
_NAME = f"{'[0-9]' * 10}-{'[0-9]' * 6}"


class Snapshot(NamedTuple):
    """One backup: its file, what JSON can hold (`"epoch"`, `"done"`, `"step"` ...), and arrays."""

    path: Path
    metadata: dict[str, Any]
    arrays: dict[str, np.ndarray]


class Backup(keras.callbacks.Callback):
    """Saves the state of `fit`; the same script, run again, resumes from there.

    Keras's `BackupAndRestore` resumes at the beginning of an epoch, this one at the very step.
    Weights, both optimizers, the controller, the seeds, the epoch's running means, the history and
    the states of callbacks are restored, and the order of images in arrays and in what
    `datasets.load` returns. The result is that of an uninterrupted training, bit for bit on one
    device. The order of other datasets begins anew, at the batch within the epoch; a warning says
    so. A callback of your own needs `get_state` and `set_state`: see `keras_egan.callbacks`; a
    warning names a class without them.

    The last two backups are kept, a file each, until training ends. One that is damaged, by its
    checksums, is passed over with a warning. None is made of values that are not finite.

    A folder is one training's. Another training, whose networks, optimizers, augmentation,
    hyper-parameters or data differ, is refused, and so are two at once. Names of layers may
    differ. Other learning rates than the backup's are not used; a warning says so.

    Args:
        directory: where the backups are kept; made if need be.
        every: how many training steps there are between backups; by default, an epoch's.

    Raises:
        ValueError: if `every` is no whole number from 1 up; when `fit` begins, if the directory
            holds backups of another training or no whole one, or another training is using it.
        OSError: if a backup cannot be written, as on a full disk.

    Example:

    ```python
    gan.fit(images, epochs=100, callbacks=[Backup("run/backup", every=1000)])
    ```
    """

    def __init__(self, directory: str | os.PathLike, every: int | None = None):
        super().__init__()
        self.directory = Path(directory)
        self.every = checks.optional_whole(1, every=every)

    @contextmanager
    def reserved(self) -> Iterator[None]:
        """Keeps other trainings out of the directory, by a lock that ends with the process."""
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / ".lock"
        with path.open("a+") as file:
            try:
                _lock(file)
            except OSError as error:
                file.seek(0)
                raise ValueError(
                    f"Another training, process {file.read().strip() or 'unknown'}, is using the "
                    f"backups in {self.directory}. Wait for it, or give each training a folder of "
                    "its own."
                ) from error
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            try:
                yield
            finally:
                with suppress(OSError):  # Windows removes no open file, and no system a full folder
                    path.unlink()
                    self.directory.rmdir()

    def newest(self) -> Snapshot | None:
        """Returns the newest whole backup, or None if there is none at all."""
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
        """Makes a backup of a `Snapshot`'s contents, and removes all older ones except the last."""
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
