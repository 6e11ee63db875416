"""Residual networks without normalisation."""

from collections.abc import Sequence

import keras
from keras import layers

from keras_egan.networks._autoencoder import Autoencoder
from keras_egan.networks._layers import (
    batch_normalized,
    critic,
    cropped,
    dense_map,
    embedding_inputs,
    halved,
    halved_sides,
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
    """Return a generator and a critic, or an auto-encoder, of residual blocks.

    The image is halved until its shorter side is at most 7, as in `convnet`. Half the image's scale
    has `filters` channels. Each smaller scale has twice as many, up to 8 times `filters`. Each of
    these scales has residual blocks. A block has two 3x3 convolutions, the first to half as many
    channels, and begins near the identity. The image's own scale has no blocks, because they would
    take most of the time. To halve the sides, the pixels of each 2x2 block become channels before a
    2x2 convolution. Bilinear interpolation doubles the sides, because nearest neighbours left lines
    along the axes in filled areas. LeakyReLU precedes each convolution. The generator ends in tanh.
    Nothing is normalised except an auto-encoder's embedding; `dcgan_autoencoder` says why.

    Args:
        image_shape: the shape of one image in Keras's image data format, sides of 8 or more. An odd
            side is rounded up when it is halved, and cropped when it is doubled.
        filters: number of channels at half the image's scale. At 64x64, 16 give each network about
            400,000 weights.
        latent_dim: the length of the generator's input.
        blocks: number of residual blocks per scale.
        embedding_dim: the length of an auto-encoder's embedding; None for a critic.
        num_classes: the number of classes, for networks that take labels too; or None.

    Returns:
        The generator, from `(batch, latent_dim)` to images, and a critic, to `(batch, 1)`, or an
        `Autoencoder` of images.

    Raises:
        ValueError: if a side is below 8.

    Source: our own, after Huang et al., R3GAN, https://arxiv.org/abs/2501.05441, section 3. Its
    blocks are grouped bottlenecks, and its scales change by interpolation.

    Example:

    ```python
    generator, critic = residual((64, 64, 3), filters=24)
    gan = keras_egan.RelativisticGAN(generator, critic)
    ```
    """
    channels = split_shape(image_shape)[2]
    image_sides, *scales = halved_sides(image_shape)
    widths = [filters * min(2**i, 8) for i in range(len(scales))]

    def stage(x, width):
        for _ in range(blocks):
            x = _block(x, width)
        return x

    def decoder(inputs, x, name):
        x = dense_map(x, *scales[-1], widths[-1], kernel_initializer="he_normal")
        x = stage(x, widths[-1])
        for sides, width in reversed([*zip(scales, widths, strict=True)][:-1]):
            x = layers.Conv2D(width, 1, kernel_initializer="he_normal")(_active(x))
            x = stage(cropped(_doubled(x), sides), width)
        x = layers.Conv2D(channels, 3, padding="same")(_doubled(_active(x)))
        x = cropped(x, image_sides)
        return keras.Model(inputs, layers.Activation("tanh")(x), name=name)

    x = image = keras.Input(image_shape, name="image")
    for width in widths:
        x = x if x is image else _active(x)
        x = layers.Conv2D(width, 2, padding="same", kernel_initializer="he_normal")(halved(x))
        x = stage(x, width)
    x = layers.Flatten()(_active(x))

    generator = decoder(*latent_inputs(latent_dim, num_classes), "generator")
    if embedding_dim is None:
        return generator, critic(image, x, layers.Dense(1)(x), num_classes)
    x = layers.Dense(embedding_dim, use_bias=False, name="embedding")(x)
    encoder = keras.Model(image, batch_normalized(x, epsilon=1e-3), name="encoder")
    inputs, x = embedding_inputs((embedding_dim,), num_classes, centered=True)
    return generator, Autoencoder(encoder, decoder(inputs, x, "decoder"))


def _block(x, width):
    half = (width + 1) // 2
    y = layers.Conv2D(half, 3, padding="same", kernel_initializer="he_normal")(_active(x))
    # Fixup initialises to 0, this to nearly 0: https://arxiv.org/abs/1901.09321. Blocks that begin
    # near the identity let a deep network without normalisation train.
    small = keras.initializers.VarianceScaling(1e-2)
    y = layers.Conv2D(width, 3, padding="same", kernel_initializer=small)(_active(y))
    return layers.Add()([x, y])


def _doubled(x):
    return layers.UpSampling2D(interpolation="bilinear")(x)


def _active(x):
    return layers.LeakyReLU(0.2)(x)
