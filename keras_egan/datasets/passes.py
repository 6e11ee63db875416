"""Passes through loaders, from the exact batch if the loader has a state."""

import copy
import itertools
from collections.abc import Callable, Iterator
from typing import Any

from keras_egan.datasets.loaders import length


class Passes:
    """The passes of a `Stream` through a dataset or loader that is iterated, not indexed.

    Some loaders have a state: `state_dict` and `load_state_dict`, as those of torchdata, MosaicML
    and Hugging Face, or iterators with `get_state` and `set_state`, as Grain's. A `Backup` keeps
    the state after the last batch that was trained on, which is not the last one that was read.

    `read` is a function from an item of the source to a batch; after `group`, from a list of items.
    """

    def __init__(self, source: Any, read: Callable[[Any], Any] = lambda item: item):
        self.source = source
        self.read = read
        self.keeping = False
        self.states: dict[int, Any] = {}  # by the number of training steps
        self.has_state = self._of_loader = _loads(source)
        self._once = hasattr(source, "__next__")
        self._size: int | None = None
        self._drop_remainder = False
        self.initial = source.state_dict() if self._of_loader else None
        if self._once:
            self.initial = source.get_state()

    def group(self, batch_size: int, drop_remainder: bool = False) -> None:
        """Make batches of so many items, which are single images."""
        self._size, self._drop_remainder = batch_size, drop_remainder

    @property
    def batches(self) -> int | None:
        """The number of batches in a pass, if it is known."""
        items = length(self.source)
        if items is None or not self._size:
            return items
        return items // self._size if self._drop_remainder else -(-items // self._size)

    def first(self) -> list:
        """Return the first batch, unread, in a list; an empty list if there is none.

        The first pass of an iterator begins with it again; a loader begins a new pass.
        """
        found = list(itertools.islice(self._grouped(self._from(None)), 1))
        self._iterator = None  # frees its threads
        if self._once:
            self.source.set_state(self.initial)
        return found

    def __call__(self, step: int, done: int) -> Iterator[Any]:
        position = step + done
        state = self.states.get(position)
        items = self._begin(state)
        if state is None and self.batches is not None:
            items = itertools.islice(items, done * (self._size or 1), None)
        while True:
            count = 0
            for batch in self._grouped(items):
                position, count = position + 1, count + 1
                if self.has_state and (self.keeping or done + count == self.batches):
                    self._keep(position)
                yield self.read(batch)
            if self.batches is not None or not count or self._once:
                return
            if self.has_state:
                self._keep(position)
            items = self._begin(self.states.get(position))

    def forget(self, position: int) -> None:
        """Forget the states from before a training step."""
        for earlier in [known for known in list(self.states) if known < position]:
            self.states.pop(earlier, None)

    def _begin(self, state):
        """Return an iterator from a state; after the end of a pass, of the next pass.

        Passes begin in the same way in a resumed training, so that their order is the same too.
        """
        items = self._from(state)
        first = list(itertools.islice(items, 1))
        if first or state is None or self._once:
            return itertools.chain(first, items)
        # At the end of a pass, torchdata needs its own newest state, MosaicML and Grain only a new
        # iterator, and Hugging Face the state from before the first pass.
        newest = self.source.state_dict() if self._of_loader else None
        for following in (newest, None, self.initial):
            items = self._from(following)
            if first := list(itertools.islice(items, 1)):
                break
        return itertools.chain(first, items)

    def _from(self, state):
        if state is not None and self._of_loader:
            self.source.load_state_dict(state)
        self._iterator: Any = iter(self.source)
        self.has_state = self._of_loader or hasattr(self._iterator, "set_state")
        if state is not None and not self._of_loader:
            self._iterator.set_state(state)
        return self._iterator

    def _grouped(self, items):
        if not self._size:
            return items
        groups = iter(lambda: list(itertools.islice(items, self._size)), [])
        least = self._size if self._drop_remainder else 1
        return (group for group in groups if len(group) >= least)

    def _keep(self, position):
        if not self.keeping:
            self.states.clear()
        state = self.source.state_dict() if self._of_loader else self._iterator.get_state()
        self.states[position] = copy.deepcopy(state)  # some loaders go on changing it


def _loads(source):
    return hasattr(source, "load_state_dict") and hasattr(source, "state_dict")
