"""What an image is, and where its channels are: decided here, once."""

from collections.abc import Sequence
from typing import Any

import keras


def is_image(shape: Sequence[int | None]) -> bool:
    """Returns whether samples of this shape are images, whose values go from -1 to 1.

    Samples of another number of axes than three are vectors or the like, of any finite values.
    """
    return len(shape) == 3


def channels_first() -> bool:
    """Returns whether Keras's image data format has the channels before height and width."""
    return keras.config.image_data_format() == "channels_first"


def channel_axis() -> int:
    """Returns the axis of the channels in a batch, in Keras's image data format."""
    return 1 if channels_first() else -1


def feature_shape(height: Any, width: Any, channels: Any) -> tuple[Any, Any, Any]:
    """Returns the shape of an image, or of a feature map, in Keras's image data format."""
    return (channels, height, width) if channels_first() else (height, width, channels)


def width_axis() -> int:
    """Returns the axis of the columns in a batch of images, in Keras's image data format."""
    return -1 if channels_first() else -2


def to_channels_last(images: Any) -> Any:
    """Returns images with their channels last: one or three channels may come first, as PyTorch's.

    Where the last axis may be channels too, images stay as they are.
    """
    first, _, last = images.shape[-3:]
    if first in (1, 3) and last not in (1, 3, 4):
        return images.swapaxes(-3, -2).swapaxes(-2, -1)
    return images
