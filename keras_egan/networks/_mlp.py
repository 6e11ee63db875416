"""Multi-layer networks for vectors."""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from keras_egan import checks
from keras_egan.networks._autoencoder import Autoencoder

__all__ = ["mlp"]


def mlp(
    dimensions: int = 2,
    *,
    latent_dim: int = 2,
    n_layers: int = 3,
    units: int = 128,
    embedding_dim: int | None = None,
    activation: str | Callable[[Any], Any] = "relu",
    scale: float = 1.0,
) -> tuple[keras.Model, keras.Model]:
    """Returns a fully connected generator and discriminator of vectors.

    Every hidden layer has the same width; the outputs are linear.

    Args:
        dimensions: the length of a sample.
        latent_dim: the length of the generator's input.
        n_layers: the hidden layers of the generator, of the critic, and of each half of the
            auto-encoder.
        units: the units of each hidden layer.
        embedding_dim: the length of the auto-encoder's embedding, which should be below
            `dimensions`, or the identity can be learnt; None, the default, for a critic.
        activation: of the hidden layers.
        scale: above 0: the size of the samples' coordinates. The generator's outputs, and
            reconstructions, are multiplied by it; what the discriminator is given is divided.

    Returns:
        `generator`, a Keras model from `(batch, latent_dim)` to `(batch, dimensions)`, and
        `discriminator`, a Keras model from samples to `(batch, 1)`, or an `Autoencoder` of them.

    Raises:
        ValueError: if `scale` is not above 0.

    Source: our own.

    Example:

    ```python
    generator, critic = mlp(dimensions=2, n_layers=4, units=400)
    ```
    """
    checks.above_zero(scale=scale)

    def network(name, inputs, outputs, before=1.0, after=1.0):
        vector = keras.Input((inputs,))
        x = layers.Rescaling(before)(vector)
        for _ in range(n_layers):
            x = layers.Dense(units, activation=activation)(x)
        x = layers.Rescaling(after)(layers.Dense(outputs)(x))
        return keras.Model(vector, x, name=name)

    generator = network("generator", latent_dim, dimensions, after=scale)
    if embedding_dim is None:
        return generator, network("discriminator", dimensions, 1, before=1 / scale)
    encoder = network("encoder", dimensions, embedding_dim, before=1 / scale)
    return generator, Autoencoder(
        encoder, network("decoder", embedding_dim, dimensions, after=scale)
    )
