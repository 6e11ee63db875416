"""LS-GAN's networks: loss-sensitive."""

from collections.abc import Sequence

import keras
from keras import layers

from keras_egan.networks._layers import BY_TWO, batch_normalised, feature_shape, normal, split_shape

__all__ = ["loss_sensitive"]


def loss_sensitive(
    image_shape: Sequence[int] = (64, 64, 3),
    *,
    filters: int = 64,
    latent_dim: int = 100,
    normalise_d: bool = True,
    nonnegative: bool = True,
) -> tuple[keras.Model, keras.Model]:
    """Returns LS-GAN's generator and loss network.

    4x4 convolutions of stride 2 between the image and a 4x4 grid, with twice or half the channels
    at each scale, and one 4x4 convolution from the latents to the grid, or from the grid to the
    score. ReLU in the generator, which ends in tanh; LeakyReLU in the loss network. Batch
    normalisation except at the outputs and the loss network's first layer.

    Args:
        image_shape: the shape of one image in Keras's image data format. It must be square, with
            a side of 4 * 2^k, k from 1 up.
        filters: the channels after the loss network's first layer and before the generator's
            last. At 4x4 there are 2^(k-1) times as many.
        latent_dim: the length of the generator's input.
        normalise_d: whether the loss network has batch normalisation. The gradient-penalised
            GLS-GAN has none.
        nonnegative: whether ReLU keeps the loss network's output at 0 or above, as in LS-GAN;
            GLS-GAN's is linear.

    Returns:
        `generator`, a Keras model from `(batch, latent_dim)` to `(batch, *image_shape)`, and
        `discriminator`, a Keras model from images to `(batch, 1)`.

    Raises:
        ValueError: if the images cannot have this shape.

    Source: Qi, Loss-Sensitive GAN, https://arxiv.org/abs/1701.06264, by the authors' code:
    https://github.com/guojunq/lsgan, with no biases, and without `normalise_d`
    https://github.com/maple-research-lab/glsgan-gp, whose loss network has biases. Both are for
    64x64; other sides are ours.

    Example:

    ```python
    generator, discriminator = loss_sensitive(image_shape=(32, 32, 3), nonnegative=False)
    ```
    """
    scales = _scales(image_shape)

    latents = keras.Input((latent_dim,), name="latents")
    x = layers.Reshape(feature_shape(1, 1, latent_dim))(latents)
    for i in range(scales):
        size = BY_TWO if i else {"kernel_size": 4}
        x = layers.Conv2DTranspose(
            filters << (scales - 1 - i), use_bias=False, kernel_initializer=normal(), **size
        )(x)
        x = layers.ReLU()(_normalised(x))
    x = layers.Conv2DTranspose(
        split_shape(image_shape)[2],
        use_bias=False,
        activation="tanh",
        kernel_initializer=normal(),
        **BY_TWO,
    )(x)
    generator = keras.Model(latents, x, name="generator")

    x = image = keras.Input(image_shape, name="image")
    plain = {"use_bias": not normalise_d}
    for i in range(scales):
        x = layers.Conv2D(filters << i, kernel_initializer=normal(), **plain, **BY_TWO)(x)
        x = layers.LeakyReLU(0.2)(_normalised(x) if normalise_d and i else x)
    x = layers.Conv2D(
        1, 4, activation="relu" if nonnegative else None, kernel_initializer=normal(), **plain
    )(x)
    return generator, keras.Model(image, layers.Flatten()(x), name="discriminator")


def _scales(image_shape):
    height, width, _ = split_shape(image_shape)
    if height != width or height < 8 or height & (height - 1):
        raise ValueError(
            f"`image_shape` must be square, with a power of 2 from 8 up as its side; got sides of "
            f"{height} and {width}. Resize or pad the images, to 32, 64 or 128 for example."
        )
    return height.bit_length() - 3


def _normalised(x):
    gamma = keras.initializers.RandomNormal(mean=1.0, stddev=0.02)
    return batch_normalised(x, gamma_initializer=gamma)
