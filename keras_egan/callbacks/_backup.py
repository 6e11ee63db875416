"""Backups from which an interrupted training resumes exactly."""

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
from keras_egan.saving import files

try:
    import fcntl

    def _lock(file):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
except ImportError:  # Windows
    import msvcrt

    def _lock(file):
        file.seek(1 << 20)  # far past the text, so that other processes can read it
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)


_METADATA = "metadata"
_NAME = f"{'[0-9]' * 10}-{'[0-9]' * 6}"


class Snapshot(NamedTuple):
    """One backup: its file, JSON metadata (`"epoch"`, `"done"`, `"step"` ...) and arrays."""

    path: Path
    metadata: dict[str, Any]
    arrays: dict[str, np.ndarray]


class Backup(keras.callbacks.Callback):
    """Save the state of `fit`; the same script, run again, resumes from there.

    Keras's `BackupAndRestore` resumes at the beginning of an epoch, this callback at the exact
    step. It restores the weights, both optimizers, the controller, the seeds, the epoch's running
    means, the history and the states of callbacks. It also restores the order of images in arrays,
    in datasets that are read by index or come from `datasets.load`, and in loaders that have a
    state, such as Grain's and torchdata's. The result is that of an uninterrupted training, bit for
    bit on one device. Other loaders begin a new order, at the same batch of the epoch; a warning
    says so. A callback of your own needs `get_state` and `set_state` (see `keras_egan.callbacks`);
    a warning names a class without them.

    The last two backups are kept while training runs, and the last one after it, one file each. A
    training that has ended goes on from there if the script asks for more `epochs`. If the GAN has
    more steps than when that training began, as after `load` of its result or in a second `fit`, it
    trains further; the backup of the ended training is deleted, which `fit` says. A backup whose
    checksums show damage is skipped with a warning. No backup is made of values that are not
    finite.

    Ctrl-C, SIGTERM and Windows' Ctrl-Break wait for the beginning of the next step, at which a
    backup is written. They then take effect: SIGTERM ends the process, Ctrl-C raises
    `KeyboardInterrupt`. A second Ctrl-C acts at once. Several processes agree about once a second,
    and all of them end. A `fit` that does not run in the main thread cannot see signals.

    A directory belongs to one training. A training is refused if its networks, optimizers,
    augmentation, hyper-parameters or data differ, or if another one is using the directory. Names
    of layers may differ. If learning rates differ, the backup's are used, and a warning says so.

    Args:
        directory: the folder of the backups, on a local disk; created if missing.
        every: number of training steps between backups. A backup is also written after each epoch.
        every_minutes: number of minutes between backups, above 0. With `every`, both apply.

    Raises:
        ValueError: if `every` is not a whole number from 1 up, `every_minutes` not a number above
            0, or `directory` an address such as `"gs://bucket"`; when `fit` begins, if the
            directory holds backups of another training or only damaged ones, or another training
            uses it.
        OSError: if a backup cannot be written, for example on a full disk.

    Example:

    ```python
    gan.fit(images, epochs=100, callbacks=[Backup("run/backup", every=1000)])
    ```
    """

    def __init__(
        self,
        directory: str | os.PathLike,
        every: int | None = None,
        every_minutes: float | None = None,
    ):
        super().__init__()
        self.directory = files.local(directory=directory)
        self.every = checks.optional_whole(1, every=every)
        if every_minutes is not None:
            checks.above_zero(every_minutes=every_minutes)
        self.every_minutes = every_minutes

    @contextmanager
    def reserved(self) -> Iterator[None]:
        """Lock the directory against other trainings; the lock ends with the process."""
        files.make_folder(self.directory)
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
                with suppress(OSError):  # Windows keeps open files; no system removes full folders
                    path.unlink()
                    self.directory.rmdir()

    def newest(self) -> Snapshot | None:
        """Return the newest undamaged backup, or None if there are no backups."""
        found = self._files()
        for file in found:
            if snapshot := _read(file):
                return snapshot
            warnings.warn(f"{file} is damaged; trying the previous backup.", stacklevel=3)
        if found:
            raise ValueError(
                f"All backups in {self.directory} are damaged. Delete it to train from scratch."
            )
        return None

    def write(self, metadata: Mapping[str, Any], arrays: Mapping[str, Any]) -> None:
        """Write a `Snapshot`'s contents, and remove all earlier backups except the newest."""
        earlier = self._files()
        # An epoch's end and the next one's beginning are different positions at the same step.
        path = self.directory / f"{metadata['step']:010d}-{metadata['epoch']:06d}.npz"
        contents = {**arrays, _METADATA: np.frombuffer(json.dumps(metadata).encode(), "uint8")}
        try:
            with files.replacing(path) as temporary, temporary.open("wb") as file:
                np.savez(file, **contents)
        except OSError as error:
            size = sum(array.nbytes for array in arrays.values()) / 2**20
            reason = "the disk is full" if error.errno == errno.ENOSPC else str(error)
            raise OSError(
                error.errno,
                f"A backup of {size:.0f} MiB cannot be written to {self.directory}: {reason}. "
                "Earlier backups remain; run the training again to resume from them",
            ) from error
        for old in [other for other in earlier if other != path][1:]:
            old.unlink()

    def clear(self, kept: int = 0) -> None:
        """Remove all backups except the `kept` newest."""
        for file in [*self._files()[kept:], *self.directory.glob(f".{_NAME}*.npz")]:
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
    except Exception:  # a damaged file may raise many kinds of error
        return None
