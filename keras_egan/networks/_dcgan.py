"""Small DCGAN-like networks with batch normalisation."""

from collections.abc import Sequence

import keras
from keras import layers

from keras_egan.layers import Conv2DTranspose
from keras_egan.networks._autoencoder import Autoencoder
from keras_egan.networks._layers import (
    batch_normalized,
    feature_shape,
    split_divisible,
    with_label,
)

__all__ = ["dcgan_autoencoder"]


def dcgan_autoencoder(
    image_shape: Sequence[int] = (32, 32, 1),
    *,
    filters: int = 32,
    latent_dim: int = 64,
    embedding_dim: int = 32,
    num_classes: int | None = None,
) -> tuple[keras.Model, Autoencoder]:
    """Returns a DCGAN-like generator and a small auto-encoder with batch normalisation.

    The auto-encoder is one strided convolution, a fully connected embedding, and one transposed
    convolution back. Its embedding is batch-normalised, and the discriminator sees data and fakes
    in separate batches: a generator that makes one and the same image gets its embeddings spread
    out, and so a bad reconstruction and a high energy. This is what lets BEGAN keep all ten
    digits on MNIST, where the paper's own networks keep little but the digit 1.

    Both networks work on [0, 1] inside, so that a black background is 0, and give [-1, 1].

    Args:
        image_shape: the shape of one image in Keras's image data format. Both sides must be
            divisible by 4.
        filters: the channels of the discriminator's convolution and of the generator's last but
            one; the generator begins with twice as many.
        latent_dim: the length of the generator's input.
        embedding_dim: the length of the discriminator's embedding.
        num_classes: how many classes the images are of, for networks that take labels too; None
            for networks that do not.

    Returns:
        `generator`, a Keras model from `(batch, latent_dim)` to `(batch, *image_shape)`, and
        `discriminator`, an `Autoencoder` of images.

    Raises:
        ValueError: if a side is not divisible by 4.

    Source: our own, after the strided convolutions of Radford et al., DCGAN,
    https://arxiv.org/abs/1511.06434.

    Example:

    ```python
    generator, discriminator = dcgan_autoencoder(image_shape=(28, 28, 1))
    ```
    """
    height, width, channels = split_divisible(image_shape, 4)

    def normalized(x):
        return batch_normalized(x, epsilon=1e-3)

    def dense(x, units):
        return layers.ReLU()(normalized(layers.Dense(units, use_bias=False)(x)))

    def grid(x, scale, n):
        shape = feature_shape(height // scale, width // scale, n)
        return layers.Reshape(shape)(dense(x, shape[0] * shape[1] * shape[2]))

    def image(x):
        x = Conv2DTranspose(channels, 4, strides=2, padding="same", activation="sigmoid")(x)
        return layers.Rescaling(2.0, offset=-1.0)(x)

    latents = keras.Input((latent_dim,), name="latents")
    inputs, x = with_label(latents, latents, num_classes, 0.05)
    x = grid(dense(x, 8 * filters), 4, 2 * filters)
    x = Conv2DTranspose(filters, 4, strides=2, padding="same", use_bias=False)(x)
    generator = keras.Model(inputs, image(layers.ReLU()(normalized(x))), name="generator")

    images = keras.Input(image_shape, name="image")
    x = layers.Rescaling(0.5, offset=0.5)(images)
    x = layers.Conv2D(filters, 4, strides=2, padding="same", activation="relu")(x)
    x = layers.Dense(embedding_dim, use_bias=False, name="embedding")(layers.Flatten()(x))
    encoder = keras.Model(images, normalized(x), name="encoder")

    embedding = keras.Input((embedding_dim,), name="embedding")
    inputs, x = with_label(embedding, embedding, num_classes, centered=True)
    x = grid(layers.ReLU()(x), 2, filters)
    decoder = keras.Model(inputs, image(x), name="decoder")
    return generator, Autoencoder(encoder, decoder)
