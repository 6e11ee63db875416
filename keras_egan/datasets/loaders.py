"""What gives batches: datasets and loaders of any library."""

import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np

__all__ = [
    "as_numpy",
    "batches_of",
    "described",
    "images_of",
    "is_path",
    "is_tf_dataset",
    "length",
]


def images_of(batch: Any, argument: str = "x") -> Any:
    """Returns the images of a batch: the batch itself, or the first item of a tuple or a list.

    Here, and nowhere else, labels are left out.

    Args:
        batch: an array or tensor; or a tuple or list that begins with one, or with another.
        argument: the name of the argument that the batch came with, for the error.

    Raises:
        ValueError: if the batch is a dict, or empty.
    """
    while isinstance(batch, (tuple, list)) and len(batch):
        batch = batch[0]
    if isinstance(batch, Mapping):
        raise ValueError(
            f"`{argument}` must give images, or tuples whose first item is images; got a dict with "
            f"the keys {sorted(map(str, batch))}. Pick one of them, as in `dataset.map(lambda "
            'batch: batch["image"])`, or `data["image"]` of arrays.'
        )
    if not hasattr(batch, "shape"):
        raise ValueError(
            f"`{argument}` must give batches of images, arrays or tensors; got {described(batch)}. "
            "Stack the images of a batch: `numpy.stack(images)`."
        )
    return batch


def batches_of(data: Any, batch_size: int) -> Iterator[Any]:
    """Yields the images of data in the forms that `fit` takes, once, in batches.

    Args:
        data: an array, or a tuple that begins with one; or anything finite that gives batches.
        batch_size: the number of images in a batch, where `data` is an array.
    """
    if isinstance(data, (tuple, list)):
        data = images_of(data)
    if hasattr(data, "shape"):
        batches = (data[i : i + batch_size] for i in range(0, len(data), batch_size))
    elif isinstance(data, keras.utils.PyDataset):
        batches = (data[i] for i in range(len(data)))
    else:
        batches = data
    yield from map(images_of, batches)


def as_numpy(images: Any) -> np.ndarray:
    """Returns an array, or any library's tensor, as a NumPy array."""
    if hasattr(images, "detach"):  # PyTorch's
        images = images.detach().cpu().numpy()
    elif keras.ops.is_tensor(images):
        images = keras.ops.convert_to_numpy(images)
    return np.asarray(images)


def length(source: Any) -> int | None:
    """Returns the number of batches of a dataset or loader, or None if it does not tell."""
    if isinstance(source, keras.utils.PyDataset):
        return source.num_batches
    try:
        return len(source)
    except (TypeError, NotImplementedError, AttributeError):
        return None


def is_tf_dataset(source: Any) -> bool:
    """Returns whether this is a `tf.data.Dataset`, without importing TensorFlow."""
    tf = sys.modules.get("tensorflow")
    return tf is not None and isinstance(source, tf.data.Dataset)


def is_path(source: Any) -> bool:
    """Returns whether this names files, rather than being data."""
    return isinstance(source, (str, bytes, os.PathLike))


def described(value: Any) -> str:
    """Returns what a value is, for an error."""
    if value is None:
        return "None"
    name = "array" if isinstance(value, np.ndarray) else type(value).__name__.lstrip("_")
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
