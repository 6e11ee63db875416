"""What callbacks remember of a training, in plain numbers and arrays."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import keras
import numpy as np

from keras_egan._keras_internals import own_attributes

__all__ = ["Memory"]


class Memory:
    """The attributes of callbacks that are plain, and that have changed since they were made.

    Plain are numbers, strings, None, arrays, and lists and dicts of those: `EarlyStopping`'s count
    and its best weights, `ReduceLROnPlateau`'s best figure, the history; and operations of Keras,
    such as the comparison that both choose as they begin. What a callback was made
    with is the user's, who may give another patience when the training goes on.

    Args:
        callbacks: the callbacks, as they are before training.

    Example:

    ```python
    memory = Memory([early_stopping])
    ...
    facts, arrays = memory.take()
    memory.give_back(facts, arrays)
    ```
    """

    def __init__(self, callbacks: Iterable[keras.callbacks.Callback]):
        self.callbacks = dict(_named(callbacks))
        self.before = {name: _plain(callback) for name, callback in self.callbacks.items()}

    def take(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Returns what has changed: facts that JSON can hold, and the arrays that they name."""
        arrays: dict[str, np.ndarray] = {}
        facts = {}
        for name, callback in self.callbacks.items():
            now, before = _plain(callback), self.before[name]
            changed = {k: v for k, v in now.items() if k not in before or not _same(v, before[k])}
            facts[name] = _packed(changed, f"{name}/", arrays)
        return facts, arrays

    def give_back(self, facts: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
        """Gives callbacks the attributes that `take` returned."""
        for name, callback in self.callbacks.items():
            for attribute, value in facts.get(name, {}).items():
                setattr(callback, attribute, _unpacked(value, arrays))


def _named(callbacks) -> Iterator[tuple[str, keras.callbacks.Callback]]:
    """Names callbacks by their class, and number those of one class."""
    seen: dict[str, int] = {}
    for callback in callbacks:
        name = type(callback).__qualname__
        seen[name] = seen.get(name, 0) + 1
        yield f"{name}_{seen[name]}", callback


def _plain(callback):
    attributes = own_attributes(callback)
    return {name: _copy(value) for name, value in attributes.items() if _is_plain(value)}


def _is_plain(value):
    if type(value) in (list, tuple):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_plain(v) for k, v in value.items())
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "biuf"
    if _is_operation(value):
        return True
    return isinstance(value, (bool, int, float, str, type(None), np.number, np.bool_))


def _is_operation(value):
    return callable(value) and getattr(keras.ops, getattr(value, "__name__", ""), None) is value


def _copy(value):
    if isinstance(value, (list, tuple)):
        return type(value)(map(_copy, value))
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return value.copy()
    return value


def _same(one, other):
    arrays: dict[str, np.ndarray] = {}
    others: dict[str, np.ndarray] = {}
    alike = json.dumps(_packed(one, "", arrays)) == json.dumps(_packed(other, "", others))
    return alike and all(np.array_equal(arrays[key], others[key]) for key in arrays)


def _packed(value, path, arrays):
    if isinstance(value, (list, tuple)):
        items = [_packed(item, f"{path}{index}/", arrays) for index, item in enumerate(value)]
        return {"tuple": items} if isinstance(value, tuple) else items
    if isinstance(value, dict):
        return {key: _packed(item, f"{path}{key}/", arrays) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        arrays[path] = value
        return {"array": path}
    if isinstance(value, np.generic):
        return {"scalar": [value.dtype.name, value.item()]}
    return {"operation": value.__name__} if _is_operation(value) else value


def _unpacked(value, arrays):
    if isinstance(value, list):
        return [_unpacked(item, arrays) for item in value]
    if isinstance(value, dict):
        if value.keys() == {"array"} and value["array"] in arrays:
            return arrays[value["array"]]
        if value.keys() == {"scalar"}:
            dtype, number = value["scalar"]
            return np.dtype(dtype).type(number)
        if value.keys() == {"operation"}:
            return getattr(keras.ops, value["operation"])
        if value.keys() == {"tuple"}:
            return tuple(_unpacked(value["tuple"], arrays))
        return {key: _unpacked(item, arrays) for key, item in value.items()}
    return value
