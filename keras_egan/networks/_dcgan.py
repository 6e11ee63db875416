"""Small DCGAN-like networks with batch normalisation."""

import math
from collections.abc import Sequence

import keras
from keras import layers

from keras_egan.layers import Conv2DTranspose
from keras_egan.networks._autoencoder import Autoencoder
from keras_egan.networks._layers import (
    batch_normalized,
    embedding_inputs,
    feature_shape,
    latent_inputs,
    split_shape,
)


def dcgan_autoencoder(
    image_shape: Sequence[int] = (32, 32, 1),
    *,
    filters: int = 32,
    latent_dim: int = 64,
    embedding_dim: int = 32,
    num_classes: int | None = None,
) -> tuple[keras.Model, Autoencoder]:
    """Return a DCGAN-like generator and a small auto-encoder with batch normalisation.

    The auto-encoder is one strided convolution, a fully connected embedding, and one transposed
    convolution. Its embedding is batch-normalised, with data and fakes in separate batches. The
    normalisation spreads the embeddings of identical fakes, so their reconstructions are bad and
    their energy is high. With this auto-encoder BEGAN keeps all ten digits on MNIST; with the
    paper's networks it makes little except the digit 1.

    Both networks use [0, 1] inside, so that a black background is 0, and return [-1, 1].

    Args:
        image_shape: the shape of one image in Keras's image data format, sides divisible by 4.
        filters: number of channels of the discriminator's convolution and of the generator's
            second-last layer; the generator begins with twice as many.
        latent_dim: the length of the generator's input.
        embedding_dim: the length of the discriminator's embedding.
        num_classes: the number of classes, for networks that take labels too; or None.

    Returns:
        The generator, from `(batch, latent_dim)` to images, and an `Autoencoder` of images.

    Raises:
        ValueError: if a side is not divisible by 4.

    Source: our own, after Radford et al., DCGAN, https://arxiv.org/abs/1511.06434.

    Example:

    ```python
    generator, discriminator = dcgan_autoencoder(image_shape=(28, 28, 1))
    ```
    """
    height, width, channels = split_shape(image_shape, 4)

    def dense(x, units):
        return layers.ReLU()(batch_normalized(layers.Dense(units, use_bias=False)(x), 1e-3))

    def grid(x, scale, n):
        shape = feature_shape(height // scale, width // scale, n)
        return layers.Reshape(shape)(dense(x, math.prod(shape)))

    def image(x):
        x = Conv2DTranspose(channels, 4, strides=2, padding="same", activation="sigmoid")(x)
        return layers.Rescaling(2.0, offset=-1.0)(x)

    inputs, x = latent_inputs(latent_dim, num_classes)
    x = grid(dense(x, 8 * filters), 4, 2 * filters)
    x = Conv2DTranspose(filters, 4, strides=2, padding="same", use_bias=False)(x)
    generator = keras.Model(
        inputs, image(layers.ReLU()(batch_normalized(x, 1e-3))), name="generator"
    )

    images = keras.Input(image_shape, name="image")
    x = layers.Rescaling(0.5, offset=0.5)(images)
    x = layers.Conv2D(filters, 4, strides=2, padding="same", activation="relu")(x)
    x = layers.Dense(embedding_dim, use_bias=False, name="embedding")(layers.Flatten()(x))
    encoder = keras.Model(images, batch_normalized(x, 1e-3), name="encoder")

    inputs, x = embedding_inputs((embedding_dim,), num_classes, centered=True)
    x = grid(layers.ReLU()(x), 2, filters)
    decoder = keras.Model(inputs, image(x), name="decoder")
    return generator, Autoencoder(encoder, decoder)
