"""A map over its image."""

from typing import Any

import keras
import numpy as np

from keras_egan.image_format import channel_axis, is_image


def overlay(images: Any, maps: Any, limit: float | None = None) -> np.ndarray:
    """Return images in grey with their maps in red over them.

    Args:
        images: floats in [-1, 1], or uint8, in Keras's image data format, with 1 or 3 channels.
        maps: the images' maps from `anomaly_map`, of shape `(n, height, width)`.
        limit: the smallest value that is drawn fully red; by default the largest of all maps.

    Returns:
        float32 of shape `(n, *image_shape)` with 3 channels, in [-1, 1], which
        `pictures.save_grid` draws.

    Raises:
        ValueError: if `images` and `maps` differ in number, height or width.

    Example:

    ```python
    pictures.save_grid("maps.png", anomaly.overlay(images, detector.anomaly_map(images)))
    ```
    """
    images, maps = (keras.ops.convert_to_numpy(array) for array in (images, maps))
    sides = np.delete(images.shape, channel_axis()) if is_image(images.shape[1:]) else None
    if sides is None or maps.shape != tuple(sides):
        raise ValueError(
            "`images` must be a batch of images, and `maps` must have their number, height and "
            f"width; got {images.shape} and {maps.shape}."
        )
    if images.dtype == np.uint8:
        images = images / 127.5 - 1.0
    gray = images.mean(axis=channel_axis())
    heat = np.clip(maps / (limit or maps.max() or 1.0), 0.0, 1.0)
    red = gray + heat * (1.0 - gray)
    other = gray - heat * (1.0 + gray)
    return np.stack([red, other, other], axis=channel_axis()).astype("float32")
