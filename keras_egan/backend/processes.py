"""What one process does for all, and what all have to agree on.

With one process, each of these is the plain call.
"""

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from keras_egan.backend import distributed

_MESSAGE = 1000
"""How many bytes of an error's message come to the other processes."""


def is_first() -> bool:
    """Whether this is the process that writes files and prints."""
    return distributed.process_index() == 0


def say(text: str) -> None:
    """Prints on the first process."""
    if is_first():
        print(text)


def by_first(function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Runs a function on the first process, for which the others do not wait."""
    if distributed.process_count() == 1:
        function(*args, **kwargs)
    elif is_first():
        with distributed.alone():
            function(*args, **kwargs)


def first(function: Callable[..., Any], *args: Any) -> Any:
    """Runs a function on the first process, for which the others wait; it must not wait for them.

    All get its result, which JSON must hold. If it raises, the others raise a `RuntimeError`.
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


def first_arrays(arrays: Mapping[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """Returns the first process's arrays, by their names, on all."""
    if distributed.process_count() == 1:
        return arrays
    file = io.BytesIO()
    if is_first():
        np.savez(file, **dict(arrays))  # type: ignore[arg-type]
    with np.load(io.BytesIO(distributed.broadcast(file.getvalue())), allow_pickle=False) as found:
        return dict(found)


def together(function: Callable[..., Any], *args: Any) -> Any:
    """Runs a function on every process, so that none goes on, and waits for ever, if one cannot.

    The function must not wait for the others, unless all of them fail or none. If it raises on
    one, the others raise a `RuntimeError` that names the process.
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
    """Raises an error that names a value which is not the same on all processes."""
    if distributed.process_count() > 1:
        own = json.loads(json.dumps(values, default=str))
        together(_compare, first(lambda: own), own)


def _compare(expected, found):
    for name in {**expected, **found}:
        if expected.get(name) != found.get(name):
            raise ValueError(
                f"{name} is {expected.get(name)!r} on the first process and {found.get(name)!r} on "
                f"process {distributed.process_index()}. All processes must train the same GAN, "
                "each on its share of every batch: give all of them the same."
            )


def _described(error):
    return f"{type(error).__name__}: {error}"
