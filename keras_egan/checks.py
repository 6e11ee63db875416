"""Checks of arguments that several classes share."""

import math
import numbers
from typing import Any

import keras

UPDATES = ("alternating", "simultaneous", "one_pass")

_BOUNDED = ("hard_sigmoid", "sigmoid", "softmax", "tanh")


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number, and no bool."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def is_finite(value: Any) -> bool:
    """Whether a value is a finite number, and no bool."""
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return number and math.isfinite(value)


def above_zero(**arguments: Any) -> None:
    """Raises a `ValueError` that names the first argument that is no finite number above 0."""
    for name, value in arguments.items():
        if not (is_finite(value) and value > 0):
            raise ValueError(f"`{name}` must be above 0; got {value!r}.")


def share(**arguments: Any) -> None:
    """Raises a `ValueError` that names the first argument that is no number in (0, 1]."""
    for name, value in arguments.items():
        if not (is_finite(value) and 0 < value <= 1):
            raise ValueError(f"`{name}` must be in (0, 1]; got {value!r}.")


def whole_number(least: int, **arguments: Any) -> None:
    """Raises a `ValueError` that names the first argument that is no whole number from `least` up.

    NumPy's integers are whole numbers too.
    """
    for name, value in arguments.items():
        if not (is_whole(value) and value >= least):
            raise ValueError(f"`{name}` must be a whole number, {least} or more; got {value!r}.")


def optional_whole(least: int, **argument: Any) -> int | None:
    """Returns an argument as a plain int, or None; raises a `ValueError` if it is neither."""
    (value,) = argument.values()
    if value is None:
        return None
    whole_number(least, **argument)
    return int(value)


def none_of(**arguments: Any) -> None:
    """Raises a `ValueError` that names the first of Keras's arguments that is given in vain."""
    for name, value in arguments.items():
        if value is not None:
            raise ValueError(f"`{name}` has no meaning for a GAN, which weighs no images: omit it.")


def updates(updates: str, d_steps: int) -> None:
    """Raises a `ValueError` if both cannot be had."""
    if updates != "alternating" and d_steps > 1:
        raise ValueError(
            f"`updates={updates!r}` takes one discriminator step; got `d_steps={d_steps}`. Use "
            "`updates='alternating'`."
        )


def own_network(delta: Any, discriminator: keras.Model) -> None:
    """Raises a `ValueError` unless `delta` is None or a network with weights of its own."""
    if delta is None:
        return
    if not isinstance(delta, keras.layers.Layer):
        raise ValueError(
            f"`delta` must be a Keras model from images to features, or None; got {delta!r}."
        )
    if {*map(id, delta.variables)} & {*map(id, discriminator.variables)}:
        raise ValueError(
            "`delta` shares weights with `discriminator`, which would part in a saved file. "
            "Give it weights of its own, as `keras.models.clone_model` does."
        )


def has_encoder(discriminator: keras.Model) -> bool:
    """Returns whether a discriminator has an `encoder` and a `decoder`."""
    return hasattr(discriminator, "encoder") and hasattr(discriminator, "decoder")


def unbounded(discriminator: keras.Model) -> None:
    """Raises a `ValueError` if the discriminator can be seen to end in a bounded activation."""
    network, shaping = discriminator, (keras.layers.Flatten, keras.layers.Reshape)
    while getattr(network, "layers", None):
        network = [layer for layer in network.layers if not isinstance(layer, shaping)][-1]
    activation = getattr(getattr(network, "activation", None), "__name__", None)
    if isinstance(network, keras.layers.Softmax):
        activation = "softmax"
    if activation in _BOUNDED:
        raise ValueError(
            f"`discriminator` ends in {activation!r}, which flattens the squared errors that "
            "LSGAN is about. End it linearly: `keras.layers.Dense(1)`."
        )
