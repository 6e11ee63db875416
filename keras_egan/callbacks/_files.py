"""Adding to files whole or not at all, and going on where that fails."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def append(path: Path, text: str) -> None:
    """Adds a text to the end of a file; after an `OSError` the file is as it was."""
    with path.open("ab", buffering=0) as file:
        size, data = file.seek(0, os.SEEK_END), memoryview(text.encode())
        try:
            while data:  # the last of a disk takes a part of them
                data = data[file.write(data) :]
        except OSError:
            file.truncate(size)
            raise


@contextmanager
def tolerated(what: str, warned: set[str]) -> Iterator[None]:
    """Turns any error into a warning that `what` failed, once: `warned` remembers it."""
    try:
        yield
    except Exception as error:
        if what not in warned:
            warned.add(what)
            warnings.warn(
                f"{what} failed, and training goes on: {type(error).__name__}: {error}",
                stacklevel=3,
            )
