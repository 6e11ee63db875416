"""Checks of arguments that several classes share."""

import numbers
from typing import Any

import keras

__all__ = [
    "above_zero", "is_whole", "one_or_more", "own_network", "unbounded", "whole_number",
    "zero_or_more",
]  # fmt: skip

_BOUNDED = ("hard_sigmoid", "sigmoid", "softmax", "tanh")


def above_zero(**arguments):
    """Raises a `ValueError` that names the first argument that is not above 0."""
    for name, value in arguments.items():
        if not value > 0:
            raise ValueError(f"`{name}` must be above 0; got {value!r}.")


def zero_or_more(**arguments):
    """Raises a `ValueError` that names the first argument that is below 0."""
    for name, value in arguments.items():
        if not value >= 0:
            raise ValueError(f"`{name}` must be 0 or more; got {value!r}.")


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number, and no bool."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def whole_number(least: int, **arguments: Any) -> None:
    """Raises a `ValueError` that names the first argument that is no whole number from `least` up.

    NumPy's integers are whole numbers; an `int` made of them can do all that Python's can.
    """
    for name, value in arguments.items():
        if not (is_whole(value) and value >= least):
            raise ValueError(f"`{name}` must be a whole number, {least} or more; got {value!r}.")


def one_or_more(**arguments: Any) -> None:
    """Raises a `ValueError` that names the first argument that is no whole number from 1 up."""
    whole_number(1, **arguments)


def own_network(delta, discriminator):
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


def unbounded(discriminator):
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
