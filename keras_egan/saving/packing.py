"""Nested states as JSON values and arrays, and back, without pickle."""

import io
import json
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np


def packed(value: Any, path: str, arrays: dict[str, np.ndarray]) -> Any:
    """Return a state for JSON; put its arrays into `arrays`, by names that begin with `path`.

    A state is None, a number, a string, bytes, an array or PyTorch tensor of numbers, or a list,
    a tuple or a dict of these, with strings as keys.

    Raises:
        ValueError: if the state holds anything else; the message says where.
    """
    if isinstance(value, (list, tuple)):
        items = [packed(item, f"{path}/{index}", arrays) for index, item in enumerate(value)]
        return {"tuple": items} if isinstance(value, tuple) else items
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": {k: packed(item, f"{path}/{k}", arrays) for k, item in value.items()}}
    kind = "array"
    if isinstance(value, bytes):
        value, kind = np.frombuffer(value, "uint8"), "bytes"
    elif hasattr(value, "detach"):  # PyTorch's
        value, kind = value.detach().cpu().numpy(), "tensor"
    # TensorFlow's `get_weights` returns NumPy scalars; `set_weights` needs values with a shape.
    if isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind in "biuf":
        arrays[path] = np.asarray(value)
        return {kind: path}
    if not isinstance(value, (bool, int, float, str, type(None))):
        _, _, where = path.partition("/")
        raise ValueError(f"{value!r}{where and f' at {where!r}'}")
    return value


def unpacked(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    """Return a new state each time, because its owner may change it."""
    if isinstance(value, list):
        return [unpacked(item, arrays) for item in value]
    if not isinstance(value, dict):
        return value
    ((kind, inner),) = value.items()
    if kind == "tuple":
        return tuple(unpacked(item, arrays) for item in inner)
    if kind == "dict":
        return {name: unpacked(item, arrays) for name, item in inner.items()}
    array = np.array(arrays[inner])
    if kind == "bytes":
        return array.tobytes()
    return sys.modules["torch"].from_numpy(array) if kind == "tensor" else array


def to_bytes(state: Any) -> bytes:
    """Return a state as bytes."""
    arrays: dict[str, Any] = {}
    text = json.dumps(packed(state, "state", arrays))
    file = io.BytesIO()
    np.savez(file, **arrays, json=np.frombuffer(text.encode(), "uint8"))
    return file.getvalue()


def from_bytes(data: bytes) -> Any:
    """Return the state that `to_bytes` was given."""
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        arrays = dict(file)
    return unpacked(json.loads(arrays.pop("json").tobytes()), arrays)
