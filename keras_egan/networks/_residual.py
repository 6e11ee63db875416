"""Residual networks without normalisation."""

from collections.abc import Sequence

import keras
from keras import layers

from keras_egan.networks._autoencoder import Autoencoder
from keras_egan.networks._layers import (
    critic,
    dense_map,
    embedding_inputs,
    latent_inputs,
    split_shape,
)


def residual(
    image_shape: Sequence[int] = (64, 64, 3),
    *,
    filters: int = 16,
    latent_dim: int = 64,
    blocks: int = 1,
    embedding_dim: int | None = None,
    num_classes: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """Returns a generator and a critic, or an auto-encoder, of residual blocks.

    Sides are halved until the longer is at most 15, and channels doubled at each scale. Each scale
    below the image's has `blocks` bottlenecks, which begin as the identity. Scales change by
    bilinear interpolation or average pooling, which leave no grid in the pictures. LeakyReLU
    throughout; no normalisation. The generator ends in tanh.

    Args:
        image_shape: the shape of one image in Keras's image data format, sides from 16 up that can
            be halved so often.
        filters: the channels at half the image's scale.
        latent_dim: the length of the generator's input.
        blocks: the number of blocks per scale.
        embedding_dim: the length of an auto-encoder's embedding; None for a critic.
        num_classes: the number of classes, for networks that take labels too; or None.

    Returns:
        The generator, from `(batch, latent_dim)` to images, and a critic, from images to
        `(batch, 1)`, or an `Autoencoder` of images.

    Raises:
        ValueError: if the images cannot have this shape.

    Source: our own, after Huang et al., R3GAN, https://arxiv.org/abs/2501.05441, section 3.

    Example:

    ```python
    generator, critic = residual(image_shape=(64, 64, 3), filters=24)
    ```
    """
    height, width, _ = split_shape(image_shape)
    scales = max(height, width, 16).bit_length() - 4  # until the longer side is at most 15
    height, width, channels = split_shape(image_shape, 1 << scales)

    def stage(x, scale):
        for _ in range(blocks):
            x = _block(x, filters << (scale - 1))
        return x

    def image(inputs, x, name):
        x = dense_map(x, height >> scales, width >> scales, filters << (scales - 1))
        for scale in range(scales, 0, -1):
            x = layers.UpSampling2D(interpolation="bilinear")(stage(x, scale))
            if scale > 1:
                x = layers.Conv2D(filters << (scale - 2), 1)(x)
        x = layers.Conv2D(channels, 3, padding="same", activation="tanh")(_active(x))
        return keras.Model(inputs, x, name=name)

    generator = image(*latent_inputs(latent_dim, num_classes), "generator")

    images = keras.Input(image_shape, name="image")
    x = layers.Conv2D(filters, 4, strides=2, padding="same")(images)
    for scale in range(1, scales + 1):
        x = stage(x, scale)
        if scale < scales:
            x = layers.AveragePooling2D()(layers.Conv2D(filters << scale, 1)(x))
    x = layers.Flatten()(_active(x))
    if embedding_dim is None:
        return generator, critic(images, x, layers.Dense(1)(x), num_classes)
    encoder = keras.Model(images, layers.Dense(embedding_dim)(x), name="encoder")
    decoder = image(*embedding_inputs((embedding_dim,), num_classes), "decoder")
    return generator, Autoencoder(encoder, decoder)


def _block(x, channels):
    # As Fixup: with a last convolution of zeros each block begins as the identity, and a deep
    # network without normalisation trains: https://arxiv.org/abs/1901.09321
    y = layers.Conv2D(channels // 2, 1)(_active(x))
    y = layers.Conv2D(channels // 2, 3, padding="same")(_active(y))
    y = layers.Conv2D(channels, 1, use_bias=False, kernel_initializer="zeros")(_active(y))
    return layers.Add()([x, y])


def _active(x):
    return layers.LeakyReLU(0.2)(x)
