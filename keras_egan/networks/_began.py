"""BEGAN's networks."""

from collections.abc import Sequence

import keras
from keras import layers

from keras_egan.image_format import channel_axis
from keras_egan.layers import VanishingResidual
from keras_egan.networks._autoencoder import Autoencoder
from keras_egan.networks._layers import dense_map, embedding_inputs, latent_inputs, split_shape


def began(
    image_shape: Sequence[int] = (64, 64, 3),
    *,
    filters: int = 128,
    latent_dim: int = 64,
    embedding_dim: int | None = None,
    repeats: int = 2,
    skips: bool = False,
    vanishing_residuals: bool = False,
    carry_steps: int = 16000,
    num_classes: int | None = None,
) -> tuple[keras.Model, Autoencoder]:
    """Return BEGAN's generator and auto-encoding discriminator.

    Both have 3x3 convolutions with ELU, `repeats` per scale, without normalisation. The encoder
    halves the image until its longer side is below 16, with `filters` more channels at each scale.
    It ends in a linear fully connected embedding. The decoder keeps `filters` channels, doubles the
    scale by nearest neighbours, and ends in a linear convolution. The generator is such a decoder
    with its own weights. By default both networks together have 17.33 million parameters.

    Args:
        image_shape: the shape of one image in Keras's image data format. Both sides must be
            s * 2^j, with the same j and each s from 4 to 15.
        filters: n, the number of channels at the first scale.
        latent_dim: N_z, the length of the generator's input.
        embedding_dim: N_h, the length of the discriminator's embedding; `latent_dim` by default.
        repeats: number of convolutions per scale.
        skips: whether both networks' decoders concatenate their upsampled first tensor after each
            upsampling.
        vanishing_residuals: whether convolutions that keep the number of channels start as the
            identity and become ordinary convolutions over `carry_steps` training steps.
        carry_steps: see `vanishing_residuals`.
        num_classes: the number of classes, for networks that take labels too; or None.

    Returns:
        The generator, from `(batch, latent_dim)` to images, and an `Autoencoder` of images.

    Raises:
        ValueError: if `image_shape` has other sides.

    Source: Berthelot et al., BEGAN, https://arxiv.org/abs/1703.10717, section 3.5 and figure 1.
    The number of convolutions at the last scale, and the layers' order, are as recalled; not
    checked against the paper.

    Example:

    ```python
    generator, discriminator = began(image_shape=(32, 32, 3), filters=32)
    ```
    """
    height, width, channels = split_shape(image_shape)
    scales = _scales(height, width)
    embedding_dim = embedding_dim or latent_dim

    def convolutions(x, n):
        for _ in range(repeats):
            y = layers.Conv2D(n, 3, padding="same", activation="elu")(x)
            if vanishing_residuals and x.shape == y.shape:
                y = VanishingResidual(carry_steps)(x, y)
            x = y
        return x

    def encoder():
        image = keras.Input(image_shape, name="image")
        x = layers.Conv2D(filters, 3, padding="same", activation="elu")(image)
        for scale in range(1, scales + 1):
            x = convolutions(x, scale * filters)
            n = (scale + 1) * filters
            x = layers.Conv2D(n, 3, strides=2, padding="same", activation="elu")(x)
        x = layers.Flatten()(convolutions(x, (scales + 1) * filters))
        return keras.Model(image, layers.Dense(embedding_dim)(x), name="encoder")

    def decoder(inputs, x, name):
        x = first = dense_map(x, height >> scales, width >> scales, filters)
        for scale in range(scales + 1):
            x = convolutions(x, filters)
            if scale < scales:
                x = layers.UpSampling2D()(x)
                if skips:
                    first = layers.UpSampling2D()(first)
                    x = layers.Concatenate(axis=channel_axis())([x, first])
        return keras.Model(inputs, layers.Conv2D(channels, 3, padding="same")(x), name=name)

    generator = decoder(*latent_inputs(latent_dim, num_classes), "generator")
    return generator, Autoencoder(
        encoder(), decoder(*embedding_inputs((embedding_dim,), num_classes), "decoder")
    )


def _scales(height, width):
    scales = 0
    while max(height, width) >> scales > 15:
        scales += 1
    for side in (height, width):
        if side % 2**scales or side >> scales < 4:
            raise ValueError(
                f"`image_shape` must have sides that, halved {scales} times, are whole numbers "
                f"from 4 to 15; got {height} and {width}, and {side} becomes "
                f"{side / 2**scales:g}. Sides of 28, 32, 48, 64, 96, 128 or 256 work."
            )
    return scales
