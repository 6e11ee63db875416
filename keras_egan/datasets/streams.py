"""Batches that datasets and loaders give in their own order, prepared for training."""

import copy
import functools
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from keras_egan.datasets.batches import Ordered, Stream
from keras_egan.datasets.loaders import (
    by_index,
    check_labels,
    described,
    images_of,
    is_tf_dataset,
    labels_of,
    length,
    looks_single,
    shape_of,
)
from keras_egan.datasets.passes import Passes
from keras_egan.datasets.preparation import Preparation
from keras_egan.datasets.sources import Samples, channels_last, scaled, take, value_range


def prepared(
    source: Any,
    prepare: Preparation,
    *,
    batch_size: int | None,
    shuffle: bool,
    seed: int,
    drop_remainder: bool,
    horizontal_flip: bool,
    labels: bool = False,
) -> Stream:
    """Return a dataset's or loader's batches, prepared and uint8; arguments as in `load`."""
    size = batch_size or 64
    passes: Any = functools.partial(_batches, source, shuffle, seed)
    single = False
    if is_tf_dataset(source):
        single = looks_single(source.element_spec, "source")
        if single:
            source = source.batch(size, drop_remainder=drop_remainder)
            passes = functools.partial(_batches, source, shuffle, seed)
    elif not (by_index(source) or isinstance(source, keras.utils.PyDataset)):
        passes = Passes(source)
        single = any(looks_single(item, "source") for item in passes.first())
        if single:
            passes.group(size, drop_remainder)
    if not single and (batch_size is not None or drop_remainder):
        raise ValueError(
            f"`batch_size` and `drop_remainder` do not apply: `source`, {described(source)}, "
            "already gives batches. Omit them, and set the batch size in `source`."
        )
    known = isinstance(passes, Passes)
    batches = passes.batches if known else length(source)
    if batches is None and not (known and passes.has_state):
        raise ValueError(
            f"`source`, {described(source)}, has an unknown number of batches. Give it a `len`; "
            "for a `tf.data.Dataset`, use `tf.data.experimental.assert_cardinality`."
        )
    first: Any = None
    if batches != 0:
        first = next(iter(passes.first() if known else passes(0, 0)), None)
    if first is None:
        raise ValueError(f"`source` is empty: {described(source)} that gives no batch.")
    # A dataset that is read by index was found to hold batches, maybe of three images.
    if isinstance(source, keras.utils.PyDataset) and looks_single(first, "source"):
        raise ValueError(
            f"`source`, {described(source)}, gives items of shape {shape_of(images_of(first))}, "
            "which look like single images. Pass batches of shape (batch, height, width, "
            "channels), or a dataset that is read by index."
        )
    if known and single:
        samples = Samples(list(first), prepare, labels)

        def read(items):
            return take(prepare, [samples.convert(item) for item in items], range(len(items)))
    else:
        read = _reader(first, prepare, labels)
    if known:
        passes.read = read
    else:
        passes = _converted(passes, read)
    stream = Stream(passes, batches, seed=seed, horizontal_flip=horizontal_flip)
    # Raises here errors that would otherwise appear in training.
    stream.image_shape = images_of(read(first)).shape[1:]
    return stream


def _converted(passes, read):
    return lambda step, done: map(read, passes(step, done))


def _reader(first: Any, prepare: Preparation, labels: bool) -> Callable[[Any], Any]:
    """Return a function that prepares a batch; the first one gives the range of floats."""
    images = channels_last(images_of(first, "source"))
    bounds = None if images.dtype == np.uint8 else value_range(images)

    def read(batch):
        images = channels_last(images_of(batch, "source"))
        if bounds:
            images = scaled(images, value_range(images, bounds))
        if prepare:
            images = np.stack([prepare(image) for image in images])
        return (images, check_labels(labels_of(batch, "source"), len(images))) if labels else images

    return read


def _batches(source, shuffle, seed, step, done) -> Iterator[Any]:
    if isinstance(source, Ordered):
        batches: Any = copy.copy(source)
        batches.begin(step, done)
        return iter(batches)
    if isinstance(source, keras.utils.PyDataset):
        order = np.arange(len(source))
        if shuffle:
            order = np.random.default_rng([seed, step]).permutation(order)
        return _read(source, order[done:].tolist())
    if is_tf_dataset(source):
        return iter(source.skip(done))
    return map(source.__getitem__, range(done, len(source)))


def _read(dataset, order):
    dataset.on_epoch_begin()
    try:
        yield from map(dataset.__getitem__, order)
    finally:
        dataset.on_epoch_end()
