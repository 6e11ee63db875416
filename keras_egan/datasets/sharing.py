"""How data comes to the model: checked, split, and, of several processes, each its part of it."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import keras

from keras_egan.backend import distributed, processes
from keras_egan.datasets import Batches, Ordered, inputs
from keras_egan.datasets.loaders import described, is_tf_dataset, length


def checked(
    gan: Any,
    data: Any,
    argument: str,
    steps: int | None = None,
    batch_size: int | None = None,
    smallest_batch: int = 1,
) -> tuple[Any, str | None]:
    """Checks the first batch; returns data that Keras takes, and whose it is.

    That is None where all processes have the same data, an array or an `Ordered` dataset; else the
    kind of data, of which each process has its own.
    """
    source = data
    classes = gan.labels.classes if gan.labels else None
    first, data = processes.together(inputs.accept, data, gan.image_shape, argument, steps, classes)
    arrays = isinstance(data, tuple)
    rows = min(len(first), batch_size) if arrays and batch_size else len(first)
    if rows < smallest_batch:
        raise ValueError(too_small(gan, rows))
    if is_tf_dataset(data):
        return distributed.divided(data), None
    shared = arrays or isinstance(source, Ordered)
    return data, None if shared else type(source).__name__


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
    if not isinstance(data, tuple):
        raise ValueError(
            f"`x` must be one batch of images, an array; got {described(x)}. `fit` and `evaluate` "
            "take datasets."
        )
    return data if len(data) == 2 else (*data, None)


def evaluated(
    evaluate: Callable, gan: Any, data: Any, batch_size: int | None, steps: int | None, *args: Any
) -> Any:
    """Calls `keras.Model.evaluate` of a GAN with data that it takes."""
    distributed.check()
    data, kind = checked(gan, data, "x", steps)
    with distributed.feeding(kind):
        data = part(batched(data, batch_size or 32, shuffle=False), kind)
        return evaluate(data, None, batch_size, *args)


def batched(data: Any, batch_size: int, **order: Any) -> Any:
    """Returns a tuple of arrays, images and maybe labels, as `Batches`; other data as it is."""
    if not isinstance(data, tuple):
        return data
    images, *labels = data
    return Batches(images, batch_size, labels=labels[0] if labels else None, **order)


def part(data: Any, kind: str | None = None) -> Any:
    """Returns data, as `checked` returned it with its kind, for this process's devices."""
    if not distributed.feeds() or is_tf_dataset(data):
        return data
    if isinstance(data, keras.utils.PyDataset):
        return inputs.Relayed(data, _own_rows if kind is None else _placed_batch)
    return (_placed(batch) for batch in data)  # Keras takes generators, not `map`


def split(data: Any, fraction: float) -> tuple[Any, Any]:
    """Returns the first part of arrays, and the last, which is held out, as Keras's `fit` does."""
    arrays = data if isinstance(data, tuple) else (data,)
    if not arrays or not all(map(inputs.is_array, arrays)):
        raise ValueError(
            f"`validation_split` holds out a part of an array, but `x` is {described(data)}. Pass "
            "`validation_data=` instead."
        )
    samples = len(arrays[0])
    if not 0 < fraction < 1 or not 0 < (first := math.floor(samples * (1 - fraction))) < samples:
        raise ValueError(
            f"`validation_split` must leave samples on both sides; got {fraction!r} of {samples}. "
            "0.1 holds out a tenth."
        )
    parts = tuple(array[:first] for array in arrays), tuple(array[first:] for array in arrays)
    return parts if isinstance(data, tuple) else (parts[0][0], parts[1][0])


def without_first(data: Any, count: int, steps: int | None = None) -> tuple[Any, int | None]:
    """Returns what is left of a pass after `count` batches, and their number, if it is known.

    `data` is what `checked` returned, except arrays and `Ordered` datasets.
    """
    if steps is None and (batches := length(data)) is not None:
        steps = batches - count
    if is_tf_dataset(data):
        return data.skip(count), steps
    return (batch for batch in itertools.islice(iter(data), count, None)), steps


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
