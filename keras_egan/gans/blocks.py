"""Networks that run on blocks of rows, to bound memory."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from keras import ops

from keras_egan import checks

BATCH = 256
"""The default number of samples or images that go through a network at once."""


def in_blocks(
    function: Callable[..., Any], batch_size: int, shape: Sequence[int], *arrays: Any
) -> np.ndarray:
    """Call a function on blocks of rows, and return its results as float32 of shape `(n, *shape)`.

    The function takes a block of each array, and None for an array that is None. It returns a
    tensor of shape `(rows, *shape)`.
    """
    checks.whole_number(1, batch_size=batch_size)
    found = [np.zeros((0, *shape), "float32")]
    for start in range(0, len(arrays[0]), batch_size):
        rows = slice(start, start + batch_size)
        block = function(*(None if array is None else array[rows] for array in arrays))
        found.append(ops.convert_to_numpy(block).astype("float32"))
    return np.concatenate(found)
