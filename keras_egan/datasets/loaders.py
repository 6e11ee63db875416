"""Images and labels from datasets, loaders, batches and lists of any library."""

import numbers
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np


def check_kind(data: Any, argument: str = "x") -> None:
    """Raise a `ValueError` if data, or a tuple's first item, is of a kind that gives no images."""
    if isinstance(data, tuple) and data:
        data = data[0]
    refuse_hugging_face(data, argument)
    if is_path(data):
        raise ValueError(
            f"`{argument}` must be images or a dataset; got {described(data)}, {str(data)!r}. Load "
            f"its images: `datasets.load({str(data)!r})`."
        )
    if isinstance(data, Mapping):
        images_of(data, argument)  # raises
    if not (hasattr(data, "shape") or isinstance(data, (Iterable, keras.utils.PyDataset))):
        raise ValueError(
            f"`{argument}` must be an array of images or a dataset; got {described(data)}. "
            "`datasets.load` makes a dataset."
        )


def refuse_hugging_face(data: Any, argument: str = "x") -> None:
    """Raise a `ValueError` for a dataset of Hugging Face: it has a `shape`, but is not an array."""
    modules = [kind.__module__.partition(".")[0] for kind in type(data).__mro__]
    if "datasets" in modules and hasattr(data, "column_names"):
        raise ValueError(
            f"`{argument}` is {described(data)} of Hugging Face, whose rows are dicts. Pass its "
            "images as arrays: `keras_egan.datasets.load([numpy.asarray(image.convert('RGB')) for "
            "image in data['image']], image_size=64)`."
        )


def images_of(batch: Any, argument: str = "x") -> Any:
    """Return the images of a batch: the batch itself, or the first item of a tuple or a list."""
    while isinstance(batch, (tuple, list)) and len(batch):
        batch = batch[0]
    if isinstance(batch, Mapping):
        raise ValueError(
            f"`{argument}` must give images, or tuples whose first item is images; got a dict with "
            f"the keys {sorted(map(str, batch))}. Pick one key: `dataset.map(lambda batch: "
            'batch["image"])`, or `data["image"]` if the values are arrays.'
        )
    if not hasattr(batch, "shape"):
        remedy = "Stack each batch's images: `numpy.stack(images)`"
        if type(batch).__module__.startswith("PIL."):
            remedy = "Convert it to an array: `numpy.asarray(image.convert('RGB'))`"
        raise ValueError(
            f"`{argument}` must give batches of images as arrays or tensors; got "
            f"{described(batch)}. {remedy}."
        )
    return batch


def labels_of(batch: Any, argument: str = "x") -> Any:
    """Return the labels of a batch: the second item of a tuple or a list.

    Raises:
        ValueError: if the batch has no labels.
    """
    while isinstance(batch, (tuple, list)) and len(batch) and isinstance(batch[0], (tuple, list)):
        batch = batch[0]
    labels = batch[1] if isinstance(batch, (tuple, list)) and len(batch) > 1 else None
    if labels is None:
        raise ValueError(
            f"`{argument}` gives images without labels, but a GAN with `num_classes` needs labels. "
            "Call `fit(images, labels)`, or pass batches of (images, labels), as "
            "`datasets.load(..., labels=True)` makes them."
        )
    return labels


def check_labels(
    labels: Any, images: int, classes: range | None = None, what: str = "`labels`"
) -> np.ndarray:
    """Return labels, in any form, as int32 of shape `(images,)`.

    Labels must lie in `classes`; if it is None, any are allowed.

    Raises:
        ValueError: if there is not one whole number per image, or a label is not in `classes`.
    """
    found = as_numpy(labels)
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim == 2 and (classes is None or found.shape[1] == classes.stop):
        raise ValueError(
            f"{what} must be one whole number per image; got shape {found.shape}, which looks "
            "one-hot. Convert them: `labels.argmax(-1)`."
        )
    if found.ndim != 1 or len(found) != images:
        raise ValueError(
            f"{what} must be one whole number per image, of shape ({images},); got shape "
            f"{found.shape}."
        )
    if len(found) and not np.issubdtype(found.dtype, np.integer):
        remedy = 'labels.astype("int32")'
        if found.dtype.kind not in "bf":  # strings, or objects
            remedy = "numpy.unique(labels, return_inverse=True)[1]"
        raise ValueError(f"{what} must be whole numbers; got {found.dtype}. Use `{remedy}`.")
    if classes and len(found) and not (found.min() >= classes.start and found.max() < classes.stop):
        wrong = sorted({*found.tolist()} - {*classes})
        raise ValueError(
            f"{what} must go from {classes.start} to {classes.stop - 1} with `num_classes` "
            f"{classes.stop}; got {', '.join(map(str, wrong[:5]))}."
        )
    return found.astype("int32")


def picked(batch: Any, argument: str = "x", labeled: bool = False) -> tuple:
    """Return `(images,)` of a batch, or `(images, labels)` if `labeled`."""
    images = images_of(batch, argument)
    return (images, labels_of(batch, argument)) if labeled else (images,)


def as_numpy(images: Any) -> np.ndarray:
    """Return an array, or any library's tensor, as a NumPy array."""
    if hasattr(images, "detach"):  # PyTorch's
        images = images.detach().cpu().numpy()
    elif keras.ops.is_tensor(images):
        images = keras.ops.convert_to_numpy(images)
    return np.asarray(images)


def length(source: Any) -> int | None:
    """Return the number of batches of a dataset or loader; None if it is unknown or endless."""
    if isinstance(source, keras.utils.PyDataset):
        return source.num_batches
    try:
        return len(source)
    except (TypeError, NotImplementedError, AttributeError):
        return None


def is_tf_dataset(source: Any) -> bool:
    """Return whether a source is a `tf.data.Dataset`, without importing TensorFlow."""
    tf = sys.modules.get("tensorflow")
    return tf is not None and isinstance(source, tf.data.Dataset)


def is_path(source: Any) -> bool:
    """Return whether a source is a path rather than data."""
    return isinstance(source, (str, bytes, os.PathLike))


def described(value: Any) -> str:
    """Return the kind of a value with its article, for an error message: "an array"."""
    if value is None:
        return "None"
    name = "array" if isinstance(value, np.ndarray) else type(value).__name__.lstrip("_")
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"


def single_images(items: list, argument: str = "x", shape: Sequence | None = None) -> bool:
    """Return whether a list of arrays, or of tuples that begin with one, holds single images.

    `shape` is that of one sample. Only its number of axes is used; for None see `looks_single`.

    Raises:
        ValueError: if the list holds neither single images nor batches.
    """
    shapes = [tuple(images_of(item, argument).shape) for item in items]
    if shape is None:
        single = [looks_single(item, argument) for item in items]
        # A last batch of one or three grey images may look like one image with channels first.
        batched = not any(single) or len({one[1:] for one in shapes}) == 1
        expected = "height, width[, channels]"
    else:
        pairs = zip(items, shapes, strict=True)
        # A list within the list is a batch that was not stacked.
        single = [len(of) == len(shape) and not isinstance(item, list) for item, of in pairs]
        batched = all(len(of) == len(shape) + 1 for of in shapes)
        expected = ", ".join(map(str, shape))
    if all(single) or batched:
        return all(single)
    found = ", ".join(map(str, sorted({*shapes})[:5]))
    raise ValueError(
        f"`{argument}` as a list must hold batches of shape (batch, {expected}), or single images; "
        f"got the shapes {found}. Pass images and labels as a tuple."
    )


def looks_single(item: Any, argument: str = "x") -> bool:
    """Return whether an item is one image rather than a batch, if no shape is known.

    A label beside the item decides. Without one, three axes are an image if the last axis has 1, 3
    or 4 entries, or the first axis has 1 or 3.
    """
    shape = tuple(images_of(item, argument).shape)
    if len(shape) != 3:
        return len(shape) == 2
    label: Any = item[1] if isinstance(item, (tuple, list)) and len(item) > 1 else None
    if isinstance(label, (numbers.Number, str)) or getattr(label, "shape", None) == ():
        return True
    if hasattr(label, "__len__") and len(label) == shape[0]:
        return False
    return shape[-1] in (1, 3, 4) or shape[0] in (1, 3)


def stacked(data: Any, shape: Sequence | None, argument: str = "x", labeled: bool = False) -> Any:
    """Stack single images in a list into an array, with labels into two; return other data as is.

    Raises:
        ValueError: if the images differ in shape, or labels stand beside a list of batches.
    """
    if isinstance(data, list) and data and single_images(data, argument, shape):
        images = [as_numpy(images_of(item, argument)) for item in data]
        shapes = sorted({image.shape for image in images})
        if len(shapes) > 1:
            raise ValueError(
                f"The images of `{argument}` differ in shape: {', '.join(map(str, shapes[:5]))}. "
                "Resize them: `datasets.load(images, image_size=64)`."
            )
        if not labeled:
            return np.stack(images)
        return np.stack(images), np.stack([as_numpy(labels_of(item, argument)) for item in data])
    if isinstance(data, tuple) and data and isinstance(data[0], list):
        images = stacked(data[0], shape, argument)
        if isinstance(images, list):
            raise ValueError(
                f"`{argument}` is a list of batches, with labels beside the list. Make each batch "
                "a tuple of (images, labels), and omit the other labels."
            )
        return images, *data[1:]
    return data


def batches_of(
    data: Any, shape: Sequence | None, batch_size: int, argument: str = "x", labeled: bool = False
) -> Iterator[tuple]:
    """Yield data, in any form that `fit` takes, once as batches: `(images,)`, or with labels.

    Data that comes in batches keeps its batches; `shape` is as in `single_images`.
    """
    check_kind(data, argument)
    data = stacked(data, shape, argument, labeled)
    if isinstance(data, tuple) or hasattr(data, "shape"):
        arrays = picked(data, argument, labeled)
        starts = range(0, len(arrays[0]), batch_size)
        batches: Any = (tuple(array[i : i + batch_size] for array in arrays) for i in starts)
    elif isinstance(data, keras.utils.PyDataset):
        batches = (data[i] for i in range(len(data)))
    else:
        batches = data
    yield from (picked(batch, argument, labeled) for batch in batches)


def first_images(
    data: Any, shape: Sequence, counts: range, argument: str = "x", labeled: bool = False
) -> tuple[np.ndarray, Any]:
    """Return the first images of data, in any form that `fit` takes, and their labels or None.

    Raises:
        ValueError: if there are fewer images than the first of `counts`; the last are enough.
    """
    count = counts[-1]
    batches, found = [], 0
    for batch in batches_of(data, shape, count, argument, labeled):
        batches.append([as_numpy(array)[: count - found] for array in batch])
        found += len(batches[-1][0])
        if found == count:
            break
    if found not in counts:
        raise ValueError(f"`{argument}` must have {counts[0]} images or more; got {found}.")
    images, *labels = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
    return images, labels[0] if labels else None
