"""Batches whose order is a function of the seed and of the training step."""

import math

import keras
import numpy as np

from keras_egan import checks

__all__ = ["Batches"]


class Batches(keras.utils.PyDataset):
    """Batches from anything that has a length and takes indices, in a new order every epoch.

    The order of an epoch depends on nothing but `seed` and how many steps the model had been
    trained for when the epoch began, so that a training that is resumed sees what it would have
    seen. `fit` calls `begin`; without it, each pass has the order of the first epoch.

    Args:
        samples: an array, or another object that has a length and that `take` can index.
        batch_size: how many samples are in a batch. The last may be smaller.
        take: a function from `samples` and an array of indices to the array of a batch.
        shuffle: whether to shuffle.
        seed: the integer that fixes the order.
        drop_remainder: whether a last, smaller batch is left out.
        workers: threads that read batches ahead, if more than 1.

    Raises:
        ValueError: if `batch_size` is below 1.

    Example:

    ```python
    batches = Batches(images, batch_size=64, seed=7)
    (first,) = batches[0]
    ```
    """

    def __init__(
        self,
        samples,
        batch_size,
        take=lambda samples, indices: samples[indices],
        shuffle=True,
        seed=0,
        drop_remainder=False,
        workers=1,
    ):
        checks.one_or_more(batch_size=batch_size)
        super().__init__(workers=workers)
        self.samples = samples
        self.batch_size = batch_size
        self.take = take
        self.shuffle = shuffle
        self.seed = seed
        whole = math.floor if drop_remainder else math.ceil
        self.batches = whole(len(samples) / batch_size)
        self.begin(0)

    def begin(self, step, done=0, endless=False):
        """Chooses what comes next.

        Args:
            step: how many training steps came before the epoch.
            done: how many batches of the epoch to leave out.
            endless: whether to go through the samples again and again.
        """
        if endless:  # passes begin where the number of steps is a multiple of their length
            step, done = step - step % self.batches, done + step % self.batches
        self.step, self.done, self.endless = step, done, endless
        self.order = None, None

    @property
    def num_batches(self):
        """The number of batches to come, or None if it is endless."""
        return None if self.endless else len(self)

    def __len__(self):
        return self.batches - self.done

    def __getitem__(self, index):
        if not self.endless and index >= len(self):
            raise IndexError(f"batch {index} of {len(self)}")
        passes, index = divmod(self.done + index, self.batches)
        start = index * self.batch_size
        order = self._order(self.step + passes * self.batches)
        return (self.take(self.samples, order[start : start + self.batch_size]),)

    def _order(self, step):
        known, order = self.order
        if known != step:
            order = np.arange(len(self.samples))
            if self.shuffle:
                order = np.random.default_rng([self.seed, step]).permutation(order)
            self.order = step, order
        return order
