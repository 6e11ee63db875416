"""Work that one process does for all, and checks that all processes agree.

With one process, each function is a plain call.
"""

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from keras_egan.backend import distributed

_MESSAGE = 1000
"""The number of bytes of an error's message that reach the other processes."""


def is_first() -> bool:
    """Return whether this is the process that writes files and prints."""
    return distributed.process_index() == 0


def say(text: str) -> None:
    """Print on the first process."""
    if is_first():
        print(text, flush=True)  # a signal may end the process next


def by_first(function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Run a function on the first process; the others do not wait for it."""
    if distributed.process_count() == 1:
        function(*args, **kwargs)
    elif is_first():
        with distributed.alone():
            function(*args, **kwargs)


def first(function: Callable[..., Any], *args: Any) -> Any:
    """Run a function on the first process and return its result on all; the others wait for it.

    The function must not wait for the others, and its result must be a JSON value.

    Raises:
        RuntimeError: on the other processes, if the function raises on the first.
    """
    if distributed.process_count() == 1:
        return function(*args)
    report, failed = {}, None
    if is_first():
        try:
            with distributed.alone():
                report = {"result": function(*args)}
        except Exception as error:
            report, failed = {"error": _described(error)}, error
    report = json.loads(distributed.broadcast(json.dumps(report, default=float).encode()))
    if failed is not None:
        raise failed
    if "error" in report:
        raise RuntimeError(f"The first process has failed: {report['error']}")
    return report["result"]


def gather_bytes(data: bytes) -> list[bytes]:
    """Return the data of all processes, in their order."""
    lengths = distributed.gather(np.array(len(data), "int32"))
    own = np.zeros(int(lengths.max()), "uint8")
    own[: len(data)] = np.frombuffer(data, "uint8")
    found = distributed.gather(own)
    return [row[:length].tobytes() for row, length in zip(found, lengths, strict=True)]


def first_arrays(arrays: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """Return the first process's arrays, by name, on all processes."""
    if distributed.process_count() == 1:
        return arrays
    file = io.BytesIO()
    if is_first():
        np.savez(file, **dict(arrays))  # type: ignore[arg-type]
    with np.load(io.BytesIO(distributed.broadcast(file.getvalue())), allow_pickle=False) as found:
        return dict(found)


def together(function: Callable[..., Any], *args: Any) -> Any:
    """Run a function on every process; if it fails on one, stop all, so that none waits for ever.

    The function must not wait for the others, unless it fails on all processes or on none.

    Raises:
        RuntimeError: on the other processes, if the function raises on one; it names that process.
    """
    if distributed.process_count() == 1:
        return function(*args)
    result, failed, message = None, None, b""
    try:
        result = function(*args)
    except Exception as error:
        failed, message = error, _described(error).encode()[:_MESSAGE]
    own = np.zeros(_MESSAGE, "uint8")
    own[: len(message)] = np.frombuffer(message, "uint8")
    found = distributed.gather(own)
    if failed is not None:
        raise failed
    for index, other in enumerate(found):
        if other.any():
            text = other.tobytes().rstrip(b"\0").decode(errors="replace")
            raise RuntimeError(f"Process {index} of {len(found)} has failed: {text}")
    return result


def same(values: Mapping[str, Any]) -> None:
    """Check that values are the same on all processes.

    Raises:
        ValueError: on a process where a value differs from the first process's; it names the value.
        RuntimeError: on the other processes.
    """
    if distributed.process_count() > 1:
        own = json.loads(json.dumps(values, default=str))
        together(_compare, first(lambda: own), own)


def _compare(expected, found):
    for name in {**expected, **found}:
        if expected.get(name) != found.get(name):
            raise ValueError(
                f"{name} is {expected.get(name)!r} on the first process and {found.get(name)!r} on "
                f"process {distributed.process_index()}. Give all processes the same GAN and "
                "settings; each trains on its share of every batch."
            )


def _described(error):
    return f"{type(error).__name__}: {error}"
