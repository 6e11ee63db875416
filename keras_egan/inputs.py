"""What may be fed to a GAN, and the errors for what may not."""

import itertools
from contextlib import suppress

import keras
import numpy as np
from keras import ops

__all__ = ["check_values", "first_batch", "images_of", "is_array", "scale", "without_first"]

SCALE_HINT = "pass uint8 images as they are, or scale floats with `images / 127.5 - 1`"


def images_of(batch):
    """Returns the images of a batch: the batch itself, or the first item of a tuple or a list.

    Raises:
        ValueError: if the batch is a dict.
    """
    if isinstance(batch, dict):
        raise ValueError(
            f"A batch must be images, or a tuple whose first item is the images; got a dict with "
            f"the keys {sorted(batch)}. Pick one, as in `dataset.map(lambda batch: "
            'batch["image"])`.'
        )
    return images_of(batch[0]) if isinstance(batch, (tuple, list)) else batch


def scale(images, shape):
    """Scales uint8 images to [-1, 1] on the device; casts floats to Keras's float type.

    Args:
        images: tensor of shape `(batch, *shape)`, uint8 or float.
        shape: the shape of one image, a tuple.

    Raises:
        ValueError: if the images have another shape, or are neither uint8 nor float.
    """
    if tuple(images.shape[1:]) != tuple(shape):
        raise ValueError(
            f"The images have the shape {tuple(images.shape)}, but the discriminator takes "
            f"(batch, {', '.join(map(str, shape))}). Resize the images, or build the networks "
            f"for them{_layout_hint(images.shape, shape)}."
        )
    dtype = keras.backend.standardize_dtype(images.dtype)
    if dtype == "uint8":
        return ops.cast(images, keras.config.floatx()) / 127.5 - 1.0
    if "float" not in dtype:
        raise ValueError(f"The images are {dtype}; they must be uint8 or float: {SCALE_HINT}.")
    return ops.cast(images, keras.config.floatx())


def _layout_hint(got, expected):
    if len(got) == len(expected):
        return " (a last axis for the channels may be missing: `images[..., None]`)"
    return ""


def check_values(images):
    """Refuses NaN, infinities, and float images outside [-1, 1].

    Only images, of rank 4, have a range; vectors, of rank 2, may have any finite value.

    Args:
        images: array or tensor of shape `(batch, ...)`.

    Raises:
        ValueError: says what came and the line that mends it.
    """
    images = ops.convert_to_numpy(images)
    if not np.issubdtype(images.dtype, np.floating) or not images.size:
        return
    low, high = float(images.min()), float(images.max())
    if not np.isfinite(low) or not np.isfinite(high):
        bad = np.unique(np.nonzero(~np.isfinite(images))[0])
        raise ValueError(
            f"{len(bad)} of the {len(images)} images hold NaN or infinite values, first that at "
            f"index {bad[0]}. Drop them or mend them: "
            "`images[np.isfinite(images).all(axis=(1, 2, 3))]`."
        )
    if images.ndim == 4 and (low < -1.001 or high > 1.001):
        raise ValueError(
            f"Float images must lie in [-1, 1]; these go from {low:g} to {high:g}: {SCALE_HINT}."
        )


def first_batch(data):
    """Looks at the first batch of anything that `fit` takes, without using it up.

    Args:
        data: an array or tensor (taken whole), or a dataset, loader, generator or
            `keras.utils.PyDataset` of batches.

    Returns:
        The images of the first batch, and the data to use from now on in place of `data`.

    Raises:
        ValueError: if there is no first batch.
    """
    if is_array(data):
        images = images_of(data)
        empty = not len(images)
    else:
        iterator = iter(data)
        batch = next(iterator, None)
        empty = batch is None
        images = None if empty else images_of(batch)
        if iterator is data:
            data = (batch for batch in itertools.chain([batch], iterator))
    if empty:
        raise ValueError(f"The data is empty: {type(data).__name__} gave no batch of images.")
    return images, data


def is_array(data):
    """Whether data is images themselves, rather than something that gives batches of them."""
    return hasattr(data, "shape") or isinstance(data, (tuple, list))


def without_first(data, count, steps=None):
    """Returns what is left of one pass through `data` after `count` batches.

    Args:
        data: anything that gives batches.
        count: how many batches to leave out.
        steps: how many batches there shall be, if that is not up to `data`.

    Returns:
        A generator of batches, and their number, or None if it cannot be known beforehand.
    """
    if steps is None:
        with suppress(TypeError):  # data of unknown size
            steps = len(data) - count
    return ((images_of(batch),) for batch in itertools.islice(iter(data), count, None)), steps


def split(data, fraction):
    raise NotImplementedError
