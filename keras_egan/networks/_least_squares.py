"""LSGAN's networks: least squares."""

from collections.abc import Sequence

import keras
from keras import layers

from keras_egan.layers import Conv2D, Conv2DTranspose
from keras_egan.networks._layers import (
    batch_normalized,
    critic,
    dense_map,
    latent_inputs,
    normal,
    split_shape,
)


def least_squares_vgg(
    image_shape: Sequence[int] = (112, 112, 3),
    *,
    filters: int = 64,
    latent_dim: int = 1024,
    num_classes: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """Return LSGAN's generator, after VGG, and critic for scenes of 112x112.

    The generator makes a fully connected grid of a sixteenth of the image's size and doubles it
    four times by 3x3 transposed convolutions. There is one more, of stride 1, at the first two
    scales and at the output, which is tanh. The critic has four 5x5 convolutions of stride 2. The
    generator has ReLU, the critic LeakyReLU. All layers have batch normalisation, except the
    outputs and the critic's first layer.

    Args:
        image_shape: the shape of one image in Keras's image data format, sides divisible by 16.
        filters: number of channels after the critic's first layer and before the generator's last;
            the generator begins with 4 times as many.
        latent_dim: the length of the generator's input.
        num_classes: the number of classes, for networks that take labels too; or None.

    Returns:
        The generator, from `(batch, latent_dim)` to images, and a critic, to `(batch, 1)`.

    Raises:
        ValueError: if a side is not divisible by 16.

    Source: Mao et al., LSGAN, https://arxiv.org/abs/1611.04076, by the authors' code,
    https://github.com/xudonmao/LSGAN.

    Example:

    ```python
    generator, discriminator = least_squares_vgg()
    ```
    """
    inputs, x, channels = _grid(image_shape, 4 * filters, latent_dim, num_classes)
    x = layers.ReLU()(batch_normalized(x))
    for scale, strides in ((4, 2), (4, 1), (4, 2), (4, 1), (2, 2), (1, 2)):
        x = _transposed(x, scale * filters, 3, strides, use_bias=False)
        x = layers.ReLU()(batch_normalized(x))
    x = _transposed(x, channels, 3, strides=1, activation="tanh")
    generator = keras.Model(inputs, x, name="generator")
    return generator, _critic(image_shape, filters, True, num_classes)


def least_squares_dcgan(
    image_shape: Sequence[int] = (64, 64, 3),
    *,
    filters: int = 64,
    latent_dim: int = 1024,
    normalize_g: bool = True,
    normalize_d: bool = True,
    num_classes: int | None = None,
) -> tuple[keras.Model, keras.Model]:
    """Return LSGAN's DCGAN, for comparing stability with and without batch normalisation.

    The generator doubles by four 5x5 transposed convolutions and begins with 8 times `filters`.
    `normalize_g` and `normalize_d` say whether the generator and the critic have batch
    normalisation. The paper's BN_G is `normalize_g=False`, with Adam; its BN_GD is
    `normalize_d=False` as well, with RMSprop. All else is as in `least_squares_vgg`.

    Source: as for `least_squares_vgg`.

    Example:

    ```python
    generator, discriminator = least_squares_dcgan(normalize_g=False, normalize_d=False)
    ```
    """
    inputs, x, channels = _grid(image_shape, 8 * filters, latent_dim, num_classes)
    x = layers.ReLU()(batch_normalized(x) if normalize_g else x)
    for scale in (4, 2, 1):
        x = _transposed(x, scale * filters, 5, strides=2, use_bias=not normalize_g)
        x = layers.ReLU()(batch_normalized(x) if normalize_g else x)
    x = _transposed(x, channels, 5, strides=2, activation="tanh")
    generator = keras.Model(inputs, x, name="generator")
    return generator, _critic(image_shape, filters, normalize_d, num_classes)


def _grid(image_shape, filters, latent_dim, num_classes):
    height, width, channels = split_shape(image_shape, 16)
    inputs, x = latent_inputs(latent_dim, num_classes)
    x = dense_map(x, height // 16, width // 16, filters, kernel_initializer=normal())
    return inputs, x, channels


def _transposed(x, filters, size, strides, **arguments):
    # With an odd size and a stride of 2, padding "same" is off by one pixel on PyTorch. Cropping
    # as TensorFlow does makes the backends agree.
    x = Conv2DTranspose(filters, size, strides=strides, kernel_initializer=normal(), **arguments)(x)
    crop = ((size - strides) // 2, (size - strides + 1) // 2)
    return layers.Cropping2D((crop, crop))(x)


def _critic(image_shape, filters, normalize, num_classes):
    x = image = keras.Input(image_shape, name="image")
    for i in range(4):
        normalized = normalize and i > 0
        x = Conv2D(
            filters << i,
            5,
            strides=2,
            padding="same",
            use_bias=not normalized,
            kernel_initializer=keras.initializers.TruncatedNormal(stddev=0.02),
        )(x)
        x = layers.LeakyReLU(0.2)(batch_normalized(x) if normalized else x)
    score = layers.Dense(1, kernel_initializer=normal())(layers.Flatten()(x))
    return critic(image, x, score, num_classes)
