"""What may be fed to a GAN, and the errors for what may not."""

import copy
import itertools
import math
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_egan.datasets import Ordered, Stream
from keras_egan.datasets.loaders import (
    as_numpy,
    described,
    images_of,
    is_path,
    is_tf_dataset,
    length,
)
from keras_egan.image_format import is_image

__all__ = [
    "accept",
    "check_values",
    "images_of",
    "is_array",
    "scale",
    "split",
    "without_first",
]

SCALE_HINT = "pass uint8 images as they are, or let `datasets.load(images)` prepare them"


def accept(data: Any, shape: tuple, argument: str = "x", steps: int | None = None) -> tuple:
    """Returns the images of the first batch, and data in a form that Keras takes on each backend.

    Labels are left out. The first batch alone is looked at, on the host.

    Args:
        data: images of shape `(n, *shape)`, an array, any library's tensor, or a list of single
            images; a tuple of them and labels; or batches of either: an `Ordered` dataset, a
            `keras.utils.PyDataset`, a `tf.data.Dataset`, a list, a loader that can be iterated
            anew for each epoch, or an iterator, which cannot.
        shape: the shape of one sample.
        argument: the name of the argument that the data came with.
        steps: how many batches are wanted of an epoch, if that is not up to the data.

    Returns:
        The first batch, for an array the whole; and, in this order, a NumPy array; an `Ordered`
        dataset with a position of its own; a `PyDataset`; a `tf.data.Dataset`; or a generator.

    Raises:
        ValueError: if the data is none of these, is empty, or does not tell its length where
            `steps` is None; or if the first batch has another shape, is neither uint8 nor float,
            holds NaN or infinite values, or, if of images, values outside [-1, 1].
    """
    _check_kind(data, argument)
    if isinstance(data, tuple):
        data = images_of(data, argument)
    elif isinstance(data, list):
        data = _listed(data, shape, argument)
    if is_array(data):
        first: Any = as_numpy(data)
        data = first
    elif isinstance(data, keras.utils.PyDataset):
        data = copy.copy(data) if isinstance(data, Ordered) else _Images(data, argument)
        first = data[0][0] if data.num_batches != 0 else None
    elif is_tf_dataset(data):
        images_of(data.element_spec, argument)  # raises here what would get lost in a graph
        data = data.map(lambda *batch: (images_of(batch, argument),))
        (first,) = next(iter(data), (None,))
    else:
        first, data = _iterated(data, argument, steps)
    if first is None or not len(first):
        raise ValueError(
            f"`{argument}` is empty: it is {described(data)} that gives no images. Give it some."
        )
    _check(first, shape, argument)
    return first, data


def check_values(images: Any, argument: str = "images") -> None:
    """Refuses NaN, infinities, and float images (not vectors) outside [-1, 1].

    Args:
        images: array or tensor of shape `(batch, ...)`.
        argument: the name of the argument that they came with.

    Raises:
        ValueError: says what came and the line that mends it.
    """
    images = as_numpy(images)
    if not np.issubdtype(images.dtype, np.floating) or not images.size:
        return
    low, high = float(images.min()), float(images.max())
    if not np.isfinite(low) or not np.isfinite(high):
        bad = np.unique(np.nonzero(~np.isfinite(images))[0])
        axes = ", ".join(map(str, range(1, images.ndim)))
        raise ValueError(
            f"`{argument}`: {len(bad)} of the {len(images)} samples hold NaN or infinite values, "
            f"first that at index {bad[0]}. Drop them or mend them: "
            f"`images[np.isfinite(images).all(axis=({axes},))]`."
        )
    if is_image(images.shape[1:]) and (low < -1.001 or high > 1.001):
        raise ValueError(
            f"`{argument}`: float images must lie in [-1, 1]; these go from {low:g} to {high:g}: "
            f"{SCALE_HINT}."
        )


def is_array(data: Any) -> bool:
    """Whether data is images themselves, rather than something that gives batches."""
    return hasattr(data, "shape")


def scale(images: Any, shape: tuple[int, ...], argument: str = "images") -> Any:
    """Scales uint8 images to [-1, 1] on the device; casts floats to Keras's float type.

    Args:
        images: tensor of shape `(batch, *shape)`, uint8 or float.
        shape: the shape of one image.
        argument: the name of the argument that they came with.

    Raises:
        ValueError: if the images have another shape, or are neither uint8 nor float.
    """
    _check_form(images, shape, argument)
    if keras.backend.standardize_dtype(images.dtype) == "uint8":
        return ops.cast(images, keras.config.floatx()) / 127.5 - 1.0
    return ops.cast(images, keras.config.floatx())


def split(data: Any, fraction: float) -> tuple[Any, Any]:
    """Returns the first part of arrays, and the last, which is held out, as Keras's `fit` does.

    Args:
        data: an array or tensor, or a tuple of them, of one length.
        fraction: how much of them, in (0, 1), the last part is.

    Raises:
        ValueError: if `data` is not of arrays, or a part would be empty.
    """
    arrays = data if isinstance(data, tuple) else (data,)
    if not arrays or not all(is_array(array) for array in arrays):
        raise ValueError(
            f"`validation_split` holds out a part of an array, but `x` is {described(data)}. Pass "
            "`validation_data=` instead."
        )
    samples = len(arrays[0])
    if not 0 < fraction < 1 or not 0 < (first := math.floor(samples * (1 - fraction))) < samples:
        raise ValueError(
            f"`validation_split` must leave samples on both sides; got {fraction!r} of {samples}. "
            "0.1 holds out a tenth."
        )
    parts = tuple(array[:first] for array in arrays), tuple(array[first:] for array in arrays)
    return parts if isinstance(data, tuple) else (parts[0][0], parts[1][0])


def without_first(data: Any, count: int, steps: int | None = None) -> tuple[Any, int | None]:
    """Returns what is left of a pass after `count` batches, and their number, if it is known.

    Args:
        data: what `accept` returned, but for arrays and `Ordered` datasets.
        count: how many batches to leave out.
        steps: how many batches there shall be, if that is not up to `data`.
    """
    if steps is None and (batches := length(data)) is not None:
        steps = batches - count
    if is_tf_dataset(data):
        return data.skip(count), steps
    return (batch for batch in itertools.islice(iter(data), count, None)), steps


class _Images(keras.utils.PyDataset):
    """The images alone of someone's PyDataset."""

    def __init__(self, dataset, argument):
        super().__init__(dataset.workers, dataset.use_multiprocessing, dataset.max_queue_size)
        self.dataset = dataset
        self.argument = argument
        self.on_epoch_begin = dataset.on_epoch_begin
        self.on_epoch_end = dataset.on_epoch_end

    @property
    def num_batches(self):
        return self.dataset.num_batches

    def __getitem__(self, index):
        return (_images(self.dataset[index], self.argument),)


def _iterated(data, argument, steps):
    """Returns the first batch, or None, and a `Stream` or a generator."""
    if hasattr(data, "__next__"):
        first = next(data, None)
        batches = () if first is None else itertools.chain([first], data)
    else:
        first = next(iter(data), None)
        batches = itertools.chain.from_iterable(itertools.repeat(data))  # pass after pass
    if first is None:
        return None, data
    first = _images(first, argument)
    if hasattr(data, "__next__"):
        return first, ((_images(batch, argument),) for batch in batches)
    count = length(data)
    if count is not None:

        def passes(step, done):
            rest = itertools.islice(data, done, None)
            return (_images(batch, argument) for batch in rest)

        return first, Stream(passes, count)
    if steps is None:
        raise ValueError(
            f"`{argument}` is {described(data)} that does not tell its length. Say how many of "
            "its batches make an epoch: `steps_per_epoch=` in `fit`, `validation_steps=` for "
            "`validation_data`, `steps=` in `evaluate`."
        )
    return first, ((_images(batch, argument),) for batch in batches)


def _listed(items, shape, argument):
    """Returns a list's single images as one array, or its batches as they are."""
    if not items or not all(hasattr(item, "shape") for item in items):
        return items  # empty, or of tuples
    shapes = {tuple(item.shape) for item in items}
    if shapes == {tuple(shape)}:
        return np.stack([as_numpy(item) for item in items])
    if {one[1:] for one in shapes} == {tuple(shape)}:
        return items
    raise ValueError(
        f"`{argument}` as a list must hold batches of shape {_batch_of(shape)}, or single images; "
        f"got the shapes {', '.join(map(str, sorted(shapes)))}. Images with labels go in a tuple."
    )


def _images(batch, argument):
    images = images_of(batch, argument)
    return images if ops.is_tensor(images) else as_numpy(images)


def _check_kind(data, argument):
    if is_path(data):
        raise ValueError(
            f"`{argument}` is {described(data)}, {str(data)!r}. Load its images: "
            f"`datasets.load({str(data)!r})`."
        )
    if isinstance(data, Mapping):
        images_of(data, argument)  # raises
    if not (is_array(data) or isinstance(data, (Iterable, keras.utils.PyDataset))):
        raise ValueError(
            f"`{argument}` is {described(data)}. Pass images, an array or a dataset: "
            "`datasets.load` gives one."
        )


def _check(images, shape, argument):
    _check_form(images, shape, argument)
    check_values(images, argument)
    images = as_numpy(images)
    if is_image(shape) and images.dtype != np.uint8:
        low, high = images.min(), images.max()
        if 0 <= low < high <= 1:
            warnings.warn(
                f"`{argument}` gives floats that all lie in [0, 1], which looks unscaled: float "
                "images go from -1 to 1. Scale them with `images * 2 - 1`.",
                stacklevel=2,
            )


def _check_form(images, shape, argument):
    if tuple(images.shape[1:]) != tuple(shape):
        raise ValueError(
            f"`{argument}` gives images of shape {tuple(images.shape)}, but the discriminator "
            f"takes {_batch_of(shape)}. Resize the images, or build the networks for them"
            f"{_layout_hint(tuple(images.shape), tuple(shape))}."
        )
    dtype = keras.backend.standardize_dtype(images.dtype)
    if dtype != "uint8" and "float" not in dtype:
        raise ValueError(
            f"`{argument}` gives images that are {dtype}; they must be uint8 or float: "
            f"{SCALE_HINT}."
        )


def _layout_hint(got, expected):
    if got == expected:
        return " (the batch's axis is missing: `dataset.batch(64)`, or `images[None]` of an array)"
    if len(got) == len(expected):
        return " (a last axis for the channels may be missing: `images[..., None]`)"
    first = len(got) == 4 and (*got[2:], got[1]) == expected
    return " (the channels come first: `numpy.moveaxis(images, 1, -1)`)" if first else ""


def _batch_of(shape):
    return f"(batch, {', '.join(map(str, shape))})"
