"""Samples of a generator, with any weights and from any thread."""

import random
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_egan import backend
from keras_egan.labels import with_labels

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

    def run(
        self, weights: Sequence[Any], latents: np.ndarray, labels: np.ndarray | None = None
    ) -> np.ndarray:
        """Returns the generator's output with given weights, variables, in inference mode."""
        outputs = []
        for start in range(0, len(latents), BATCH):
            rows = slice(start, start + BATCH)
            batch = with_labels(latents[rows], None if labels is None else labels[rows])
            outputs.append(ops.convert_to_numpy(self._run(weights, batch)))
        return np.concatenate(outputs)
