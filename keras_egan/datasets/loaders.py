"""Datasets, loaders and batches of any library: their kinds, images and labels."""

import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import keras
import numpy as np


def check_kind(data: Any, argument: str = "x") -> None:
    """Raises a `ValueError` for data, or its first item in a tuple, that gives no images."""
    if isinstance(data, tuple) and data:
        data = data[0]
    refuse_hugging_face(data, argument)
    if is_path(data):
        raise ValueError(
            f"`{argument}` is {described(data)}, {str(data)!r}. Load its images: "
            f"`datasets.load({str(data)!r})`."
        )
    if isinstance(data, Mapping):
        images_of(data, argument)  # raises
    if not (hasattr(data, "shape") or isinstance(data, (Iterable, keras.utils.PyDataset))):
        raise ValueError(
            f"`{argument}` is {described(data)}. Pass images, an array or a dataset: "
            "`datasets.load` gives one."
        )


def refuse_hugging_face(data: Any, argument: str = "x") -> None:
    """Raises a `ValueError` for a dataset of Hugging Face, which has a `shape`, but is no array."""
    modules = [kind.__module__.partition(".")[0] for kind in type(data).__mro__]
    if "datasets" in modules and hasattr(data, "column_names"):
        raise ValueError(
            f"`{argument}` is {described(data)} of Hugging Face, whose rows are dicts. Give its "
            "images as arrays: `keras_egan.datasets.load([numpy.asarray(image.convert('RGB')) for "
            "image in data['image']], image_size=64)`."
        )


def images_of(batch: Any, argument: str = "x") -> Any:
    """Returns the images of a batch: the batch itself, or the first item of a tuple or a list.

    Raises:
        ValueError: if they are no array or tensor, as in a dict or an empty tuple.
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
        remedy = "Stack the images of a batch: `numpy.stack(images)`"
        if type(batch).__module__.startswith("PIL."):
            remedy = "Make an array of it: `numpy.asarray(image.convert('RGB'))`"
        raise ValueError(
            f"`{argument}` must give batches of images, arrays or tensors; got {described(batch)}. "
            f"{remedy}."
        )
    return batch


def labels_of(batch: Any, argument: str = "x") -> Any:
    """Returns the labels of a batch: the second item of a tuple or a list.

    Raises:
        ValueError: if there are none.
    """
    while isinstance(batch, (tuple, list)) and len(batch) and isinstance(batch[0], (tuple, list)):
        batch = batch[0]
    labels = batch[1] if isinstance(batch, (tuple, list)) and len(batch) > 1 else None
    if labels is None:
        raise ValueError(
            f"`{argument}` gives images without labels, which a GAN with `num_classes` learns "
            "from. Give `fit(images, labels)`, or batches of (images, labels), as "
            "`datasets.load(..., labels=True)` has them."
        )
    return labels


def check_labels(
    labels: Any, images: int, classes: range | None = None, what: str = "`labels`"
) -> np.ndarray:
    """Returns labels, an array, any library's tensor or a list, as int32 of shape `(images,)`.

    `classes` are those allowed, None for any, and `what` is what an error calls the labels.

    Raises:
        ValueError: if they have another length, are not whole, one-hot, or of no class.
    """
    found = as_numpy(labels)
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim == 2 and (classes is None or found.shape[1] == classes.stop):
        raise ValueError(
            f"{what} have shape {found.shape}, which looks one-hot; a label is one whole number: "
            "`labels.argmax(-1)`."
        )
    if found.ndim != 1 or len(found) != images:
        raise ValueError(
            f"{what} have shape {found.shape}, for {images} images; there must be one whole number "
            f"for each, of shape ({images},)."
        )
    if len(found) and not np.issubdtype(found.dtype, np.integer):
        remedy = 'labels.astype("int32")'
        if found.dtype.kind not in "bf":  # strings, or objects
            remedy = "numpy.unique(labels, return_inverse=True)[1]"
        raise ValueError(f"{what} are {found.dtype}; they must be whole numbers: `{remedy}`.")
    if classes and len(found) and not (found.min() >= classes.start and found.max() < classes.stop):
        wrong = sorted({*found.tolist()} - {*classes})
        raise ValueError(
            f"{what} hold {', '.join(map(str, wrong[:5]))}; with `num_classes` {classes.stop} they "
            f"go from {classes.start} to {classes.stop - 1}."
        )
    return found.astype("int32")


def picked(batch: Any, argument: str = "x", labelled: bool = False) -> tuple:
    """Returns `(images,)` of a batch, or `(images, labels)` where labels are wanted."""
    images = images_of(batch, argument)
    return (images, labels_of(batch, argument)) if labelled else (images,)


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
    """Returns the kind of a value with its article, for an error, such as "an array"."""
    if value is None:
        return "None"
    name = "array" if isinstance(value, np.ndarray) else type(value).__name__.lstrip("_")
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
