"""Datasets, loaders, batches and lists of any library: their kinds, images and labels."""

import numbers
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    """Returns the images of a batch: the batch itself, or the first item of a tuple or a list."""
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
    """Returns the labels of a batch, the second item of a tuple or a list; refuses others."""
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
    """Returns labels, in any form, as int32 of shape `(images,)`; `classes` None allows any."""
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


def picked(batch: Any, argument: str = "x", labeled: bool = False) -> tuple:
    """Returns `(images,)` of a batch, or `(images, labels)` where labels are wanted."""
    images = images_of(batch, argument)
    return (images, labels_of(batch, argument)) if labeled else (images,)


def as_numpy(images: Any) -> np.ndarray:
    """Returns an array, or any library's tensor, as a NumPy array."""
    if hasattr(images, "detach"):  # PyTorch's
        images = images.detach().cpu().numpy()
    elif keras.ops.is_tensor(images):
        images = keras.ops.convert_to_numpy(images)
    return np.asarray(images)


def length(source: Any) -> int | None:
    """Returns how many batches a dataset or loader has; None if it does not tell, or is endless."""
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


def single_images(items: list, argument: str = "x", shape: Sequence | None = None) -> bool:
    """Returns whether a list of arrays, or of tuples that begin with one, holds single images.

    Of `shape`, that of one sample, only the number of axes counts; see `looks_single` for None.
    """
    shapes = [tuple(images_of(item, argument).shape) for item in items]
    if shape is None:
        single = [looks_single(item, argument) for item in items]
        # A last batch of one or three grey images may look like an image with its channels first.
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
        f"got the shapes {found}. Images with labels go in a tuple."
    )


def looks_single(item: Any, argument: str = "x") -> bool:
    """Returns whether an item is one image rather than a batch, where no shape is known.

    A label beside it tells. Else three axes are one image if the last has 1, 3 or 4 entries, or
    the first 1 or 3.
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
    """Returns single images in a list as arrays, of images and maybe labels; else the data."""
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
                f"`{argument}` is a list of batches, with labels beside it. Make each batch a "
                "tuple of (images, labels), and leave out the other labels."
            )
        return images, *data[1:]
    return data


def batches_of(
    data: Any, shape: Sequence | None, batch_size: int, argument: str = "x", labeled: bool = False
) -> Iterator[tuple]:
    """Yields data in the forms that `fit` takes, once, in batches: `(images,)`, or with labels.

    Data that comes in batches keeps them; `shape` is as in `single_images`.
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
