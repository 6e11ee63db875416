"""LS-GAN's networks: loss-sensitive."""

from collections.abc import Sequence

import keras
from keras import layers

from keras_egan.layers import Conv2DTranspose
from keras_egan.networks._layers import (
    BY_TWO,
    as_pixel,
    batch_normalized,
    critic,
    latent_inputs,
    normal,
    split_shape,
)


def loss_sensitive(
    image_shape: Sequence[int] = (64, 64, 3),
    *,
    filters: int = 64,
    latent_dim: int = 100,
    normalize_d: bool = True,
    nonnegative: bool = True,
    num_classes: int | None = None,
    classifier: bool = False,
) -> tuple[keras.Model, keras.Model]:
    """Return LS-GAN's generator and loss network.

    Both have 4x4 convolutions of stride 2 between the image and a 4x4 grid. One more 4x4
    convolution leads from the latents to the grid, or from the grid to the score. The generator has
    ReLU and ends in tanh; the loss network has LeakyReLU. All layers have batch normalisation,
    except the outputs and the loss network's first layer.

    Args:
        image_shape: the shape of one image in Keras's image data format, sides of 4 * 2^k, k >= 1.
        filters: number of channels after the loss network's first layer and before the generator's
            last. At 4x4 there are 2^(k-1) times as many.
        latent_dim: the length of the generator's input.
        normalize_d: whether the loss network has batch normalisation; GLS-GAN-GP's has none. With
            `num_classes`, moments within classes are normalised all the same.
        nonnegative: whether the loss network ends in ReLU, as in LS-GAN; GLS-GAN's ends linearly.
        num_classes: the number of classes, for networks that take labels too; or None.
        classifier: whether the discriminator takes images alone and returns `(batch,
            num_classes)` logits, for CLS-GAN: `LossSensitiveGAN(energy="cross_entropy")`.

    Returns:
        The generator, from `(batch, latent_dim)` to images, and a critic, to `(batch, 1)`.

    Raises:
        ValueError: if `image_shape` has other sides, or `classifier` is set without `num_classes`.

    Source: Qi, Loss-Sensitive GAN, https://arxiv.org/abs/1701.06264, by the authors' code:
    https://github.com/guojunq/lsgan, which has no biases. Without `normalize_d`, the code is
    https://github.com/maple-research-lab/glsgan-gp, whose loss network has biases. Both are for
    64x64; other sides are ours.

    Example:

    ```python
    generator, discriminator = loss_sensitive(image_shape=(32, 32, 3), nonnegative=False)
    ```
    """
    scales = _scales(image_shape)
    if classifier and num_classes is None:
        raise ValueError("`classifier=True` needs `num_classes`, the number of its logits.")

    inputs, x = latent_inputs(latent_dim, num_classes)
    x = as_pixel(x)
    for i in range(scales):
        size = BY_TWO if i else {"kernel_size": 4}
        x = Conv2DTranspose(
            filters << (scales - 1 - i), use_bias=False, kernel_initializer=normal(), **size
        )(x)
        x = layers.ReLU()(_normalized(x))
    x = Conv2DTranspose(
        split_shape(image_shape)[2],
        use_bias=False,
        activation="tanh",
        kernel_initializer=normal(),
        **BY_TWO,
    )(x)
    generator = keras.Model(inputs, x, name="generator")

    x = image = keras.Input(image_shape, name="image")
    plain = {"use_bias": not normalize_d}
    for i in range(scales):
        x = layers.Conv2D(filters << i, kernel_initializer=normal(), **plain, **BY_TWO)(x)
        x = layers.LeakyReLU(0.2)(_normalized(x) if normalize_d and i else x)
    last = {"kernel_size": 4, "kernel_initializer": normal(), **plain}
    if classifier:
        logits = layers.Flatten()(layers.Conv2D(num_classes, **last)(x))
        return generator, keras.Model(image, logits, name="discriminator")
    score = layers.Flatten()(layers.Conv2D(1, **last)(x))
    return generator, critic(image, x, score, num_classes, "relu" if nonnegative else None)


def _scales(image_shape):
    height, width, _ = split_shape(image_shape)
    if height != width or height < 8 or height & (height - 1):
        raise ValueError(
            f"`image_shape` must be square, with a power of 2 from 8 up as its side; got sides of "
            f"{height} and {width}. Resize or pad the images, to 32, 64 or 128 for example."
        )
    return height.bit_length() - 3


def _normalized(x):
    gamma = keras.initializers.RandomNormal(mean=1.0, stddev=0.02)
    return batch_normalized(x, gamma_initializer=gamma)
