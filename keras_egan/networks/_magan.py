"""MAGAN's networks."""

import keras
from keras import layers

from keras_egan.layers import Conv2DTranspose
from keras_egan.networks._autoencoder import Autoencoder
from keras_egan.networks._layers import (
    BY_TWO,
    as_pixel,
    embedding_inputs,
    feature_shape,
    latent_inputs,
)


def magan_mnist(
    *, filters: int = 128, units: int = 256, latent_dim: int = 50, num_classes: int | None = None
) -> tuple[keras.Model, Autoencoder]:
    """Return MAGAN's generator and fully connected auto-encoder for 28x28 digits.

    The generator makes a 7x7 grid, doubles it twice by 4x4 transposed convolutions, and ends in a
    sigmoid. The auto-encoder has two hidden layers and a sigmoid. Both have ReLU and no
    normalisation.

    Both networks use [0, 1] inside and return [-1, 1]. There, squared errors and the margin that
    MAGAN finds are 4 times as large.

    Args:
        filters: number of channels of the generator's 7x7 grid; half as many at 14x14.
        units: number of units of each of the auto-encoder's hidden layers.
        latent_dim: the length of the generator's input.
        num_classes: the number of classes, for networks that take labels too; or None.

    Returns:
        The generator, from `(batch, latent_dim)` to images, and an `Autoencoder` of images.

    Source: Wang et al., MAGAN, https://arxiv.org/abs/1704.03817, by the authors' code,
    https://github.com/RuohanW/magan: He's initial weights where ReLU follows, Glorot's elsewhere.

    Example:

    ```python
    generator, discriminator = magan_mnist()
    ```
    """
    inputs, x = _generated(
        1, filters, latent_dim, num_classes, smallest=7, doublings=2, activation="sigmoid"
    )
    generator = keras.Model(inputs, layers.Rescaling(2.0, offset=-1.0)(x), name="generator")

    image_shape = feature_shape(28, 28, 1)
    images = keras.Input(image_shape, name="image")
    x = layers.Flatten()(layers.Rescaling(0.5, offset=0.5)(images))
    for _ in range(2):
        x = layers.Dense(units, activation="relu", kernel_initializer="he_normal")(x)
    encoder = keras.Model(images, x, name="encoder")

    inputs, x = embedding_inputs((units,), num_classes)
    x = layers.Reshape(image_shape)(layers.Dense(28 * 28, activation="sigmoid")(x))
    decoder = keras.Model(inputs, layers.Rescaling(2.0, offset=-1.0)(x), name="decoder")
    return generator, Autoencoder(encoder, decoder)


def magan_cifar10(
    *, filters: int = 512, latent_dim: int = 320, num_classes: int | None = None
) -> tuple[keras.Model, Autoencoder]:
    """Return MAGAN's generator and convolutional auto-encoder for 32x32 colour images.

    Both have 4x4 convolutions of stride 2 between the image and a 4x4 grid, with twice or half the
    channels at each scale. The generator has ReLU, the auto-encoder LeakyReLU. Both end in tanh and
    have no normalisation.

    Args:
        filters: number of channels of both networks' 4x4 grids, divisible by 4.
        latent_dim: the length of the generator's input.
        num_classes: the number of classes, for networks that take labels too; or None.

    Returns:
        The generator, from `(batch, latent_dim)` to images, and an `Autoencoder` of images.

    Source: Wang et al., MAGAN, https://arxiv.org/abs/1704.03817, by the authors' code,
    https://github.com/RuohanW/magan: He's initial weights where ReLU follows, Glorot's elsewhere.

    Example:

    ```python
    generator, discriminator = magan_cifar10()
    ```
    """
    return _convolutional(3, filters, latent_dim, num_classes)


def magan_celeba(
    *, filters: int = 512, latent_dim: int = 350, num_classes: int | None = None
) -> tuple[keras.Model, Autoencoder]:
    """Return MAGAN's generator and convolutional auto-encoder for 64x64 colour images.

    The networks are those of `magan_cifar10` with one more scale: `filters` must be divisible by 8.

    Example:

    ```python
    generator, discriminator = magan_celeba()
    ```
    """
    return _convolutional(4, filters, latent_dim, num_classes)


def _convolutional(scales, filters, latent_dim, num_classes):
    inputs, x = _generated(
        3, filters, latent_dim, num_classes, smallest=4, doublings=scales, activation="tanh"
    )
    generator = keras.Model(inputs, x, name="generator")

    x = images = keras.Input(feature_shape(4 << scales, 4 << scales, 3), name="image")
    for i in reversed(range(scales)):
        x = layers.LeakyReLU(0.2)(layers.Conv2D(filters >> i, **BY_TWO)(x))
    encoder = keras.Model(images, x, name="encoder")

    inputs, x = embedding_inputs(feature_shape(4, 4, filters), num_classes)
    for i in range(1, scales):
        x = layers.LeakyReLU(0.2)(Conv2DTranspose(filters >> i, **BY_TWO)(x))
    x = Conv2DTranspose(3, activation="tanh", **BY_TWO)(x)
    return generator, Autoencoder(encoder, keras.Model(inputs, x, name="decoder"))


def _generated(channels, filters, latent_dim, num_classes, smallest, doublings, activation):
    relu = {"activation": "relu", "kernel_initializer": "he_normal"}
    inputs, x = latent_inputs(latent_dim, num_classes)
    x = Conv2DTranspose(filters, smallest, **relu)(as_pixel(x))
    for i in range(1, doublings):
        x = Conv2DTranspose(filters >> i, **BY_TWO, **relu)(x)
    return inputs, Conv2DTranspose(channels, activation=activation, **BY_TWO)(x)
