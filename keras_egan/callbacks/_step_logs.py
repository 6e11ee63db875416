"""The metrics of many steps, fetched from the device a hundred steps at a time."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from keras import ops

__all__ = ["StepLogs"]

FETCHED = 100
"""How many steps' metrics stay on the device at most."""


class StepLogs:
    """The metrics of the newest steps, `held` at most; the device need not wait for each."""

    def __init__(self, held: int):
        self._rows: deque[tuple[int, dict[str, float]]] = deque(maxlen=held)
        self._unfetched: list[tuple[int, Mapping[str, Any]]] = []

    def add(self, step: int, logs: Mapping[str, Any]) -> None:
        """Adds a step's metrics, scalars by their names."""
        self._unfetched.append((step, logs))
        if len(self._unfetched) == FETCHED:
            self.fetch()

    def fetch(self) -> "deque[tuple[int, dict[str, float]]]":
        """Returns all that are held, oldest first: pairs of a step and its metrics, floats."""
        for step, logs in self._unfetched:
            metrics = {name: float(ops.convert_to_numpy(logs[name])) for name in sorted(logs)}
            self._rows.append((step, metrics))
        self._unfetched.clear()
        return self._rows

    def clear(self) -> None:
        """Forgets all of them."""
        self._rows.clear()
        self._unfetched.clear()
