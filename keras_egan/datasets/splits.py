"""Parts of data: what is held out, and what is left of a pass."""

import itertools
import math
from typing import Any

from keras_egan.datasets.inputs import is_array
from keras_egan.datasets.loaders import described, is_tf_dataset, length

__all__ = ["split", "without_first"]


def split(data: Any, fraction: float) -> tuple[Any, Any]:
    """Returns the first part of arrays, and the last, which is held out, as Keras's `fit` does.

    Args:
        data: an array or tensor, or a tuple of them, of one length.
        fraction: the share of the last part, in (0, 1).

    Raises:
        ValueError: if `data` is not of arrays, or a part would be empty.
    """
    arrays = data if isinstance(data, tuple) else (data,)
    if not arrays or not all(is_array(array) for array in arrays):
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

    `data` is what `accept` returned, except arrays and `Ordered` datasets; `steps` is the number
    of batches, if `data` does not say.
    """
    if steps is None and (batches := length(data)) is not None:
        steps = batches - count
    if is_tf_dataset(data):
        return data.skip(count), steps
    return (batch for batch in itertools.islice(iter(data), count, None)), steps
