"""Grids and animations of many images."""

import math
import os
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_egan import checks
from keras_egan.datasets.preparation import pillow, to_uint8
from keras_egan.image_format import channel_axis, is_image
from keras_egan.saving.files import replacing

__all__ = ["animate", "grid", "save_animation", "save_grid"]


def grid(images: Any, columns: int | None = None) -> np.ndarray:
    """Arrange many images in one picture, in rows from the top, each from the left.

    Args:
        images: floats in [-1, 1], or uint8 from 0 to 255, of shape `(n, *image_shape)`, in Keras's
            image data format, with 1, 3 or 4 channels; or rows of them, of shape
            `(rows, columns, *image_shape)`.
        columns: the number of images per row; by default the square root of n, rounded up, or the
            number of columns of `images`.

    Returns:
        A uint8 array of shape `(height, width, channels)`, or `(height, width)` for one channel.
        The rest of the last row is black.

    Raises:
        ValueError: if `images` is not of this form, or `columns` is not a whole number, 1 or more.
    """
    images = keras.ops.convert_to_numpy(images)
    if images.ndim == 5:
        columns = columns or images.shape[1]
        images = images.reshape(-1, *images.shape[2:])
    axis = channel_axis()
    if not is_image(images.shape[1:]) or not len(images) or images.shape[axis] not in (1, 3, 4):
        raise ValueError(
            "`images` must be a batch of images with 1, 3 or 4 channels, in Keras's image data "
            f"format, or rows of such images; got shape {images.shape}."
        )
    if images.dtype != np.uint8:
        if not np.issubdtype(images.dtype, np.floating):
            raise ValueError(f"`images` must be float or uint8; got {images.dtype}.")
        images = to_uint8(images, (-1.0, 1.0))
    if columns is None:
        columns = math.isqrt(len(images) - 1) + 1
    checks.whole_number(1, columns=columns)
    images = np.moveaxis(images, axis, -1)
    missing = -len(images) % columns
    tiles = np.pad(images, ((0, missing), (0, 0), (0, 0), (0, 0)))
    _, height, width, channels = images.shape
    picture = tiles.reshape(-1, columns, height, width, channels).transpose(0, 2, 1, 3, 4)
    picture = picture.reshape(-1, columns * width, channels)
    return picture[..., 0] if channels == 1 else picture


def save_grid(path: str | os.PathLike, images: Any, columns: int | None = None) -> None:
    """Save the `grid` of many images to a file.

    Args:
        path: the file, whose name ends in `.png` or another format's suffix. A missing folder is
            created.
        images: as in `grid`.
        columns: as in `grid`.

    Raises:
        ImportError: if Pillow (the extra `images`) is not installed.
        ValueError: as in `grid`, or if the suffix belongs to no known format.

    Example:

    ```python
    save_grid("samples.png", gan.sample(64, seed=7))
    ```
    """
    picture = pillow().fromarray(grid(images, columns))
    with replacing(path) as temporary:
        picture.save(temporary)


def save_animation(path: str | os.PathLike, images: Any, duration: int = 200) -> None:
    """Save an animation of images, such as those of `gan.interpolate`, to a file.

    Args:
        path: the file, whose name ends in `.gif` or another animated format's suffix. A missing
            folder is created.
        images: as in `grid`, in the order of the animation. With shape
            `(rows, steps, *image_shape)`, each frame is a grid of all rows.
        duration: the time per frame in milliseconds.

    Raises:
        ImportError: as in `save_grid`.
        ValueError: as in `save_grid`.

    Example:

    ```python
    save_animation("between.gif", gan.interpolate(a, b, steps=30), duration=50)
    ```
    """
    images = keras.ops.convert_to_numpy(images)
    frames = images[:, None] if images.ndim == 4 else images.swapaxes(0, 1)
    animate(path, (pillow().fromarray(grid(frame)) for frame in frames), duration)


def animate(path: str | os.PathLike, frames: Iterator[Any], duration: int = 200) -> None:
    """Save Pillow images as the frames of an animation; without frames, write no file."""
    if first := next(frames, None):
        with replacing(path) as temporary:
            first.save(temporary, save_all=True, append_images=frames, duration=duration, loop=0)
