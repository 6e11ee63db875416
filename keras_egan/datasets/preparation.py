"""Preparation of images: crop, resize, convert to grey, set the layout."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_egan.extras import require
from keras_egan.image_format import channels_first


class Preparation:
    """A callable that crops, resizes, greys and lays out an image; arguments as in `load`."""

    def __init__(
        self,
        image_size: int | Sequence[int] | None = None,
        crop_size: int | Sequence[int] | None = None,
        aspect: str = "crop",
        grayscale: bool = False,
    ):
        if aspect not in ("crop", "pad", "stretch"):
            raise ValueError(f"`aspect` must be 'crop', 'pad' or 'stretch'; got {aspect!r}.")
        self.image_size = _pair("image_size", image_size)
        self.crop_size = _pair("crop_size", crop_size)
        self.aspect = aspect
        self.grayscale = grayscale
        self.channels_first = channels_first()

    def __bool__(self):
        return bool(self.image_size or self.crop_size or self.grayscale or self.channels_first)

    @property
    def fixes_size(self) -> bool:
        """Whether images of all sizes get the same size."""
        return bool(self.image_size or self.crop_size)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """Return a prepared image, given a uint8 image of shape `(height, width, channels)`."""
        if self.crop_size:
            image = _center_crop(image, self.crop_size)
        if self.grayscale and image.shape[-1] != 1:
            image = np.asarray(pillow().fromarray(image[..., :3]).convert("L"))[..., None]
        if self.image_size and image.shape[:2] != self.image_size:
            image = self._resized(image)
        return np.moveaxis(image, -1, 0) if self.channels_first else image

    def shape(self, shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the shape of a prepared image, given its original shape, channels last."""
        channels = 1 if self.grayscale else shape[-1]
        sides = self.image_size or self.crop_size or tuple(shape[:2])
        return (channels, *sides) if self.channels_first else (*sides, channels)

    def _resized(self, image):
        height, width = image.shape[:2]
        new_height, new_width = self.image_size
        box = None
        if self.aspect == "crop":
            scale = min(height / new_height, width / new_width)
            left = max(0.0, (width - scale * new_width) / 2)
            top = max(0.0, (height - scale * new_height) / 2)
            box = left, top, width - left, height - top
        elif self.aspect == "pad":
            scale = max(height / new_height, width / new_width)
            new_height, new_width = max(1, round(height / scale)), max(1, round(width / scale))
        image = _resize(image, (new_width, new_height), box)
        missing = [side - now for side, now in zip(self.image_size, image.shape, strict=False)]
        return np.pad(image, [*((n // 2, n - n // 2) for n in missing), (0, 0)])


def _resize(image, size, box):
    if image.ndim == 3 and image.shape[-1] != 3:
        # Each channel by itself, because Pillow takes a fourth channel for an alpha channel.
        return np.stack([_resize(plane, size, box) for plane in np.moveaxis(image, -1, 0)], -1)
    plane = pillow().fromarray(np.ascontiguousarray(image))
    return np.asarray(plane.resize(size, pillow().Resampling.BICUBIC, box))


def _center_crop(image, size):
    top, left = ((side - crop) // 2 for side, crop in zip(image.shape, size, strict=False))
    if top < 0 or left < 0:
        raise ValueError(
            f"`crop_size` must fit into every image; got {size}, but an image is "
            f"{image.shape[0]}x{image.shape[1]}. Lower `crop_size`."
        )
    return image[top : top + size[0], left : left + size[1]]


def to_uint8(images: np.ndarray, bounds: tuple[float, float]) -> np.ndarray:
    """Round float images to uint8; `bounds` are the values that become 0 and 255."""
    low, high = bounds
    return np.round((images - low) * (255 / (high - low))).clip(0, 255).astype("uint8")


def is_pillow(image: Any) -> bool:
    """Return whether an object is an image of Pillow, without importing Pillow."""
    return type(image).__module__.startswith("PIL.") and hasattr(image, "getbands")


def pixels(image: Any, mode: str | None = None) -> np.ndarray:
    """Return a Pillow image as uint8 of shape `(height, width, channels)`.

    The image is turned by its EXIF orientation; 16 bits become 8, and transparency becomes white.

    Args:
        image: the image.
        mode: `"L"` or `"RGB"`; by default `"L"` if the image is grey.

    Raises:
        ValueError: if its values are floats, or integers with more than 16 bits.
    """
    image = require("PIL.ImageOps", "images", "Turning images").exif_transpose(image)
    if mode is None:
        mode = "L" if image.getbands()[0] in ("1", "I", "L") else "RGB"
    if image.mode.startswith("I"):
        levels = np.asarray(image)[..., None]
        if levels.min() < 0 or levels.max() > 65535:
            raise ValueError("its values are integers with more than 16 bits")
        gray = to_uint8(levels.astype("float32"), (0, 65535))
        return np.repeat(gray, len(mode), axis=-1)
    if image.mode == "F":
        raise ValueError("its values are floats of unknown range")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = pillow().new("RGBA", image.size, "white")
        image = pillow().alpha_composite(white, image)
    return np.asarray(image.convert(mode)).reshape(*image.size[::-1], -1)


def pillow() -> Any:
    """Return the module PIL.Image, or raise an `ImportError` that names the extra."""
    return require("PIL.Image", "images", "Reading, resizing and writing images")


def _pair(argument, size):
    pair = (size, size) if np.ndim(size) == 0 and size is not None else size
    if pair is None:
        return None
    if len(pair) != 2 or not all(isinstance(s, (int, np.integer)) and s > 0 for s in pair):
        raise ValueError(f"`{argument}` must be a side or (height, width) in pixels; got {size!r}.")
    return tuple(map(int, pair))
