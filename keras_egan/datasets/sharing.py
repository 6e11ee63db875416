"""How data comes to the model: checked, and, where several processes train, each its part of it."""

from collections.abc import Callable
from typing import Any

import keras

from keras_egan.backend import distributed, processes
from keras_egan.datasets import Batches, Ordered, inputs
from keras_egan.datasets.loaders import described, is_tf_dataset

__all__ = ["checked", "evaluated", "held_out", "one_batch", "part", "too_small"]


def checked(
    gan: Any,
    data: Any,
    argument: str,
    steps: int | None = None,
    batch_size: int | None = None,
    smallest_batch: int = 1,
) -> tuple[Any, str | None]:
    """Checks the first batch; returns data that Keras takes, and whose it is.

    Args:
        gan: the `EnergyGAN` that the data is for.
        data: what a user gave.
        argument: the name of the argument that it was given as.
        steps: the number of batches in an epoch, if the data does not say.
        batch_size: the number of images in a batch, where `data` is an array.
        smallest_batch: the fewest images that a batch may have.

    Returns:
        The data; and None, where all processes have the same, an array or an `Ordered` dataset;
        else the kind of data, of which each process has its own.

    Raises:
        ValueError: as in `fit`.
    """
    given = data
    classes = gan.labels.classes if gan.labels else None
    first, data = processes.together(inputs.accept, data, gan.image_shape, argument, steps, classes)
    arrays = inputs.is_array(data) or isinstance(data, tuple)
    rows = min(len(first), batch_size) if arrays and batch_size else len(first)
    if rows < smallest_batch:
        raise ValueError(too_small(gan, rows))
    if is_tf_dataset(data):
        return distributed.divided(data), None
    shared = arrays or isinstance(given, Ordered)
    return data, None if shared else type(given).__name__


def too_small(gan: Any, count: Any) -> str:
    """Returns the error for a batch below a GAN's `smallest_batch`."""
    return (
        f"{type(gan).__name__} needs batches of at least {gan.smallest_batch} images; got "
        f"{count}. If it is the last batch of an epoch, drop it: `drop_remainder=True`."
    )


def one_batch(gan: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Returns the images and labels of `train_on_batch`, checked as the first batch of `fit`."""
    data = inputs.paired(x, y, gan.labels)
    if inputs.is_array(data) or isinstance(data, (list, tuple)):
        data, _ = checked(gan, data, "x", smallest_batch=gan.smallest_batch)
    if not inputs.is_array(data) and not isinstance(data, tuple):
        raise ValueError(
            f"`x` must be one batch of images, an array; got {described(x)}. `fit` and `evaluate` "
            "take datasets."
        )
    return data if isinstance(data, tuple) else (data, None)


def evaluated(
    evaluate: Callable, gan: Any, data: Any, batch_size: int | None, steps: int | None, *args: Any
) -> Any:
    """Calls a GAN's `keras.Model.evaluate`, whose arguments these are, with data that it takes."""
    distributed.check()
    data, kind = checked(gan, data, "x", steps)
    with distributed.feeding(kind):
        data = held_out(data, kind, batch_size or 32)
        arrays = data if isinstance(data, tuple) else (data, None)
        return evaluate(*arrays, batch_size, *args)


def held_out(data: Any, kind: str | None, batch_size: int) -> Any:
    """Returns what Keras's `evaluate` is given; the data and its kind are as `checked` says."""
    images, labels = data if isinstance(data, tuple) else (data, None)
    if not inputs.is_array(images):
        return part(data, kind)
    if not distributed.feeds():
        return data
    return part(Batches(images, batch_size, shuffle=False, labels=labels))


def part(data: Any, kind: str | None = None) -> Any:
    """Returns data of which this process's devices get their rows.

    Args:
        data: a `PyDataset` of tuples of arrays; a `tf.data.Dataset`, which `checked` has divided;
            or a generator.
        kind: None, where all processes have the same `Ordered` dataset of global batches; else
            each process has its own, which gives its share of each batch.
    """
    if not distributed.feeds() or is_tf_dataset(data):
        return data
    if isinstance(data, keras.utils.PyDataset):
        return inputs.Relayed(data, _own_rows if kind is None else _placed_batch)
    return (_placed(batch) for batch in data)  # Keras takes generators, not `map`


def _own_rows(dataset, index):
    return distributed.placed(*dataset.share(index, distributed.own_rows))


def _placed_batch(dataset, index):
    return _placed(dataset[index])


def _placed(batch):
    rows = len(batch[0])
    total = rows * distributed.process_count()
    own = distributed.own_rows(total)
    if own.stop - own.start != rows:
        raise ValueError(
            f"A batch has {rows} images on each process, which its devices cannot share evenly. "
            "Drop the last batch of an epoch, if it is smaller; or give `fit` an array, or what "
            "`datasets.load` returns, which it shares out itself."
        )
    return distributed.placed(batch, total)
