"""Networks run on blocks of rows, which bounds memory."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from keras import ops

from keras_egan import checks

BATCH = 256
"""How many samples or images go through a network at once by default."""


def in_blocks(
    function: Callable[..., Any], batch_size: int, shape: Sequence[int], *arrays: Any
) -> np.ndarray:
    """Calls a function on blocks of rows of arrays, or None; returns float32 `(n, *shape)`.

    The function returns a tensor of shape `(rows, *shape)`.
    """
    checks.whole_number(1, batch_size=batch_size)
    found = [np.zeros((0, *shape), "float32")]
    for start in range(0, len(arrays[0]), batch_size):
        rows = slice(start, start + batch_size)
        block = function(*(None if array is None else array[rows] for array in arrays))
        found.append(ops.convert_to_numpy(block).astype("float32"))
    return np.concatenate(found)
