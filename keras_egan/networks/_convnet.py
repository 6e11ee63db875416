"""Convolutional networks for images of any size."""

from collections.abc import Sequence

import keras
from keras import layers

from keras_egan.layers import UpsampledConv2D
from keras_egan.networks._autoencoder import Autoencoder
from keras_egan.networks._layers import (
    batch_normalized,
    critic,
    cropped,
    dense_map,
    embedding_inputs,
    halved_sides,
    latent_inputs,
    split_shape,
)


def convnet(
    image_shape: Sequence[int] = (64, 64, 3),
    *,
    filters: int = 16,
    latent_dim: int = 64,
    embedding_dim: int | None = 64,
    num_classes: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """Return a convolutional generator and discriminator, as deep as the image is large.

    The image is halved until its shorter side is at most 7: twice for 28, four times for 64, six
    times for 256. The image's own scale has `filters` channels. Each smaller scale has twice as
    many, up to 8 times `filters`. The discriminator halves by 4x4 convolutions of stride 2 with
    LeakyReLU. Its decoder and the generator double by `UpsampledConv2D` with ReLU, and end in a 3x3
    convolution. All layers have batch normalisation, except the outputs and the discriminator's
    first layer. The auto-encoder's embedding is linear and batch-normalised; `dcgan_autoencoder`
    says why.

    Images are in [-1, 1]. Inside, all networks use [0, 1], so that a black background is 0.

    Args:
        image_shape: the shape of one image in Keras's image data format, sides of 8 or more. An
            odd side is rounded up when it is halved, and cropped when it is doubled.
        filters: number of channels at the image's own scale; time and memory grow with it.
        latent_dim: the length of the generator's input.
        embedding_dim: the length of the auto-encoder's embedding, for BEGAN, EBGAN and MAGAN. None
            gives a critic, for LSGAN and LS-GAN.
        num_classes: the number of classes, for networks that take labels too; or None.

    Returns:
        The generator, from `(batch, latent_dim)` to images, and an `Autoencoder` of images, or a
        critic, to `(batch, 1)`.

    Raises:
        ValueError: if a side is below 8.

    Source: our own, after Radford et al., DCGAN, https://arxiv.org/abs/1511.06434.

    Example:

    ```python
    generator, autoencoder = convnet((96, 64, 3), filters=24)
    generator, critic = convnet((28, 28, 1), embedding_dim=None)
    ```
    """
    channels = split_shape(image_shape)[2]
    scales = halved_sides(image_shape)
    widths = [filters * min(2**i, 8) for i in range(len(scales))]

    def decoder(inputs, x, name):
        x = dense_map(x, *scales[-1], widths[-1], use_bias=False)
        x = layers.ReLU()(_normalized(x))
        for sides, n in reversed([*zip(scales, widths, strict=True)][:-1]):
            x = cropped(UpsampledConv2D(n, use_bias=False)(x), sides)
            x = layers.ReLU()(_normalized(x))
        x = layers.Conv2D(channels, 3, padding="same", activation="sigmoid")(x)
        return keras.Model(inputs, layers.Rescaling(2.0, offset=-1.0)(x), name=name)

    image = keras.Input(image_shape, name="image")
    x = layers.Rescaling(0.5, offset=0.5)(image)
    for i, n in enumerate(widths[1:]):
        x = layers.Conv2D(n, 4, strides=2, padding="same", use_bias=not i)(x)
        x = layers.LeakyReLU(0.2)(_normalized(x) if i else x)
    x = layers.Flatten()(x)

    generator = decoder(*latent_inputs(latent_dim, num_classes), "generator")
    if embedding_dim is None:
        return generator, critic(image, x, layers.Dense(1)(x), num_classes)
    x = _normalized(layers.Dense(embedding_dim, use_bias=False, name="embedding")(x))
    encoder = keras.Model(image, x, name="encoder")
    inputs, x = embedding_inputs((embedding_dim,), num_classes, centered=True)
    return generator, Autoencoder(encoder, decoder(inputs, x, "decoder"))


def _normalized(x):
    return batch_normalized(x, epsilon=1e-3)
