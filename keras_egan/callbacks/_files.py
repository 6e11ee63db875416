"""Appends that are complete or undone, and errors that do not end training."""

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def append(path: Path, text: str) -> None:
    """Append a text to a file; after an `OSError` the file is as it was."""
    with path.open("ab", buffering=0) as file:
        size, data = file.seek(0, os.SEEK_END), memoryview(text.encode())
        try:
            while data:  # a nearly full disk takes only a part
                data = data[file.write(data) :]
        except OSError:
            file.truncate(size)
            raise


@contextmanager
def tolerated(what: str, warned: set[str]) -> Iterator[None]:
    """Turn any error into a warning that `what` failed, once per `what` in `warned`."""
    try:
        yield
    except Exception as error:
        if what not in warned:
            warned.add(what)
            warnings.warn(
                f"{what} failed, and training goes on: {type(error).__name__}: {error}",
                stacklevel=3,
            )
