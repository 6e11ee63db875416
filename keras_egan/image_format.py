"""The image format: the shapes that count as images, and the position of the channels."""

from collections.abc import Sequence
from typing import Any

import keras


def is_image(shape: Sequence[int | None]) -> bool:
    """Return whether samples of a shape are images: three axes, with values from -1 to 1.

    Samples with another number of axes are vectors or the like, with any finite values.
    """
    return len(shape) == 3


def channels_first() -> bool:
    """Return whether Keras's image data format has channels before height and width."""
    return keras.config.image_data_format() == "channels_first"


def channel_axis() -> int:
    """Return the axis of the channels in a batch, in Keras's image data format."""
    return 1 if channels_first() else -1


def feature_shape(height: Any, width: Any, channels: Any) -> tuple[Any, Any, Any]:
    """Return the shape of an image, or of a feature map, in Keras's image data format."""
    return (channels, height, width) if channels_first() else (height, width, channels)


def width_axis() -> int:
    """Return the axis of the columns in a batch of images, in Keras's image data format."""
    return -1 if channels_first() else -2


def to_channels_last(images: Any) -> Any:
    """Return images with channels last; one or three channels may come first, as in PyTorch.

    If the last axis may also be channels, images stay unchanged.
    """
    first, _, last = images.shape[-3:]
    if first in (1, 3) and last not in (1, 3, 4):
        return images.swapaxes(-3, -2).swapaxes(-2, -1)
    return images
