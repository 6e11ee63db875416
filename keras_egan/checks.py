"""Checks of arguments that several classes share."""

import keras

__all__ = ["above_zero", "one_or_more", "own_network", "unbounded", "zero_or_more"]

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


def one_or_more(**arguments):
    """Raises a `ValueError` that names the first argument that is below 1."""
    for name, value in arguments.items():
        if not value >= 1:
            raise ValueError(f"`{name}` must be 1 or more; got {value!r}.")


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
