"""Datasets of tensorflow-datasets, by name."""

import math
from typing import Any

import numpy as np

from keras_egan.datasets.preparation import Preparation
from keras_egan.datasets.stream import Stream
from keras_egan.extras import require

__all__ = ["Indexed", "stream", "streamed"]

SHUFFLE_BUFFER = 10_000


class Indexed:
    """The images of a dataset that is read by index, which needs no TensorFlow.

    Args:
        name: as in `load`.
        split: as in `load`.
        data_dir: as in `load`.
        prepare: the `Preparation` that its images are for.

    Raises:
        ValueError: if there is no such dataset, or it has no images, or of several sizes.
    """

    def __init__(self, name: str, split: str, data_dir: Any, prepare: Preparation):
        tfds = _tfds(name)
        self.source = _found(name, lambda: tfds.data_source(name, split=split, data_dir=data_dir))
        _check_features(name, self.source.dataset_info.features, prepare)

    def __len__(self):
        return len(self.source)

    def __getitem__(self, index):
        return self.source[int(index)]["image"]


def stream(name: str, split: str, data_dir: Any, prepare: Preparation, **arguments: Any) -> Stream:
    """Returns batches of a dataset that TensorFlow reads from its beginning on.

    Args:
        name: as in `load`.
        split: as in `load`.
        data_dir: as in `load`.
        prepare: what happens to each image.
        **arguments: as in `streamed`.

    Raises:
        NotImplementedError: if the dataset's files are read by index only.
        ValueError: as in `Indexed`.
    """
    tfds = _tfds(name)
    examples, info = _found(
        name, lambda: tfds.load(name, split=split, data_dir=data_dir, with_info=True)
    )
    _check_features(name, info.features, prepare)
    images = examples.map(lambda example: example["image"])
    if not len(images):
        raise ValueError(f"`source` is empty: {name!r} has no images in its split {split!r}.")
    return streamed(images, prepare, prepare.shape(info.features["image"].shape), **arguments)


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
        images: the dataset, of uint8 tensors of shape `(height, width, channels)`, whose length
            is known.
        prepare: what happens to each image then.
        shape: the shape of a prepared image.
        batch_size: as in `load`.
        shuffle: whether to shuffle anew for each pass, within a buffer of 10,000.
        seed: as in `load`.
        drop_remainder: as in `load`.
        mirror: as in `load`.
    """
    import tensorflow as tf

    def prepared(image):
        return tf.ensure_shape(tf.numpy_function(prepare, [image], tf.uint8), shape)

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


def _check_features(name, features, prepare):
    if "image" not in features:
        raise ValueError(f"{name!r} has no 'image' feature; it has {', '.join(features)}.")
    if None in features["image"].shape[:2] and not prepare.fixes_size:
        raise ValueError(f"The images of {name!r} differ in size. Pass `image_size=`.")


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
