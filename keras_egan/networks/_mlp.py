"""Multi-layer networks for vectors."""

from collections.abc import Callable
from typing import Any

import keras
from keras import layers

from keras_egan import checks
from keras_egan.networks._autoencoder import Autoencoder
from keras_egan.networks._layers import critic, embedding_inputs, latent_inputs


def mlp(
    dimensions: int = 2,
    *,
    latent_dim: int = 2,
    n_layers: int = 3,
    units: int = 128,
    embedding_dim: int | None = None,
    activation: str | Callable[[Any], Any] = "relu",
    scale: float = 1.0,
    num_classes: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """Return a fully connected generator and discriminator of vectors.

    Every hidden layer has the same width; the outputs are linear.

    Args:
        dimensions: the length of a sample.
        latent_dim: the length of the generator's input.
        n_layers: number of hidden layers of the generator, of the critic, and of each half of the
            auto-encoder.
        units: number of units of each hidden layer.
        embedding_dim: the length of the auto-encoder's embedding, best below `dimensions`, because
            otherwise it may learn the identity; None for a critic.
        activation: the activation of the hidden layers.
        scale: the size of the samples' coordinates, above 0. Outputs are multiplied by it, and the
            discriminator's inputs are divided by it.
        num_classes: the number of classes, for networks that take labels too; or None.

    Returns:
        The generator, from `(batch, latent_dim)` to `(batch, dimensions)`, and a critic, from
        samples to `(batch, 1)`, or an `Autoencoder` of samples.

    Raises:
        ValueError: if `scale` is not above 0.

    Source: our own.

    Example:

    ```python
    generator, critic = mlp(dimensions=2, n_layers=4, units=400)
    ```
    """
    checks.above_zero(scale=scale)

    def hidden(x):
        for _ in range(n_layers):
            x = layers.Dense(units, activation=activation)(x)
        return x

    def made(inputs, x, name):
        x = layers.Rescaling(scale)(layers.Dense(dimensions)(hidden(x)))
        return keras.Model(inputs, x, name=name)

    generator = made(*latent_inputs(latent_dim, num_classes), "generator")
    sample = keras.Input((dimensions,))
    x = hidden(layers.Rescaling(1 / scale)(sample))
    if embedding_dim is None:
        return generator, critic(sample, x, layers.Dense(1)(x), num_classes)
    encoder = keras.Model(sample, layers.Dense(embedding_dim)(x), name="encoder")
    decoder = made(*embedding_inputs((embedding_dim,), num_classes), "decoder")
    return generator, Autoencoder(encoder, decoder)
