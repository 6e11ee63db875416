"""Checks of a GAN's data, and its conversion to forms that Keras takes."""

import copy
import functools
import itertools
import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_egan.datasets import Ordered, Stream
from keras_egan.datasets.examples import Examples, examples_of, named
from keras_egan.datasets.loaders import (
    as_numpy,
    check_kind,
    check_labels,
    described,
    images_of,
    is_array,
    is_tf_dataset,
    picked,
    shape_of,
    stacked,
)
from keras_egan.datasets.passes import Passes
from keras_egan.image_format import is_image

SCALE_HINT = "pass uint8 images unscaled, or let `datasets.load(images)` prepare them"


def accept(
    data: Any,
    shape: tuple,
    argument: str = "x",
    steps: int | None = None,
    classes: range | None = None,
    batch_size: int | None = None,
) -> tuple:
    """Return the first batch's images, and data in a form that Keras takes on every backend.

    The check covers the first batch, on the host, and all labels of an array. If `classes` is None,
    labels are left out. The returned data is a tuple of NumPy arrays, `Examples`, an `Ordered`
    dataset with its own position, another `PyDataset`, a `tf.data.Dataset` or a generator.
    `batch_size`, by default 32, is that of single images which can only be iterated over.
    """
    check_kind(data, argument)
    labeled = classes is not None
    unpack = functools.partial(_unpacked, argument=argument, labeled=labeled)
    batch_size = batch_size or 32
    data = stacked(named(data), shape, argument, labeled)
    data = examples_of(data, shape, argument, labeled)
    arrays = is_array(data) or isinstance(data, tuple)
    if arrays:
        first: Any = tuple(map(as_numpy, unpack(data)))
    elif isinstance(data, Examples):
        first = unpack(data.take(range(min(len(data), batch_size))))
    elif isinstance(data, keras.utils.PyDataset):
        read = functools.partial(_read, argument=argument, labeled=labeled)
        if isinstance(data, Ordered) and data.batches is None and steps is None:
            raise _unknown_length(data, argument)
        data = copy.copy(data) if isinstance(data, Ordered) else Relayed(data, read)
        first = unpack(data[0]) if data.num_batches != 0 else None
    elif is_tf_dataset(data):
        picked(data.element_spec, argument, labeled)  # raises here; a graph would hide the message
        data = data.map(lambda *batch: picked(batch, argument, labeled))
        first = next(iter(data), None)
    else:
        first, data = _iterated(data, argument, steps, unpack, shape, batch_size)
    first, *labels = first or (None,)
    if first is None or not len(first):
        raise ValueError(
            f"`{argument}` is empty: {described(data)} that gives no images. Pass at least one."
        )
    _check(first, shape, argument)
    what = f"The labels of `{argument}`"
    labels = [check_labels(found, len(first), classes, what) for found in labels]
    return first, (first, *labels) if arrays else data


def check_values(images: Any, argument: str = "images") -> None:
    """Raise a `ValueError` for NaN, infinities, or float images (not vectors) outside [-1, 1]."""
    images = as_numpy(images)
    if not np.issubdtype(images.dtype, np.floating) or not images.size:
        return
    low, high = float(images.min()), float(images.max())
    if not np.isfinite(low) or not np.isfinite(high):
        bad = np.unique(np.nonzero(~np.isfinite(images))[0])
        axes = ", ".join(map(str, range(1, images.ndim)))
        raise ValueError(
            f"`{argument}` must be finite; {len(bad)} of the {len(images)} samples hold NaN or "
            f"infinite values, the first at index {bad[0]}. Drop or mend them: "
            f"`images[np.isfinite(images).all(axis=({axes},))]`."
        )
    if is_image(images.shape[1:]) and (low < -1.001 or high > 1.001):
        raise ValueError(
            f"`{argument}`: float images must lie in [-1, 1]; got {low:g} to {high:g}. To mend it, "
            f"{SCALE_HINT}."
        )


def paired(images: Any, labels: Any, conditional: Any) -> Any:
    """Return `x` and `y` of `fit` in the form that `accept` takes: a tuple if there are labels."""
    if labels is None:
        return images
    if not conditional:
        raise ValueError(
            "`y` needs a GAN with classes; this one has none. Make the GAN with `num_classes=`, or "
            "omit `y`."
        )
    if not is_array(images) and not isinstance(images, list):
        raise ValueError(
            f"`y` needs an array of images as `x`; got {described(images)}, whose batches must be "
            "(images, labels) themselves. Omit `y`."
        )
    return images, as_numpy(labels)


def scale(images: Any, shape: tuple[int, ...], argument: str = "images") -> Any:
    """Scale uint8 images to [-1, 1] on the device; cast floats to Keras's float type.

    uint8 vectors raise a `ValueError`: they may be codes or flags, which have no range.
    """
    _check_form(images, shape, argument)
    floats = ops.cast(images, keras.config.floatx())
    uint8 = keras.backend.standardize_dtype(images.dtype) == "uint8"
    return floats / 127.5 - 1.0 if uint8 else floats


def scaled(images: Any, shape: tuple[int, ...], argument: str = "images") -> Any:
    """Return an array of images as a tensor, after `check_values` on the host and `scale`."""
    check_values(images, argument)
    return scale(ops.convert_to_tensor(images), shape, argument)


class Relayed(keras.utils.PyDataset):
    """A PyDataset whose batches are `read(dataset, index)`.

    Keras pickles it for worker processes, so the dataset and `read` must be picklable.
    """

    def __init__(self, dataset: keras.utils.PyDataset, read: Callable[[Any, int], Any]):
        super().__init__(dataset.workers, dataset.use_multiprocessing, dataset.max_queue_size)
        self.dataset = dataset
        self.read = read

    @property
    def num_batches(self):
        return self.dataset.num_batches

    def on_epoch_begin(self) -> None:
        self.dataset.on_epoch_begin()

    def on_epoch_end(self) -> None:
        self.dataset.on_epoch_end()

    def __getitem__(self, index: int) -> Any:
        return self.read(self.dataset, index)


def _unpacked(batch, argument, labeled):
    return tuple(x if ops.is_tensor(x) else as_numpy(x) for x in picked(batch, argument, labeled))


def _read(dataset, index, argument, labeled):
    return _unpacked(dataset[index], argument, labeled)


def _iterated(data, argument, steps, unpack, shape, batch_size):
    """Return the first batch, or None, and a `Stream` or a generator."""
    if hasattr(data, "__next__") and not hasattr(data, "set_state"):
        batch = next(data, None)
        rest = (unpack(batch) for batch in itertools.chain([batch], data))
        return (None, data) if batch is None else (unpack(batch), rest)
    passes = Passes(data, unpack)
    found = passes.first()
    if not found:
        return None, data
    if len(shape_of(images_of(found[0], argument))) == len(shape):
        passes.group(batch_size)
        labeled = unpack.keywords["labeled"]
        passes.read = functools.partial(_together, shape, argument, labeled)
        found = passes.first()
    if passes.batches is None and steps is None:
        raise _unknown_length(data, argument)
    first = passes.read(found[0])
    if passes.batches is None and not passes.has_state:
        return first, passes(0, 0)
    return first, Stream(passes, passes.batches)


def _together(shape, argument, labeled, items):
    batch = Examples(items, shape, argument, labeled).take(range(len(items)))
    return batch if labeled else (batch,)


def _unknown_length(data, argument):
    return ValueError(
        f"`{argument}` is {described(data)} of unknown length. Pass the number of batches per "
        "epoch: `steps_per_epoch=` in `fit`, `validation_steps=` for `validation_data`, "
        "`steps=` in `evaluate`."
    )


def _check(images, shape, argument):
    _check_form(images, shape, argument)
    check_values(images, argument)
    images = as_numpy(images)
    if is_image(shape) and images.dtype != np.uint8:
        low, high = images.min(), images.max()
        if 0 <= low < high <= 1:
            warnings.warn(
                f"`{argument}` gives floats that all lie in [0, 1]; float images should go from -1 "
                "to 1. Scale them: `images * 2 - 1`.",
                stacklevel=2,
            )
    elif images.dtype == np.uint8 and images.max() == 1:
        warnings.warn(
            f"`{argument}` gives uint8 images of only 0 and 1, which become -1 and -0.99; uint8 "
            "images should go from 0 to 255. Scale them: `images * 255`.",
            stacklevel=2,
        )


def _check_form(images, shape, argument):
    if tuple(images.shape[1:]) != tuple(shape):
        raise ValueError(
            f"`{argument}` gives images of shape {tuple(images.shape)}, but the discriminator "
            f"takes (batch, {', '.join(map(str, shape))}). Resize the images, or build the "
            f"networks for their shape{_layout_hint(tuple(images.shape), tuple(shape))}."
        )
    dtype = keras.backend.standardize_dtype(images.dtype)
    if "float" in dtype:
        return
    if not is_image(shape):
        raise ValueError(
            f"`{argument}` must give floats, because samples of shape {tuple(shape)} are not "
            f'images; got {dtype}. Convert them: `x.astype("float32")`.'
        )
    if dtype != "uint8":
        raise ValueError(
            f"`{argument}` must give uint8 or float images; got {dtype}. To mend it, {SCALE_HINT}."
        )


def _layout_hint(got, expected):
    if got == expected:
        return " (the batch axis is missing: `dataset.batch(64)`, or `images[None]` for an array)"
    if len(got) == len(expected):
        return " (the channel axis may be missing: `images[..., None]`)"
    first = len(got) == 4 and (*got[2:], got[1]) == expected
    return " (channels come first: `numpy.moveaxis(images, 1, -1)`)" if first else ""
