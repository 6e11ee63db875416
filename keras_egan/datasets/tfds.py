"""Datasets of tensorflow-datasets, by name."""

import math
from contextlib import suppress
from types import ModuleType
from typing import Any

import numpy as np

from keras_egan import backend
from keras_egan.datasets.preparation import Preparation
from keras_egan.datasets.stream import Stream
from keras_egan.extras import require

__all__ = ["Indexed", "stream", "streamed", "tensorflow"]

SHUFFLE_BUFFER = 10_000


class Indexed:
    """The images of a dataset that is read by index, which needs no TensorFlow.

    Args:
        name: as in `load`.
        split: as in `load`.
        data_dir: as in `load`.
        prepare: the `Preparation` that its images are for.
        labels: whether its items are tuples of an image and its label.

    Raises:
        ValueError: if there is no such dataset, or it has no images, or of several sizes.
    """

    def __init__(
        self, name: str, split: str, data_dir: Any, prepare: Preparation, labels: bool = False
    ):
        tfds = _tfds(name)
        self.source = _found(name, lambda: tfds.data_source(name, split=split, data_dir=data_dir))
        features = self.source.dataset_info.features
        self.labels = labels
        self.class_names = _check_features(name, features, prepare, labels)

    def __len__(self):
        return len(self.source)

    def __getitem__(self, index):
        example = self.source[int(index)]
        return (example["image"], example["label"]) if self.labels else example["image"]


def stream(
    name: str,
    split: str,
    data_dir: Any,
    prepare: Preparation,
    labels: bool = False,
    **arguments: Any,
) -> Stream:
    """Returns batches of a dataset that TensorFlow reads from its beginning on.

    Args:
        name: as in `load`.
        split: as in `load`.
        data_dir: as in `load`.
        prepare: what happens to each image.
        labels: as in `load`.
        **arguments: as in `streamed`.

    Raises:
        NotImplementedError: if the dataset's files are read by index only.
        ValueError: as in `Indexed`.
    """
    tfds = _tfds(name)
    tensorflow()
    examples, info = _found(
        name, lambda: tfds.load(name, split=split, data_dir=data_dir, with_info=True)
    )
    names = _check_features(name, info.features, prepare, labels)
    wanted = ("image", "label") if labels else ("image",)
    images = examples.map(lambda example: tuple(example[name] for name in wanted))
    if not len(images):
        raise ValueError(f"`source` is empty: {name!r} has no images in its split {split!r}.")
    shape = prepare.shape(info.features["image"].shape)
    batches = streamed(images, prepare, shape, **arguments)
    batches.class_names = names
    return batches


def streamed(
    images: Any,
    prepare: Preparation,
    shape: tuple[int | None, ...],
    *,
    batch_size: int,
    shuffle: bool,
    seed: int,
    drop_remainder: bool,
    mirror: bool,
) -> Stream:
    """Returns batches of a `tf.data.Dataset` of single images.

    Args:
        images: the dataset, whose length is known, of tuples of a uint8 tensor of shape
            `(height, width, channels)` and, if need be, a label.
        prepare: what happens to each image then.
        shape: the shape of a prepared image.
        batch_size: as in `load`.
        shuffle: whether to shuffle anew for each pass, within a buffer of 10,000.
        seed: as in `load`.
        drop_remainder: as in `load`.
        mirror: as in `load`.
    """
    tf = tensorflow()

    def prepared(image, *label):
        return tf.ensure_shape(tf.numpy_function(prepare, [image], tf.uint8), shape), *label

    buffer = min(SHUFFLE_BUFFER, len(images))

    def shuffled(step):
        order = int(np.random.default_rng([seed, step]).integers(2**31))

        def within(_):
            # The order follows from TensorFlow's own seed too, which is fixed here, and here alone.
            tf.random.set_seed(0)
            return images.shuffle(buffer, seed=order, reshuffle_each_iteration=False)

        return tf.data.Dataset.from_tensors(0).flat_map(within)

    def passes(step, done):
        ordered = shuffled(step) if shuffle else images
        rest = ordered.skip(done * batch_size)
        if prepare:
            rest = rest.map(prepared, num_parallel_calls=tf.data.AUTOTUNE)
        batches = rest.batch(batch_size, drop_remainder=drop_remainder)
        return batches.prefetch(tf.data.AUTOTUNE).as_numpy_iterator()

    whole = math.floor if drop_remainder else math.ceil
    batches = Stream(passes, whole(len(images) / batch_size), seed=seed, mirror=mirror)
    batches.image_shape = tuple(shape)
    return batches


def _check_features(name, features, prepare, labels):
    """Returns the classes' names, where they are wanted and have some."""
    if "image" not in features:
        raise ValueError(f"{name!r} has no 'image' feature; it has {', '.join(features)}.")
    if None in features["image"].shape[:2] and not prepare.fixes_size:
        raise ValueError(f"The images of {name!r} differ in size. Pass `image_size=`.")
    if not labels:
        return None
    if "label" not in features:
        raise ValueError(
            f"{name!r} has no 'label' feature; it has {', '.join(features)}. Leave out `labels`."
        )
    return tuple(getattr(features["label"], "names", None) or ()) or None


def tensorflow() -> ModuleType:
    """Imports TensorFlow, without GPUs where it only reads images for another backend.

    At its first use TensorFlow takes nearly all memory of all GPUs that it sees:
    https://www.tensorflow.org/guide/gpu#limiting_gpu_memory_growth
    """
    import tensorflow as tf

    if backend.name != "tensorflow":
        with suppress(RuntimeError):  # the program has used TensorFlow before, and may mean to
            tf.config.set_visible_devices([], "GPU")
    return tf


def _tfds(name):
    return require(
        "tensorflow_datasets", "datasets", f"{name!r} is not a folder; loading it as a dataset"
    )


def _found(name, find):
    tfds = _tfds(name)
    try:
        return find()
    except tfds.core.DatasetNotFoundError:
        raise ValueError(
            f"`source` is {name!r}, which is neither 'digits', nor a folder, nor a dataset of "
            "tensorflow-datasets. `tensorflow_datasets.list_builders()` lists them; one of your "
            "own needs `data_dir=`."
        ) from None  # its own message lists them all
