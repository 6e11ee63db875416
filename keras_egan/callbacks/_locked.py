"""A lock on a folder, which ends with its process."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["locked"]

try:
    import fcntl

    def _lock(file):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
except ImportError:  # Windows
    import msvcrt

    def _lock(file):
        file.seek(1 << 20)  # far from the text, which others may then read
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Holds a lock, a file at `path`, which the system releases if the process is killed.

    Raises:
        ValueError: if another process, or another call in this one, holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+")
    try:
        try:
            _lock(file)
        except OSError as error:
            file.seek(0)
            raise ValueError(
                f"Another training, process {file.read().strip() or 'unknown'}, is using {what}. "
                "Wait for it, or give each training a folder of its own."
            ) from error
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        try:
            yield
        finally:
            with suppress(OSError):  # Windows removes no file that is open
                path.unlink()
    finally:
        file.close()
