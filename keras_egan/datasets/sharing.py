"""Steps between the user's data and the model: check, split, and share between processes."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import keras

from keras_egan.backend import distributed, processes
from keras_egan.datasets import Batches, Ordered, inputs
from keras_egan.datasets.examples import Examples
from keras_egan.datasets.loaders import described, is_array, is_tf_dataset, length


def checked(
    gan: Any,
    data: Any,
    argument: str,
    steps: int | None = None,
    batch_size: int | None = None,
    smallest_batch: int = 1,
) -> tuple[Any, str | None]:
    """Check the first batch; return data in a form that Keras takes, and its kind.

    The kind is None if all processes have the same data: an array or an `Ordered` dataset. Else it
    is the name of the data's type, and each process has data of its own.
    """
    source = data
    classes = gan.labels.classes if gan.labels else None
    accepted = data, gan.image_shape, argument, steps, classes, batch_size
    first, data = processes.together(inputs.accept, *accepted)
    arrays = isinstance(data, tuple)
    rows = min(len(first), batch_size) if arrays and batch_size else len(first)
    if rows < smallest_batch:
        raise ValueError(too_small(gan, rows))
    if is_tf_dataset(data):
        return distributed.divided(data), None
    shared = arrays or isinstance(data, Examples) or isinstance(source, Ordered)
    return data, None if shared else type(source).__name__


def too_small(gan: Any, count: Any) -> str:
    """Return the error message for a batch below a GAN's `smallest_batch`."""
    return (
        f"{type(gan).__name__} needs batches of at least {gan.smallest_batch} images; got "
        f"{count}. If this is an epoch's last batch, drop it: "
        "`datasets.load(..., drop_remainder=True)`."
    )


def one_batch(gan: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Return the images and labels of `train_on_batch`, checked like the first batch of `fit`."""
    data = inputs.paired(x, y, gan.labels)
    if is_array(data) or isinstance(data, (list, tuple)):
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
    """Call a GAN's `keras.Model.evaluate` with data in a form that Keras takes."""
    distributed.check()
    data, kind = checked(gan, data, "x", steps, batch_size)
    with distributed.feeding(kind):
        data = part(batched(data, batch_size or 32, shuffle=False), kind)
        return evaluate(data, None, batch_size, *args)


def batched(data: Any, batch_size: int, **order: Any) -> Any:
    """Return arrays in a tuple, images and maybe labels, or `Examples`, as `Batches`.

    Other data is returned as it is.
    """
    if isinstance(data, Examples):
        return Batches(data, batch_size, take=Examples.take, **order)
    if not isinstance(data, tuple):
        return data
    images, *labels = data
    return Batches(images, batch_size, labels=labels[0] if labels else None, **order)


def part(data: Any, kind: str | None = None) -> Any:
    """Return this process's part of the data; data and kind are as `checked` returned them."""
    if not distributed.feeds() or is_tf_dataset(data):
        return data
    if isinstance(data, keras.utils.PyDataset):
        return inputs.Relayed(data, _own_rows if kind is None else _placed_batch)
    return (_placed(batch) for batch in data)  # Keras takes generators, not `map`


def split(data: Any, fraction: float) -> tuple[Any, Any]:
    """Split arrays into a training part and a held-out last part, as Keras's `fit` does."""
    arrays = data if isinstance(data, tuple) else (data,)
    if not arrays or not all(map(is_array, arrays)):
        raise ValueError(
            f"`validation_split` needs arrays; `x` is {described(data)}. Pass `validation_data=` "
            "instead."
        )
    samples = len(arrays[0])
    if not 0 < fraction < 1 or not 0 < (first := math.floor(samples * (1 - fraction))) < samples:
        raise ValueError(
            f"`validation_split` must leave samples on both sides; got {fraction!r} of {samples} "
            "samples. 0.1 holds out a tenth."
        )
    parts = tuple(array[:first] for array in arrays), tuple(array[first:] for array in arrays)
    return parts if isinstance(data, tuple) else (parts[0][0], parts[1][0])


def without_first(data: Any, count: int, steps: int | None = None) -> tuple[Any, int | None]:
    """Return the rest of a pass after `count` batches, and its number of batches, if known.

    `data` is as `checked` returned it, and neither an array nor an `Ordered` dataset.
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
            f"The devices of a process cannot evenly share its batch of {rows} images. Drop the "
            "epoch's last batch if it is smaller; or give `fit` an array, or the result of "
            "`datasets.load`: `fit` shares these out itself."
        )
    return distributed.placed(batch, total)
