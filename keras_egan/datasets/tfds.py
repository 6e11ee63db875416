"""Datasets of tensorflow-datasets, loaded by name."""

import math
from contextlib import suppress
from typing import Any

import numpy as np

from keras_egan import backend
from keras_egan.datasets.batches import Stream
from keras_egan.datasets.preparation import Preparation
from keras_egan.datasets.sources import Samples
from keras_egan.extras import require

SHUFFLE_BUFFER = 10_000


def indexed(
    name: str, split: str, data_dir: Any, prepare: Preparation, labels: bool
) -> tuple[Samples, tuple[str, ...] | None]:
    """Return a dataset's images, read by index without TensorFlow, and its class names."""
    source = _found("data_source", name, split=split, data_dir=data_dir)
    names = _check_features(name, source.dataset_info.features, prepare, labels)
    return Samples(source, prepare, labels), names


def stream(
    name: str,
    split: str,
    data_dir: Any,
    prepare: Preparation,
    labels: bool,
    *,
    batch_size: int,
    shuffle: bool,
    seed: int,
    drop_remainder: bool,
    horizontal_flip: bool,
) -> Stream:
    """Return batches of a dataset that TensorFlow reads sequentially.

    Raises:
        ValueError: if the split has no images, or lacks a feature or a fixed image size.
        NotImplementedError: if the dataset's files can be read by index only.
    """
    tf = _tensorflow()
    examples, info = _found("load", name, split=split, data_dir=data_dir, with_info=True)
    class_names = _check_features(name, info.features, prepare, labels)
    wanted = ("image", "label") if labels else ("image",)
    images = examples.map(lambda example: tuple(example[feature] for feature in wanted))
    if not len(images):
        raise ValueError(f"`source` is empty: {name!r} has no images in its split {split!r}.")
    shape = prepare.shape(info.features["image"].shape)

    def prepared(image, *label):
        return tf.ensure_shape(tf.numpy_function(prepare, [image], tf.uint8), shape), *label

    buffer = min(SHUFFLE_BUFFER, len(images))

    def shuffled(step):
        order = int(np.random.default_rng([seed, step]).integers(2**31))

        def within(_):
            # The order also depends on the global seed, which is set here for this graph only.
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

    rounded = math.floor if drop_remainder else math.ceil
    batches = Stream(
        passes, rounded(len(images) / batch_size), seed=seed, horizontal_flip=horizontal_flip
    )
    batches.image_shape, batches.class_names = shape, class_names
    return batches


def _check_features(name, features, prepare, labels):
    if "image" not in features:
        raise ValueError(f"{name!r} has no 'image' feature; it has {', '.join(features)}.")
    if None in features["image"].shape[:2] and not prepare.fixes_size:
        raise ValueError(f"The images of {name!r} differ in size. Pass `image_size=`.")
    if not labels:
        return None
    if "label" not in features:
        raise ValueError(
            f"{name!r} has no 'label' feature; it has {', '.join(features)}. Omit `labels`."
        )
    return tuple(getattr(features["label"], "names", None) or ()) or None


def _tensorflow():
    import tensorflow as tf

    # TensorFlow allocates nearly all memory of every visible GPU when it is first used:
    # https://www.tensorflow.org/guide/gpu#limiting_gpu_memory_growth
    if backend.name != "tensorflow":
        with suppress(RuntimeError):  # TensorFlow already runs, perhaps on a GPU on purpose
            tf.config.set_visible_devices([], "GPU")
    return tf


def _found(function, name, **arguments):
    purpose = f"{name!r} is not a folder; loading it as a dataset"
    tfds = require("tensorflow_datasets", "datasets", purpose)
    try:
        return getattr(tfds, function)(name, **arguments)
    except tfds.core.DatasetNotFoundError:
        raise ValueError(
            "`source` must be 'digits', a folder or a dataset of tensorflow-datasets; got "
            f"{name!r}, and there is no such folder. `tensorflow_datasets.list_builders()` lists "
            "the datasets; one of your own needs `data_dir`."
        ) from None  # the original message lists every dataset
