"""Batches from samples that are read by index."""

import math
import operator
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_egan import checks
from keras_egan.datasets.ordered import Ordered


class Batches(Ordered):
    """Batches from anything that has a length and takes indices, in a new order every pass.

    The order of a pass depends only on `seed` and on the training step at which it begins; see
    `Ordered`. Copies share the samples and have positions of their own.

    Args:
        samples: an array, or another object that has a length and that `take` can index.
        batch_size: the number of samples in a batch. The last may be smaller.
        take: a function from `samples` and an array of indices to the array of a batch.
        shuffle: whether to shuffle.
        seed: the integer, 0 or more, that fixes the order.
        drop_remainder: whether a last, smaller batch is left out.
        mirror: whether each image is mirrored, left to right, in half of the passes.
        workers: threads that read batches ahead, if more than 1.
        labels: an array of as many labels, for batches of images and labels.

    Raises:
        ValueError: if `batch_size` is below 1, `seed` below 0, or there is no batch.

    Example:

    ```python
    batches = Batches(images, batch_size=64, seed=7)
    (first,) = batches[0]
    ```
    """

    def __init__(
        self,
        samples: Any,
        batch_size: int,
        take: Callable[[Any, np.ndarray], Any] = operator.getitem,
        shuffle: bool = True,
        seed: int = 0,
        drop_remainder: bool = False,
        mirror: bool = False,
        workers: int = 1,
        labels: np.ndarray | None = None,
    ):
        checks.whole_number(1, batch_size=batch_size)
        rounded = math.floor if drop_remainder else math.ceil
        batches = rounded(len(samples) / batch_size)
        if not batches:
            raise ValueError(
                f"`samples` has {len(samples)} samples, which make no batch: `batch_size` is "
                f"{batch_size}, and `drop_remainder` is {drop_remainder}."
            )
        super().__init__(batches, seed=seed, mirror=mirror, workers=workers)
        self.samples = samples
        self.batch_size = batch_size
        self.labels = labels
        self.take = take
        self.shuffle = shuffle
        self.order = None, None

    @property
    def smallest(self) -> int:
        """How many samples are in the last batch, which may be smaller than the others."""
        return min(len(self.samples) - (self.batches - 1) * self.batch_size, self.batch_size)

    def read_rows(self, step, index, rows):
        start = index * self.batch_size
        indices = self._order(step)[start : start + self.batch_size]
        own = indices[rows(len(indices))]
        taken = own if len(own) else indices[:1]  # for the shape of an empty batch
        batch = self.take(self.samples, taken)
        if self.labels is not None:
            batch = batch, self.labels[taken]
        if not len(own):
            batch = keras.tree.map_structure(lambda array: array[:0], batch)
        return batch, len(indices)

    def _order(self, step):
        known, order = self.order
        if known != step:
            order = np.arange(len(self.samples))
            if self.shuffle:
                order = np.random.default_rng([self.seed, step]).permutation(order)
            self.order = step, order
        return order
