"""Batches of data that can only be read from the beginning."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from keras_egan.datasets.ordered import Ordered


class Stream(Ordered):
    """Batches that are read one after another, pass after pass.

    Any batch can be asked for. One that does not follow the last begins a new pass, which is slow;
    but the last two are kept, because Keras looks at two before it begins.

    Args:
        passes: a function from the number of training steps before a pass, and of its batches to
            leave out, to an iterable of the others, arrays.
        batches: the number of batches in a pass.
        seed: as in `Ordered`.
        mirror: as in `Ordered`.

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
        mirror: bool = False,
    ):
        super().__init__(batches, seed=seed, mirror=mirror)
        self.passes = passes
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

    def __getstate__(self):
        state = self.__dict__.copy()
        for name in ("_reader", "_next", "_last"):
            del state[name]
        return state

    def __setstate__(self, state):
        self.__dict__.update(state)
        self._leave()

    def _leave(self):
        self._reader, self._next = None, None
        self._last: deque[tuple[tuple[int, int], Any]] = deque(maxlen=2)
