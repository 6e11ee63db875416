"""Images and labels from datasets, loaders, batches and lists of any library."""

import numbers
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_egan.datasets.preparation import is_pillow, pixels


def check_kind(data: Any, argument: str = "x") -> None:
    """Raise a `ValueError` if data, or a tuple's first item, is of a kind that gives no images."""
    if isinstance(data, tuple) and data:
        data = data[0]
    if is_path(data):
        raise ValueError(
            f"`{argument}` must be images or a dataset; got {described(data)}, {str(data)!r}. Load "
            f"its images: `datasets.load({str(data)!r})`."
        )
    if isinstance(data, Mapping):
        raise _without_images(data, argument)
    kinds = (Iterable, keras.utils.PyDataset)
    if not (is_array(data) or by_index(data) or isinstance(data, kinds)):
        raise ValueError(
            f"`{argument}` must be an array of images or a dataset; got {described(data)}. "
            "`datasets.load` makes a dataset."
        )


def is_array(data: Any) -> bool:
    """Return whether data is an array, a tensor or a table of numbers.

    A dataset of Hugging Face has a shape too, but cannot be converted to an array.
    """
    return hasattr(data, "shape") and (hasattr(data, "dtype") or hasattr(data, "__array__"))


def by_index(source: Any) -> bool:
    """Return whether a source is a list or dataset, not Keras's, that is read by index."""
    if isinstance(source, keras.utils.PyDataset):
        return False
    torch: Any = sys.modules.get("torch")
    read = getattr(type(source), "__getitem__", None)
    if torch and read is torch.utils.data.Dataset.__getitem__:  # an IterableDataset raises there
        return False
    return read is not None and hasattr(source, "__len__")


def images_of(batch: Any, argument: str = "x") -> Any:
    """Return the images of a batch: itself, a tuple's or list's first item, or a dict's "image"."""
    while isinstance(batch, (tuple, list)) and len(batch):
        batch = batch[0]
    if isinstance(batch, Mapping):
        if "image" not in batch:
            raise _without_images(batch, argument)
        return images_of(batch["image"], argument)
    if not (hasattr(batch, "shape") or is_pillow(batch)):
        raise ValueError(
            f"`{argument}` must give batches of images as arrays or tensors; got "
            f"{described(batch)}. Stack each batch's images: `numpy.stack(images)`."
        )
    return batch


def _without_images(batch, argument):
    keys = sorted(map(str, batch))
    key = "image" if "image" in keys or not keys else keys[0]
    return ValueError(
        f"`{argument}` must give images, tuples whose first item is images, or dicts with the key "
        f"'image'; got a dict with the keys {keys[:9]}. Pick one key: "
        f'`dataset.map(lambda batch: batch["{key}"])`, or `data["{key}"]` if the values are data.'
    )


def shape_of(image: Any) -> tuple[int, ...]:
    """Return the shape of an array, a tensor or an image of Pillow."""
    return (image.height, image.width, 3) if is_pillow(image) else tuple(image.shape)


def labels_of(batch: Any, argument: str = "x") -> Any:
    """Return the labels of a batch: the second item of a tuple or a list.

    Raises:
        ValueError: if the batch has no labels.
    """
    labels = _label(batch)
    if labels is None:
        pair = "fit(images, labels)" if argument == "x" else f"{argument}=(images, labels)"
        raise ValueError(
            f"`{argument}` gives images without labels, but a GAN with `num_classes` needs labels. "
            f"Pass `{pair}`, or batches of (images, labels), as `datasets.load(..., labels=True)` "
            "makes them."
        )
    return labels


def _label(batch):
    wraps = (tuple, list, Mapping)
    while isinstance(batch, (tuple, list)) and len(batch) and isinstance(batch[0], wraps):
        batch = batch[0]
    if isinstance(batch, Mapping):
        return batch.get("label")
    return batch[1] if isinstance(batch, (tuple, list)) and len(batch) > 1 else None


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
    """Return an array, any library's tensor, or an image of Pillow, as a NumPy array."""
    if is_pillow(images):
        images = pixels(images)
    elif hasattr(images, "detach"):  # PyTorch's
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
    shapes = [shape_of(images_of(item, argument)) for item in items]
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
    image = images_of(item, argument)
    shape = shape_of(image)
    if len(shape) != 3 or is_pillow(image):
        return len(shape) in (2, 3)
    label = _label(item)
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
