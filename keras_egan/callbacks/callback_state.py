"""The state of callbacks in a backup."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import keras
import numpy as np

from keras_egan.backend.keras_internals import CHECKPOINT_COUNTS, TENSORBOARD_COUNTS
from keras_egan.saving.packing import packed, unpacked

_OF_KERAS: dict[type, tuple[str, ...]] = {
    keras.callbacks.EarlyStopping: ("best", "best_epoch", "best_weights", "stopped_epoch", "wait"),
    keras.callbacks.History: ("epoch", "history"),
    keras.callbacks.ModelCheckpoint: ("best", *CHECKPOINT_COUNTS),
    keras.callbacks.ReduceLROnPlateau: ("best", "cooldown_counter", "wait"),
    keras.callbacks.TensorBoard: TENSORBOARD_COUNTS,
}
"""The attributes that training changes in Keras's callbacks; its other callbacks have none."""


def get_states(
    callbacks: Iterable[keras.callbacks.Callback],
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the callbacks' states for JSON, and the arrays that these refer to by name."""
    states: dict[str, Any] = {}
    arrays: dict[str, np.ndarray] = {}
    for name, callback in _named(callbacks):
        if hasattr(callback, "get_state"):
            state = callback.get_state()
        else:
            state = {attribute: getattr(callback, attribute) for attribute in _kept(callback)}
        try:
            states[name] = packed(state, name, arrays)
        except ValueError as error:
            raise ValueError(
                f"`get_state` of {type(callback).__qualname__} must return numbers, strings, None, "
                "arrays of numbers, and lists and dicts of them with strings as keys; "
                f"got {error}."
            ) from None
    return states, arrays


def set_states(
    callbacks: Iterable[keras.callbacks.Callback],
    states: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
) -> None:
    """Restore the states that `get_states` returned; a callback without one is unchanged."""
    for name, callback in _named(callbacks):
        if name not in states:
            continue
        state = unpacked(states[name], arrays)
        if hasattr(callback, "set_state"):
            callback.set_state(state)
        else:
            for attribute in _kept(callback):
                if attribute in state:
                    setattr(callback, attribute, state[attribute])


def without_state(callbacks: Iterable[keras.callbacks.Callback]) -> list[str]:
    """Return the names of classes without `get_state` from outside Keras and this package."""
    classes = dict.fromkeys(type(c) for c in callbacks if not hasattr(c, "get_state"))
    known = ("keras", "keras_egan")
    return [c.__qualname__ for c in classes if c.__module__.partition(".")[0] not in known]


def _named(callbacks) -> Iterator[tuple[str, keras.callbacks.Callback]]:
    seen: dict[str, int] = {}
    for callback in callbacks:
        name = type(callback).__qualname__
        seen[name] = seen.get(name, 0) + 1
        yield f"{name}_{seen[name]}", callback


def _kept(callback):
    return [
        name for kind, names in _OF_KERAS.items() if isinstance(callback, kind) for name in names
    ]
