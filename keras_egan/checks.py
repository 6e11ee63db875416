"""Checks of arguments that several classes share."""

import math
import numbers
from typing import Any

import keras

UPDATES = ("alternating", "simultaneous", "one_pass")

_BOUNDED = ("hard_sigmoid", "sigmoid", "softmax", "tanh")


def is_whole(value: Any) -> bool:
    """Return whether a value is a whole number and not a bool."""
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def is_finite(value: Any) -> bool:
    """Return whether a value is a finite number and not a bool."""
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return number and math.isfinite(value)


def is_count(value: Any) -> bool:
    """Return whether a value is a whole number from 1 up."""
    return is_whole(value) and value >= 1


def is_weight(value: Any) -> bool:
    """Return whether a value is a finite number from 0 up."""
    return is_finite(value) and value >= 0


def above_zero(**arguments: Any) -> None:
    """Raise a `ValueError` that names the first argument that is not a finite number above 0."""
    for name, value in arguments.items():
        if not (is_finite(value) and value > 0):
            raise ValueError(f"`{name}` must be above 0; got {value!r}.")


def share(**arguments: Any) -> None:
    """Raise a `ValueError` that names the first argument that is not a number in (0, 1]."""
    for name, value in arguments.items():
        if not (is_finite(value) and 0 < value <= 1):
            raise ValueError(f"`{name}` must be in (0, 1]; got {value!r}.")


def whole_number(least: int, **arguments: Any) -> None:
    """Raise a `ValueError` unless all arguments are whole numbers, `least` or more.

    The message names the first that is not. NumPy integers are allowed.
    """
    for name, value in arguments.items():
        if not (is_whole(value) and value >= least):
            raise ValueError(f"`{name}` must be a whole number, {least} or more; got {value!r}.")


def optional_whole(least: int, **argument: Any) -> int | None:
    """Return an argument as a plain int or None; raise a `ValueError` if it is neither."""
    (value,) = argument.values()
    if value is None:
        return None
    whole_number(least, **argument)
    return int(value)


def none_of(**arguments: Any) -> None:
    """Raise a `ValueError` that names the first Keras argument that is set but has no effect."""
    for name, value in arguments.items():
        if value is not None:
            raise ValueError(
                f"`{name}` has no effect on a GAN, which does not weight images. Omit it."
            )


def updates(updates: str, d_steps: int) -> None:
    """Raise a `ValueError` if `updates` does not allow `d_steps`."""
    if updates != "alternating" and d_steps > 1:
        raise ValueError(
            f"`updates={updates!r}` needs `d_steps=1`; got `d_steps={d_steps}`. Use "
            "`updates='alternating'`."
        )


def own_network(delta: Any, discriminator: keras.Model) -> None:
    """Raise a `ValueError` unless `delta` is None or a network with its own weights."""
    if delta is None:
        return
    if not isinstance(delta, keras.layers.Layer):
        raise ValueError(
            f"`delta` must be a Keras model from images to features, or None; got {delta!r}."
        )
    if {*map(id, delta.variables)} & {*map(id, discriminator.variables)}:
        raise ValueError(
            "`delta` must not share weights with `discriminator`: a saved file would separate "
            "them. Give it its own weights: `keras.models.clone_model`."
        )


def has_encoder(discriminator: keras.Model) -> bool:
    """Return whether a discriminator has an `encoder` and a `decoder`."""
    return hasattr(discriminator, "encoder") and hasattr(discriminator, "decoder")


def unbounded(discriminator: keras.Model) -> None:
    """Raise a `ValueError` if the discriminator visibly ends in a bounded activation."""
    network, shaping = discriminator, (keras.layers.Flatten, keras.layers.Reshape)
    while getattr(network, "layers", None):
        network = [layer for layer in network.layers if not isinstance(layer, shaping)][-1]
    activation = getattr(getattr(network, "activation", None), "__name__", None)
    if isinstance(network, keras.layers.Softmax):
        activation = "softmax"
    if activation in _BOUNDED:
        raise ValueError(
            f"`discriminator` must end in a linear layer; it ends in {activation!r}, which bounds "
            "the scores that the loss compares. End it in `keras.layers.Dense(1)`."
        )


def begun(gan: Any) -> None:
    """Raise a `RuntimeError` if a GAN's `super().__init__` was not called yet."""
    if "_states" not in gan.__dict__:
        raise RuntimeError(
            f"{type(gan).__name__} sets an attribute or adds a state before its base is made. Call "
            "`super().__init__(generator, discriminator, ...)` first."
        )


def scalars(indicators: dict[str, Any]) -> None:
    """Raise a `ValueError` if an indicator is no scalar."""
    for name, value in indicators.items():
        shape = getattr(value, "shape", ())
        if shape.rank if hasattr(shape, "rank") else len(shape):  # TensorFlow's may be unknown
            raise ValueError(
                f"`indicators` must return scalars, and {name!r} has the shape {tuple(shape)}. "
                "Return its mean, for example."
            )


def distinct_names(names: list[str]) -> None:
    """Raise a `ValueError` if a metric or an indicator has the name of another."""
    repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if repeated:
        raise ValueError(
            f"The losses and `indicators` give {repeated[0]!r} more than once, and the logs have "
            "one value per name. Give each metric and each indicator a name of its own."
        )
