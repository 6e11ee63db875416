"""Samples of a generator, with any weights and from any thread."""

import random
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_egan import backend

__all__ = ["Sampler"]

BATCH = 256


class Sampler:
    """The part of a GAN that runs its generator, without touching the weights that are trained.

    Args:
        network: the generator.

    Example:

    ```python
    sampler = Sampler(generator)
    samples = sampler.run(generator.weights, sampler.latents(64, 32, "uniform", seed=7))
    ```
    """

    def __init__(self, network: keras.Model):
        self._run = backend.compiled(network)

    def latents(self, n: int, length: int, distribution: str, seed: int | None) -> np.ndarray:
        """Returns latents drawn in NumPy, the same on every backend: float32 `(n, length)`."""
        rng = np.random.default_rng(random.randrange(2**31) if seed is None else seed)
        if distribution == "uniform":
            return rng.uniform(-1.0, 1.0, (n, length)).astype("float32")
        return rng.normal(size=(n, length)).astype("float32")

    def run(self, weights: Sequence[Any], latents: np.ndarray) -> np.ndarray:
        """Returns the generator's output with given weights, variables, in inference mode."""
        batches = (latents[i : i + BATCH] for i in range(0, len(latents), BATCH))
        outputs = [ops.convert_to_numpy(self._run(weights, batch)) for batch in batches]
        return np.concatenate(outputs)
