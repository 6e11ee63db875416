"""Batches whose order is a function of the training step."""

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
    """Batches whose order is a function of the seed and of the step at which a pass began.

    A training that is resumed therefore sees what it would have seen. A subclass gives
    `read(step, index)`. A copy (`copy.copy`) shares the samples with the original and has a
    position of its own, which `begin` sets: `fit` moves a copy.

    Args:
        batches: the number of batches in a pass.
        seed: the integer, 0 or more, from which all that is random is drawn.
        horizontal_flip: whether each image is flipped, left to right, in half of the passes.
        workers: threads that read batches ahead, if more than 1.

    Raises:
        ValueError: if `seed` is below 0.
    """

    image_shape: tuple[int | None, ...] | None = None
    """The shape of one image, where it is known beforehand."""

    class_names: tuple[str, ...] | None = None
    """The names of the classes, by their labels, where they are known."""

    def __init__(
        self, batches: int, *, seed: int = 0, horizontal_flip: bool = False, workers: int = 1
    ):
        checks.whole_number(0, seed=seed)
        super().__init__(workers=workers)
        self.batches = batches
        self.seed = seed
        self.horizontal_flip = horizontal_flip
        self.begin(0)

    def begin(self, step: int, done: int = 0, endless: bool = False) -> None:
        """Moves to the pass that begins at training step `step`, after its first `done` batches.

        If `endless`, pass after pass follows.
        """
        if endless:  # passes begin where the number of steps is a multiple of their length
            step, done = step - step % self.batches, done + step % self.batches
        elif done > self.batches:
            raise ValueError(
                f"`done` is {done}, but a pass has {self.batches} batches. Go on with the data, "
                "and the size of batches, that the training began with."
            )
        self.step, self.done, self.endless = step, done, endless

    @property
    def num_batches(self) -> int | None:
        """The number of batches to come, or None if it is endless."""
        return None if self.endless else len(self)

    def __len__(self) -> int:
        return self.batches - self.done

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        return self.share(index, slice)[0]

    def share(self, index: int, rows: Callable[[int], slice]) -> tuple[tuple[Any, ...], int]:
        """Returns `rows(total)` of a batch, in a tuple, and its total of rows."""
        if index < 0 or not (self.endless or index < len(self)):
            raise IndexError(f"batch {index} of {len(self)}")
        passes, index = divmod(self.done + index, self.batches)
        step = self.step + passes * self.batches
        batch, total = self.read_rows(step, index, rows)
        images, *labels = batch if isinstance(batch, tuple) else (batch,)
        if self.horizontal_flip:
            # Lists that differ in their zeros at the end alone would seed alike.
            draws = np.random.default_rng([self.seed, step, 1 + index])
            chosen = (draws.random(total) < 0.5)[rows(total)]
            images = images.copy()
            images[chosen] = np.flip(images[chosen], width_axis())
        return (images, *labels), total

    def read(self, step: int, index: int) -> Any:
        """Returns a batch: images, or a tuple of images and labels.

        Args:
            step: the number of training steps before the pass.
            index: the batch's number in the pass, from 0.
        """
        raise NotImplementedError

    def read_rows(self, step: int, index: int, rows: Callable[[int], slice]) -> tuple[Any, int]:
        """Returns `rows(total)` of what `read` returns, and its total of rows."""
        batch = self.read(step, index)
        total = len(batch[0] if isinstance(batch, tuple) else batch)
        return keras.tree.map_structure(lambda array: array[rows(total)], batch), total


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
        horizontal_flip: whether each image is flipped, left to right, in half of the passes.
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
        horizontal_flip: bool = False,
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
        super().__init__(batches, seed=seed, horizontal_flip=horizontal_flip, workers=workers)
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


class Stream(Ordered):
    """Batches that are read one after another, pass after pass.

    Any batch can be asked for. One that does not follow the last begins a new pass, which is slow;
    but the last two are kept, because Keras looks at two before it begins.

    Args:
        passes: a function from the number of training steps before a pass, and of its batches to
            leave out, to an iterable of the others, arrays.
        batches: the number of batches in a pass.
        seed: as in `Ordered`.
        horizontal_flip: as in `Ordered`.

    Raises:
        ValueError: if `seed` is below 0; when read, if a pass has fewer than `batches` batches.

    Example:

    ```python
    stream = Stream(lambda step, done: itertools.islice(loader, done, None), len(loader))
    (first,) = stream[0]
    ```
    """

    def __init__(
        self,
        passes: Callable[[int, int], Iterable],
        batches: int,
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
            self._leave()  # before another begins: memory may not hold two
            self._reader = iter(self.passes(step, index))
        try:
            batch = next(self._reader)
        except StopIteration:
            self._leave()
            raise ValueError(
                f"The data ended after {index} batches, but had promised {self.batches}: it must "
                "give as many in every pass."
            ) from None
        self._next = step, index + 1
        self._last.append(((step, index), batch))
        if index + 1 == self.batches:
            self._reader = self._next = None  # frees its threads and buffers
        return batch

    def __getstate__(self):  # a copy has a reader of its own
        return self.__dict__ | {"_reader": None, "_next": None, "_last": deque(maxlen=2)}

    def _leave(self):
        self._reader = self._next = None
        self._last.clear()
