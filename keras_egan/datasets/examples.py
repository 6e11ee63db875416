"""Datasets of one example each, and any data as batches."""

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from keras_egan.datasets.loaders import (
    as_numpy,
    by_index,
    check_kind,
    check_labels,
    images_of,
    is_array,
    labels_of,
    picked,
    shape_of,
    stacked,
)
from keras_egan.datasets.preparation import is_pillow, pixels
from keras_egan.extras import installed


def named(data: Any) -> Any:
    """Return a dataset of Hugging Face with the columns `"image"` and `"label"`.

    The first columns of images and of classes get these names. Other data is returned as it is.
    """
    features = getattr(data, "features", None)
    if not (features and hasattr(data, "rename_column")):
        return data
    for name, kind in (("image", "Image"), ("label", "ClassLabel")):
        found = [column for column in features if type(features[column]).__name__ == kind]
        if found and name not in features:
            data = data.rename_column(found[0], name)
    return data


def hub(name: str, split: str, data_dir: Any) -> Any:
    """Return a dataset of Hugging Face's hub, or of a local folder in one of its formats."""
    if not installed("datasets"):
        raise ImportError(
            f"Loading 'hf:{name}' needs datasets, which is not installed. Install it with `pip "
            "install datasets`."
        )
    import datasets

    return datasets.load_dataset(name, split=split, cache_dir=data_dir)


def class_names(data: Any) -> tuple[str, ...] | None:
    """Return the names of the classes of a dataset from `named`, if it knows them."""
    names = getattr((getattr(data, "features", None) or {}).get("label"), "names", None)
    return tuple(names) if names else None


class Examples:
    """A dataset that gives one example by index, for `Batches`: stacked, otherwise unchanged.

    Args:
        source: the dataset, of images, or tuples or dicts of an image and its label.
        shape: the shape of an image.
        argument: the name of the argument in error messages.
        labeled: whether to give labels too.
    """

    def __init__(self, source: Any, shape: Sequence, argument: str, labeled: bool):
        self.source = source
        self.shape = tuple(shape)
        self.argument = argument
        self.labeled = labeled
        if len(source) > 2**40:
            raise ValueError(
                f"`{argument}` repeats its examples without end. Omit `.repeat()`: `fit` itself "
                "begins anew each epoch."
            )

    def __len__(self):
        return len(self.source)

    def take(self, indices: Any) -> Any:
        """Return the images at indices, and their labels if `labeled`."""
        items = [self.source[int(index)] for index in indices]
        images = [self._image(item) for item in items]
        shapes = sorted({image.shape for image in images})
        if len(shapes) > 1:
            raise ValueError(
                f"The images of `{self.argument}` differ in shape: "
                f"{', '.join(map(str, shapes[:5]))}. Resize them: "
                "`datasets.load(dataset, image_size=64)`."
            )
        if not self.labeled:
            return np.stack(images)
        labels = np.stack([as_numpy(labels_of(item, self.argument)) for item in items])
        return np.stack(images), check_labels(labels, len(items))

    def _image(self, item):
        image = images_of(item, self.argument)
        if is_pillow(image):
            return pixels(image, "L" if self.shape[-1] == 1 else "RGB")
        return as_numpy(image)


def examples_of(data: Any, shape: Sequence | None, argument: str, labeled: bool) -> Any:
    """Return a dataset that gives single examples by index as `Examples`; other data as it is.

    `shape` is that of one sample; only its number of axes is used.
    """
    if isinstance(data, (list, tuple)) or is_array(data) or not by_index(data) or not len(data):
        return data
    first = shape_of(images_of(data[0], argument))
    alone = shape is not None and len(first) == len(shape)
    return Examples(data, shape or first, argument, labeled) if alone else data


def batches_of(
    data: Any, shape: Sequence | None, batch_size: int, argument: str = "x", labeled: bool = False
) -> Iterator[tuple]:
    """Yield data, in any form that `fit` takes, once as batches: `(images,)`, or with labels.

    Data that comes in batches keeps its batches; `shape` is as in `single_images`.
    """
    check_kind(data, argument)
    data = stacked(named(data), shape, argument, labeled)
    data = examples_of(data, shape, argument, labeled)
    if isinstance(data, tuple) or is_array(data):
        arrays = picked(data, argument, labeled)
        starts = range(0, len(arrays[0]), batch_size)
        batches: Any = (tuple(array[i : i + batch_size] for array in arrays) for i in starts)
    elif isinstance(data, Examples):
        starts = range(0, len(data), batch_size)
        batches = (data.take(range(i, min(i + batch_size, len(data)))) for i in starts)
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
