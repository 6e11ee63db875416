"""Lists of single images or of batches, and data of any form in batches."""

import numbers
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from keras_egan.datasets.loaders import as_numpy, check_kind, images_of, labels_of, picked


def single_images(items: list, argument: str = "x", shape: Sequence | None = None) -> bool:
    """Returns whether a list of arrays, or of tuples that begin with one, holds single images.

    Of `shape`, that of one sample, only the number of axes counts; see `looks_single` for None.

    Raises:
        ValueError: if only some items are single images, or none are images or batches.
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


def stacked(data: Any, shape: Sequence | None, argument: str = "x", labelled: bool = False) -> Any:
    """Returns single images in a list as an array, or arrays of images and labels; else the data.

    Raises:
        ValueError: as in `single_images`; if the images differ in shape; if labels are wanted and
            missing, or come beside a list of batches.
    """
    if isinstance(data, list) and data and single_images(data, argument, shape):
        images = [as_numpy(images_of(item, argument)) for item in data]
        shapes = sorted({image.shape for image in images})
        if len(shapes) > 1:
            raise ValueError(
                f"The images of `{argument}` differ in shape: {', '.join(map(str, shapes[:5]))}. "
                "Resize them: `datasets.load(images, image_size=64)`."
            )
        if not labelled:
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
    data: Any, shape: Sequence | None, batch_size: int, argument: str = "x", labelled: bool = False
) -> Iterator[tuple]:
    """Yields data in the forms that `fit` takes, once, in batches: `(images,)`, or with labels.

    Data that comes in batches keeps them; `shape` is as in `single_images`.
    """
    check_kind(data, argument)
    data = stacked(data, shape, argument, labelled)
    if isinstance(data, tuple) or hasattr(data, "shape"):
        arrays = picked(data, argument, labelled)
        starts = range(0, len(arrays[0]), batch_size)
        batches: Any = (tuple(array[i : i + batch_size] for array in arrays) for i in starts)
    elif isinstance(data, keras.utils.PyDataset):
        batches = (data[i] for i in range(len(data)))
    else:
        batches = data
    yield from (picked(batch, argument, labelled) for batch in batches)
