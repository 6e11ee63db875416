"""Checks of arguments that several GANs share."""

import keras

__all__ = ["above_zero", "last_activation", "zero_or_more"]


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


def last_activation(network):
    """Returns the name of the activation that a network ends in, or None if it cannot be seen."""
    while getattr(network, "layers", None):
        shaping = keras.layers.Flatten, keras.layers.Reshape
        network = [layer for layer in network.layers if not isinstance(layer, shaping)][-1]
    name = getattr(getattr(network, "activation", None), "__name__", None)
    return "softmax" if isinstance(network, keras.layers.Softmax) else name
