"""Multi-layer networks for vectors."""

import keras
from keras import layers

from keras_egan.networks.autoencoder import Autoencoder

__all__ = ["mlp"]


def mlp(dimensions=2, latent_dim=2, n_layers=3, units=128, embedding_dim=None, activation="relu"):
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

    Returns:
        `generator`, a Keras model from `(batch, latent_dim)` to `(batch, dimensions)`, and
        `discriminator`, a Keras model from samples to `(batch, 1)`, or an `Autoencoder` of them.

    Source: our own.

    Example:

    ```python
    generator, critic = mlp(dimensions=2, n_layers=4, units=400)
    ```
    """

    def network(name, inputs, outputs):
        x = vector = keras.Input((inputs,))
        for _ in range(n_layers):
            x = layers.Dense(units, activation=activation)(x)
        return keras.Model(vector, layers.Dense(outputs)(x), name=name)

    generator = network("generator", latent_dim, dimensions)
    if embedding_dim is None:
        return generator, network("discriminator", dimensions, 1)
    encoder = network("encoder", dimensions, embedding_dim)
    return generator, Autoencoder(encoder, network("decoder", embedding_dim, dimensions))
