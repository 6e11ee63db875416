"""Samples of a generator, with any weights and from any thread."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_egan import backend, checks

__all__ = ["BATCH", "Sampler", "in_blocks"]

BATCH = 256
"""How many samples or images go through a network at once by default."""


def in_blocks(
    function: Callable[..., Any], batch_size: int, shape: Sequence[int], *arrays: Any
) -> np.ndarray:
    """Calls a function on blocks of rows, which bounds memory, and joins its results.

    Args:
        function: takes rows of each array, and returns a tensor of shape `(rows, *shape)`.
        batch_size: the largest number of rows in a block.
        shape: the shape of one row of the result.
        *arrays: arrays of n rows each; the function gets None for one that is None.

    Returns:
        float32 array of shape `(n, *shape)`.

    Raises:
        ValueError: if `batch_size` is not a whole number from 1 up.
    """
    checks.whole_number(1, batch_size=batch_size)
    found = [np.zeros((0, *shape), "float32")]
    for start in range(0, len(arrays[0]), batch_size):
        rows = slice(start, start + batch_size)
        block = function(*(None if array is None else array[rows] for array in arrays))
        found.append(ops.convert_to_numpy(block).astype("float32"))
    return np.concatenate(found)


class Sampler:
    """The part of a GAN that runs its generator, without touching the weights that are trained.

    `run(weights, inputs)` returns the generator's output with given weights, in inference mode.

    Args:
        network: the generator.

    Example:

    ```python
    sampler = Sampler(generator)
    samples = sampler.run(generator.weights, sampler.latents(64, 32, "uniform", seed=7))
    ```
    """

    def __init__(self, network: keras.Model):
        self.run = backend.compiled(network)

    def latents(self, n: int, length: int, distribution: str, seed: int | None) -> np.ndarray:
        """Returns latents drawn in NumPy, the same on every backend: float32 `(n, length)`."""
        rng = np.random.default_rng(random.randrange(2**31) if seed is None else seed)
        if distribution == "uniform":
            return rng.uniform(-1.0, 1.0, (n, length)).astype("float32")
        return rng.normal(size=(n, length)).astype("float32")
