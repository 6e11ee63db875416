"""Shared parts of networks: weights, labels and shapes."""

import math
from collections.abc import Sequence
from typing import Any

import keras

from keras_egan.image_format import channel_axis, feature_shape
from keras_egan.layers import WithinClassNormalization

LABEL_DIM = 16
"""The length of a label's embedding beside a vector."""

BY_TWO = {"kernel_size": 4, "strides": 2, "padding": "same"}
"""Arguments of a convolution that halves the sides, or a transposed one that doubles them."""


def normal(stddev: float = 0.02) -> keras.Initializer:
    """Return an initializer from N(0, stddev^2), by default DCGAN's."""
    return keras.initializers.RandomNormal(stddev=stddev)


def batch_normalized(x: Any, epsilon: float = 1e-5, **arguments: Any) -> Any:
    """Return features, one feature map or vector per sample, batch-normalised by channel."""
    axis = channel_axis() if len(x.shape) == 4 else -1
    arguments = {"momentum": 0.9, "epsilon": epsilon, **arguments}
    return keras.layers.BatchNormalization(axis, **arguments)(x)


def latent_inputs(latent_dim: int, num_classes: int | None) -> tuple[Any, Any]:
    """Return a generator's inputs, and its latents joined with a label's embedding."""
    latents = keras.Input((latent_dim,), name="latents")
    return with_label(latents, latents, num_classes, stddev=0.05)


def embedding_inputs(
    shape: Sequence[int], num_classes: int | None, centered: bool = False
) -> tuple[Any, Any]:
    """Return a decoder's inputs, and its embedding joined with a label's embedding."""
    embedding = keras.Input(shape, name="embedding")
    return with_label(embedding, embedding, num_classes, centered=centered)


def with_label(
    code: Any, x: Any, num_classes: int | None, stddev: float = 1.0, centered: bool = False
) -> tuple[Any, Any]:
    """Return a network's inputs, and `x`, computed from its code, joined with a label's embedding.

    `stddev` is the initial deviation of the embedding's weights. It is small in a generator, so
    that the label does not replace the latents. If `centered`, `x` is normalised within each class.
    """
    if num_classes is None:
        return code, x
    label = keras.Input((), dtype="int32", name="label")
    if centered:
        x = WithinClassNormalization(num_classes, momentum=0.9)([x, label])
    if len(x.shape) == 2:
        return [code, label], keras.layers.Concatenate()([x, _embedded(label, num_classes, stddev)])
    axis = channel_axis()
    height, width = x.shape[2:] if axis == 1 else x.shape[1:3]
    plane = _embedded(label, num_classes, stddev, height * width)
    plane = keras.layers.Reshape(feature_shape(height, width, 1))(plane)
    return [code, label], keras.layers.Concatenate(axis=axis)([x, plane])


def critic(
    image: Any, features: Any, score: Any, num_classes: int | None, activation: str | None = None
) -> keras.Model:
    """Return a critic that computes `score`, of shape `(batch, 1)`, from an image's `features`.

    With labels, two scores are added to the image's: one for the class, and one for the image's
    difference from others of its class. `activation` keeps the sum within bounds.

    Source: Miyato and Koyama, cGANs with projection discriminator,
    https://arxiv.org/abs/1802.05637.
    """
    inputs = image
    if num_classes is not None:
        inputs = [image, keras.Input((), dtype="int32", name="label")]
        features = keras.layers.Flatten()(features)
        of_class = _embedded(inputs[1], num_classes, 0.02, features.shape[-1])
        of_class = keras.layers.Dot(1)([features, of_class])
        # Without this, the generator makes one image per class: nothing detects the likeness.
        x = keras.layers.Dense(32, use_bias=False)(features)
        x = WithinClassNormalization(num_classes, momentum=0.9)([x, inputs[1]])
        x = keras.layers.LeakyReLU(0.2)(keras.layers.Dense(64)(x))
        score = keras.layers.Add()([score, of_class, keras.layers.Dense(1)(x)])
    if activation:
        score = keras.layers.Activation(activation)(score)
    return keras.Model(inputs, score, name="discriminator")


def _embedded(label, num_classes, stddev, size=LABEL_DIM):
    return keras.layers.Embedding(num_classes, size, embeddings_initializer=normal(stddev))(label)


def split_shape(image_shape: Sequence[int], divisor: int = 1) -> tuple[int, int, int]:
    """Return (height, width, channels) of an image shape, with sides divisible by `divisor`."""
    if len(image_shape) != 3:
        raise ValueError(
            f"`image_shape` must have three entries, such as (64, 64, 3); got {image_shape!r}. "
            "A grey image has one channel."
        )
    if channel_axis() == 1:
        channels, height, width = image_shape
    else:
        height, width, channels = image_shape
    if height % divisor or width % divisor:
        larger = [-(-side // divisor) * divisor for side in (height, width)]
        raise ValueError(
            f"`image_shape` must have sides divisible by {divisor}; got {height} and {width}. "
            f"Resize or pad the images, to {larger[0]} and {larger[1]} for example."
        )
    return height, width, channels


def halved_sides(image_shape: Sequence[int]) -> list[tuple[int, int]]:
    """Return an image's (height, width), halved and rounded up until the shorter is at most 7."""
    height, width, _ = split_shape(image_shape)
    if min(height, width) < 8:
        raise ValueError(
            f"`image_shape` must have sides of 8 or more; got {height} and {width}. Resize or pad "
            "the images."
        )
    scales = [(height, width)]
    while min(scales[-1]) > 7:
        height, width = (height + 1) // 2, (width + 1) // 2
        scales.append((height, width))
    return scales


def halved(x: Any) -> Any:
    """Return a feature map of half the sides, with the pixels of each 2x2 block as channels.

    An odd side gets a border of zeros. A 2x2 convolution then sees what one of 4x4 and stride 2
    sees. XLA needs 5 to 8 times as long for the double gradient of the strided one on a CPU.
    """
    axis = channel_axis()
    height, width, channels = split_shape(x.shape[1:])
    if height % 2 or width % 2:
        x = keras.layers.ZeroPadding2D(((0, height % 2), (0, width % 2)))(x)
        height, width = height + height % 2, width + width % 2
    split = height // 2, 2, width // 2, 2
    if axis == 1:
        x = keras.layers.Permute((3, 5, 1, 2, 4))(keras.layers.Reshape((channels, *split))(x))
    else:
        x = keras.layers.Permute((1, 3, 2, 4, 5))(keras.layers.Reshape((*split, channels))(x))
    return keras.layers.Reshape(feature_shape(height // 2, width // 2, 4 * channels))(x)


def cropped(x: Any, sides: Sequence[int]) -> Any:
    """Return the top left part of a feature map, of these sides."""
    got = x.shape[2:] if channel_axis() == 1 else x.shape[1:3]
    crop = tuple((0, a - b) for a, b in zip(got, sides, strict=True))
    return keras.layers.Cropping2D(crop)(x) if any(end for _, end in crop) else x


def dense_map(x: Any, height: int, width: int, channels: int, **arguments: Any) -> Any:
    """Return a fully connected layer's feature map of one vector per sample."""
    shape = feature_shape(height, width, channels)
    return keras.layers.Reshape(shape)(keras.layers.Dense(math.prod(shape), **arguments)(x))


def as_pixel(x: Any) -> Any:
    """Return one vector per sample as a feature map of one pixel."""
    return keras.layers.Reshape(feature_shape(1, 1, x.shape[-1]))(x)
