"""Batches whose order depends only on the seed and the training step."""

import math
import operator
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import keras
import numpy as np

from keras_egan import checks
from keras_egan.image_format import width_axis


class Ordered(keras.utils.PyDataset):
    """Batches whose order depends only on the seed and on the step at which a pass began.

    A resumed training therefore sees the same batches as an uninterrupted one. A subclass defines
    `read(step, index)`. A copy (`copy.copy`) shares the samples with the original and has its own
    position, which `begin` sets: `fit` moves a copy.

    Args:
        batches: the number of batches in a pass; None if it is unknown, which needs
            `steps_per_epoch`.
        seed: the integer, 0 or more, for everything random.
        horizontal_flip: whether to flip each image, left to right, in half of the passes.
        workers: the number of threads; above 1, they read batches ahead.

    Raises:
        ValueError: if `seed` is below 0.
    """

    image_shape: tuple[int | None, ...] | None = None
    """The shape of one image, if it is known in advance."""

    class_names: tuple[str, ...] | None = None
    """The names of the classes in the order of their labels, if they are known."""

    def __init__(
        self,
        batches: int | None,
        *,
        seed: int = 0,
        horizontal_flip: bool = False,
        workers: int = 1,
    ):
        checks.whole_number(0, seed=seed)
        super().__init__(workers=workers)
        self.batches = batches
        self.seed = seed
        self.horizontal_flip = horizontal_flip
        self.begin(0)

    def begin(self, step: int, done: int = 0, endless: bool = False) -> None:
        """Move to the pass that begins at training step `step`, after its first `done` batches.

        If `endless`, further passes follow.
        """
        if self.batches is None:
            endless = True
        elif endless:  # a pass begins at each multiple of its length
            step, done = step - step % self.batches, done + step % self.batches
        elif done > self.batches:
            raise ValueError(
                f"`done` must be at most the {self.batches} batches of a pass; got {done}. Resume "
                "with the data and the batch size that the training began with."
            )
        self.step, self.done, self.endless = step, done, endless

    @property
    def num_batches(self) -> int | None:
        """The number of remaining batches, or None if they are endless."""
        return None if self.endless else len(self)

    def __len__(self) -> int:
        if self.batches is None:
            raise TypeError("The number of batches is unknown. Pass `steps_per_epoch=` to `fit`.")
        return self.batches - self.done

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        return self.share(index, slice)[0]

    def share(self, index: int, rows: Callable[[int], slice]) -> tuple[tuple[Any, ...], int]:
        """Return the rows `rows(total)` of a batch, as a tuple, and the batch's total of rows."""
        if index < 0 or not (self.endless or index < len(self)):
            raise IndexError(f"batch {index} of {len(self)}")
        step, index = self.step, self.done + index
        if self.batches is not None:
            passes, index = divmod(index, self.batches)
            step += passes * self.batches
        batch, total = self.read_rows(step, index, rows)
        images, *labels = batch if isinstance(batch, tuple) else (batch,)
        if self.horizontal_flip:
            # 1 + index, because lists that differ only in trailing zeros give the same seed.
            draws = np.random.default_rng([self.seed, step, 1 + index])
            chosen = (draws.random(total) < 0.5)[rows(total)]
            images = images.copy()
            images[chosen] = np.flip(images[chosen], width_axis())
        return (images, *labels), total

    def read(self, step: int, index: int) -> Any:
        """Return a batch: images, or a tuple of images and labels.

        Args:
            step: the number of training steps before the pass.
            index: the index of the batch in the pass, from 0.
        """
        raise NotImplementedError

    def read_rows(self, step: int, index: int, rows: Callable[[int], slice]) -> tuple[Any, int]:
        """Return the rows `rows(total)` of the batch from `read`, and its total of rows."""
        batch = self.read(step, index)
        total = len(batch[0] if isinstance(batch, tuple) else batch)
        return keras.tree.map_structure(lambda array: array[rows(total)], batch), total


class Batches(Ordered):
    """Batches from anything that has a length and takes indices, in a new order every pass.

    The order of a pass depends only on `seed` and on the training step at which it begins; see
    `Ordered`. Copies share the samples and have their own positions.

    Args:
        samples: an array, or another object that has a length and that `take` can index.
        batch_size: the number of samples per batch. The last batch may be smaller.
        take: a function from `samples` and an array of indices to the array of a batch.
        shuffle: whether to shuffle.
        seed: the integer, 0 or more, that fixes the order.
        drop_remainder: whether to drop a smaller last batch.
        horizontal_flip: whether to flip each image, left to right, in half of the passes.
        workers: the number of threads; above 1, they read batches ahead.
        labels: an array with one label per sample, for batches of images and labels.

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
        horizontal_flip: bool = False,
        workers: int = 1,
        labels: np.ndarray | None = None,
    ):
        checks.whole_number(1, batch_size=batch_size)
        rounded = math.floor if drop_remainder else math.ceil
        batches = rounded(len(samples) / batch_size)
        if not batches:
            raise ValueError(
                f"`samples` must fill at least one batch; got {len(samples)} samples with "
                f"`batch_size` {batch_size} and `drop_remainder` {drop_remainder}. Add samples, or "
                "lower `batch_size`."
            )
        super().__init__(batches, seed=seed, horizontal_flip=horizontal_flip, workers=workers)
        self.samples = samples
        self.batch_size = batch_size
        self.labels = labels
        self.take = take
        self.shuffle = shuffle
        self.order = None, None

    @property
    def smallest(self) -> int:
        """The number of samples in the last batch, which may be smaller than the others."""
        earlier = ((self.batches or 1) - 1) * self.batch_size
        return min(len(self.samples) - earlier, self.batch_size)

    def read_rows(self, step, index, rows):
        start = index * self.batch_size
        indices = self._order(step)[start : start + self.batch_size]
        own = indices[rows(len(indices))]
        taken = own if len(own) else indices[:1]  # one sample gives an empty batch its shape
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


class Stream(Ordered):
    """Batches that are read sequentially, pass after pass.

    Any batch can be read. One that does not follow the last starts a new pass, which is slow. The
    last two batches are kept, because Keras inspects two before training starts.

    Args:
        passes: a function `(step, done)`: the number of training steps before a pass, and of
            batches to skip in it. It returns an iterable of the other batches, arrays.
        batches: the number of batches in a pass, or None, as in `Ordered`.
        seed: as in `Ordered`.
        horizontal_flip: as in `Ordered`.

    Raises:
        ValueError: if `seed` is below 0; on reading, if a pass has fewer than `batches` batches.

    Example:

    ```python
    stream = Stream(lambda step, done: itertools.islice(loader, done, None), len(loader))
    (first,) = stream[0]
    ```
    """

    def __init__(
        self,
        passes: Callable[[int, int], Iterable],
        batches: int | None,
        *,
        seed: int = 0,
        horizontal_flip: bool = False,
    ):
        super().__init__(batches, seed=seed, horizontal_flip=horizontal_flip)
        self.passes = passes
        self._last: deque[tuple[tuple[int, int], Any]] = deque(maxlen=2)
        self._leave()

    def read(self, step, index):
        for known, batch in self._last:
            if known == (step, index):
                return batch
        if self._next != (step, index):
            self._leave()  # before another pass begins, because memory may not hold two
            self._reader = iter(self.passes(step, index))
        try:
            batch = next(self._reader)
        except StopIteration:
            self._leave()
            raise ValueError(
                f"The data must give {self.batches} batches in every pass; it ended after {index}. "
                "Its `len` must be its true number of batches."
            ) from None
        self._next = step, index + 1
        self._last.append(((step, index), batch))
        if index + 1 == self.batches:
            self._reader = self._next = None  # frees the reader's threads and buffers
        return batch

    def __getstate__(self):  # a copy makes its own reader
        return self.__dict__ | {"_reader": None, "_next": None, "_last": deque(maxlen=2)}

    def _leave(self):
        self._reader = self._next = None
        self._last.clear()
