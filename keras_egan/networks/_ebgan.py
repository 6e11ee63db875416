"""EBGAN's networks."""

import math
from collections.abc import Sequence
from itertools import accumulate

import keras
from keras import layers

from keras_egan.image_format import channel_axis
from keras_egan.layers import Conv2DTranspose
from keras_egan.networks._autoencoder import Autoencoder
from keras_egan.networks._layers import (
    BY_TWO,
    as_pixel,
    batch_normalized,
    dense_map,
    embedding_inputs,
    feature_shape,
    latent_inputs,
    normal,
    split_shape,
    with_label,
)

# Per side: the generator's filters, the noise planes beside them, and the encoder's filters. The
# numbers of filters are multiples of `filters`.
_NETWORKS = {
    64: ((16, 8, 4, 2), (), (1, 2, 4)),
    128: ((16, 8, 4, 2, 1, 1), (64, 32, 16, 8, 4), (1, 2, 4, 8)),
    256: ((32, 16, 8, 4, 2, 1, 1), (64, 32, 16, 8, 4, 2), (1, 2, 4, 8)),
}


def ebgan(
    image_shape: Sequence[int] = (64, 64, 3),
    *,
    filters: int = 64,
    latent_dim: int = 100,
    num_classes: int | None = None,
) -> tuple[keras.Model, Autoencoder]:
    """Return EBGAN's convolutional generator and auto-encoding discriminator.

    Both have 4x4 convolutions of stride 2 with batch normalisation, except at the generator's
    output, the encoder's first layer and the reconstruction. The generator has ReLU and ends in
    tanh; the auto-encoder has LeakyReLU and ends linearly. Its embedding is a feature map: 8x8 for
    sides of 64 and 128, 16x16 for 256.

    At sides of 128 and 256, planes of latents are concatenated with the feature maps of all layers
    except the last two. The planes are part of the generator's one input, which is then longer than
    `latent_dim`: by default 31,844 at 128 and 64,612 at 256.

    Args:
        image_shape: the shape of one image in Keras's image data format, sides of 64, 128 or 256.
        filters: number of channels after the encoder's first layer; the generator begins with 16
            times as many, or 32 times as many at a side of 256.
        latent_dim: the length of the generator's input, without the noise planes.
        num_classes: the number of classes, for networks that take labels too; or None.

    Returns:
        The generator, from `(batch, generator.input_shape[1])` to images, and an `Autoencoder`.

    Raises:
        ValueError: if `image_shape` has other sides.

    Source: Zhao et al., EBGAN, https://arxiv.org/abs/1609.03126. The filters and the noise planes
    are as recalled; not checked against the paper. For the generator at 64, the paper refers to
    DCGAN. Its filters, the LeakyReLU and the places of batch normalisation follow
    https://github.com/khanrc/tf.gans-comparison; the weights' N(0, 0.02) follows DCGAN.

    Example:

    ```python
    generator, discriminator = ebgan(image_shape=(128, 128, 3))
    ```
    """
    height, width, channels = split_shape(image_shape)
    if height != width or height not in _NETWORKS:
        raise ValueError(
            f"`image_shape` must be square, with sides of 64, 128 or 256; got sides of {height} "
            f"and {width}. Resize the images, or use `ebgan_small` or `ebgan_mlp`."
        )
    scales, planes, encoder_scales = _NETWORKS[height]

    sizes = [latent_dim, *((4 << i) ** 2 * n for i, n in enumerate(planes))]
    latents = keras.Input((sum(sizes),), name="latents")
    ends = accumulate(sizes)
    first, *noise = (latents[:, end - n : end] for n, end in zip(sizes, ends, strict=True))
    inputs, x = with_label(latents, first, num_classes, 0.05)
    x = as_pixel(x)
    for i, scale in enumerate(scales):
        size = BY_TWO if i else {"kernel_size": 4}
        x = Conv2DTranspose(scale * filters, use_bias=False, kernel_initializer=normal(), **size)(x)
        x = layers.ReLU()(batch_normalized(x))
        if i < len(planes):
            plane = layers.Reshape(feature_shape(4 << i, 4 << i, planes[i]))(noise[i])
            x = layers.Concatenate(axis=channel_axis())([x, plane])
    output = {"activation": "tanh", "kernel_initializer": normal()}
    if planes:
        x = layers.Conv2D(channels, 3, padding="same", **output)(x)
    else:
        x = Conv2DTranspose(channels, **BY_TWO, **output)(x)
    generator = keras.Model(inputs, x, name="generator")
    widths = [n * filters for n in encoder_scales]
    return generator, _autoencoder(image_shape, channels, widths, num_classes)


def ebgan_mlp(
    image_shape: Sequence[int] = (28, 28, 1),
    *,
    n_layers_g: int = 5,
    n_layers_d: int = 2,
    size_g: int = 800,
    size_d: int = 1024,
    latent_dim: int = 100,
    dropout_d: float = 0.0,
    num_classes: int | None = None,
) -> tuple[keras.Model, Autoencoder]:
    """Return a fully connected generator and auto-encoder of EBGAN's grid search on MNIST.

    The paper's grid takes the numbers of layers from 2, 3, 4 and 5, `size_g` from 400, 800, 1600
    and 3200, `size_d` from 128, 256, 512 and 1024, with and without dropout in the discriminator.
    The decoder is always one linear layer; the generator ends in tanh. Other layers have ReLU and
    batch normalisation, except that the discriminator's first layer has no normalisation.

    Args:
        image_shape: the shape of one image in Keras's image data format.
        n_layers_g: number of the generator's weight layers with its output, 2 or more.
        n_layers_d: number of the discriminator's weight layers with its decoding layer, 2 or more.
        size_g: number of units of each of the generator's hidden layers.
        size_d: number of units of each of the discriminator's hidden layers.
        latent_dim: the length of the generator's input.
        dropout_d: the rate of dropout after each of the discriminator's hidden layers.
        num_classes: the number of classes, for networks that take labels too; or None.

    Returns:
        The generator, from `(batch, latent_dim)` to images, and an `Autoencoder` of images.

    Raises:
        ValueError: if there are fewer than 2 layers.

    Source: Zhao et al., EBGAN, https://arxiv.org/abs/1609.03126. The defaults, the grid's best
    model, and the layers' details and initial weights are as recalled; not checked against the
    paper, whose rate of dropout is not known here.

    Example:

    ```python
    generator, discriminator = ebgan_mlp(n_layers_g=3, size_g=400, dropout_d=0.5)
    ```
    """
    if min(n_layers_g, n_layers_d) < 2:
        raise ValueError(
            f"`n_layers_g` and `n_layers_d` must be 2 or more; got {n_layers_g} and {n_layers_d}. "
            "Both count the last layer."
        )
    pixels = math.prod(image_shape)

    def hidden(x, units, stddev, normalize, name=None):
        x = layers.Dense(
            units, use_bias=not normalize, kernel_initializer=normal(stddev), name=name
        )(x)
        return layers.ReLU()(batch_normalized(x) if normalize else x)

    def image(x, stddev, activation):
        x = layers.Dense(pixels, activation=activation, kernel_initializer=normal(stddev))(x)
        return layers.Reshape(image_shape)(x)

    inputs, x = latent_inputs(latent_dim, num_classes)
    for _ in range(n_layers_g - 1):
        x = hidden(x, size_g, 0.02, normalize=True)
    generator = keras.Model(inputs, image(x, 0.02, "tanh"), name="generator")

    images = keras.Input(image_shape, name="image")
    x = layers.Flatten()(images)
    for i in range(n_layers_d - 1):
        name = "embedding" if 0 < i == n_layers_d - 2 else None
        x = hidden(x, size_d, 0.002, normalize=i > 0, name=name)
        if dropout_d:
            x = layers.Dropout(dropout_d)(x)
    encoder = keras.Model(images, x, name="encoder")
    inputs, x = embedding_inputs((size_d,), num_classes)
    decoder = keras.Model(inputs, image(x, 0.002, None), name="decoder")
    return generator, Autoencoder(encoder, decoder)


def ebgan_small(
    image_shape: Sequence[int] = (32, 32, 1),
    *,
    filters: int = 64,
    latent_dim: int = 64,
    embedding_dim: int = 32,
    num_classes: int | None = None,
) -> tuple[keras.Model, Autoencoder]:
    """Return a small generator and auto-encoder, for EBGAN on small images.

    The generator doubles a fully connected grid twice, by nearest neighbours and 3x3 convolutions
    with batch normalisation and LeakyReLU, and ends in tanh. The auto-encoder is one strided
    convolution, a linear fully connected embedding, and one linear convolution of the upsampled
    grid. Arguments, result and errors are as in `dcgan_autoencoder`.

    Source: after the EBGAN of https://github.com/eriklindernoren/PyTorch-GAN, whose batch
    normalisation has an epsilon of 0.8, which was meant as a momentum.

    Example:

    ```python
    generator, discriminator = ebgan_small(image_shape=(28, 28, 1))
    ```
    """
    height, width, channels = split_shape(image_shape, 4)

    inputs, x = latent_inputs(latent_dim, num_classes)
    x = dense_map(x, height // 4, width // 4, 2 * filters)
    for n in (2 * filters, filters):
        x = layers.Conv2D(n, 3, padding="same", use_bias=False)(layers.UpSampling2D()(x))
        x = layers.LeakyReLU(0.2)(batch_normalized(x))
    x = layers.Conv2D(channels, 3, padding="same", activation="tanh")(x)
    generator = keras.Model(inputs, x, name="generator")

    images = keras.Input(image_shape, name="image")
    x = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(images)
    x = layers.Dense(embedding_dim)(layers.Flatten()(x))
    encoder = keras.Model(images, x, name="encoder")

    embedding = keras.Input((embedding_dim,), name="embedding")
    grid = feature_shape(height // 2, width // 2, filters)
    x = layers.ReLU()(batch_normalized(embedding))
    inputs, x = with_label(embedding, x, num_classes)
    x = batch_normalized(layers.Dense(math.prod(grid), use_bias=False)(x))
    x = layers.UpSampling2D()(layers.Reshape(grid)(layers.ReLU()(x)))
    x = layers.Conv2D(channels, 3, padding="same")(x)
    return generator, Autoencoder(encoder, keras.Model(inputs, x, name="decoder"))


def _autoencoder(image_shape, channels, widths, num_classes):
    x = images = keras.Input(image_shape, name="image")
    for i, n in enumerate(widths):
        x = layers.Conv2D(n, use_bias=i == 0, kernel_initializer=normal(), **BY_TWO)(x)
        x = layers.LeakyReLU(0.2)(batch_normalized(x) if i else x)
    encoder = keras.Model(images, x, name="encoder")

    inputs, x = embedding_inputs(encoder.output_shape[1:], num_classes)
    for n in widths[-2::-1]:
        x = Conv2DTranspose(n, use_bias=False, kernel_initializer=normal(), **BY_TWO)(x)
        x = layers.LeakyReLU(0.2)(batch_normalized(x))
    x = Conv2DTranspose(channels, kernel_initializer=normal(), **BY_TWO)(x)
    return Autoencoder(encoder, keras.Model(inputs, x, name="decoder"))
