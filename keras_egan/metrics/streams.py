"""Statistics of a stream of features: their moments, or the features themselves."""

from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np

BLOCK_ENTRIES = 2**22
"""The most float64 entries of a matrix in memory at once: 32 MiB."""


class Stream:
    """Count samples, and cache a value that was computed from them."""

    def __init__(self):
        self.count = 0
        self._derived = None

    def add(self, features: np.ndarray) -> None:
        """Add a batch, an array of shape `(batch, features)`."""
        self.count += len(features)
        self._derived = None

    def derive(self, compute: Callable[[Self], Any]) -> Any:
        """Return `compute(self)`, from a cache until more samples are added."""
        if self._derived is None:
            self._derived = compute(self)
        return self._derived


class Features(Stream):
    """All the features of a stream."""

    def __init__(self):
        super().__init__()
        self._batches = []

    def add(self, features: np.ndarray) -> None:
        super().add(features)
        self._batches.append(features)

    @property
    def array(self) -> np.ndarray:
        """The features, of shape `(count, features)`, in the order of their addition."""
        self._batches = [np.concatenate(self._batches)]
        return self._batches[0]


class Moments(Stream):
    """Mean and covariance of a stream, in float64.

    Batches are merged by their means and scatter matrices. Unlike sums of squares, these keep their
    precision if the mean is large compared with the deviations.

    Source: Chan, Golub, LeVeque, Updating formulae and a pairwise algorithm for computing sample
    variances, 1979.
    """

    def __init__(self):
        super().__init__()
        self.mean = 0.0
        self._scatter = 0.0

    def add(self, features: np.ndarray) -> None:
        features = np.asarray(features, "float64")
        before = self.count
        super().add(features)
        mean = features.mean(axis=0)
        centered = features - mean
        shift = mean - self.mean
        weight = len(features) / self.count
        self._scatter = (
            self._scatter + centered.T @ centered + before * weight * np.outer(shift, shift)
        )
        self.mean = self.mean + weight * shift

    @property
    def covariance(self) -> np.ndarray:
        """The unbiased covariance, of shape `(features, features)`."""
        return self._scatter / (self.count - 1)


def row_blocks(rows: int, columns: int) -> Iterator[slice]:
    """Yield slices that cut a matrix of this size into blocks of rows of bounded memory."""
    height = max(1, BLOCK_ENTRIES // columns)
    for start in range(0, rows, height):
        yield slice(start, min(start + height, rows))


def squared_distances(x: np.ndarray, y: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield blocks of rows of x, each with its squared distances to all rows of y, in float64."""
    x, y = x.astype("float64"), y.astype("float64")
    y_norms = np.square(y).sum(axis=1)
    for block in row_blocks(len(x), len(y)):
        x_norms = np.square(x[block]).sum(axis=1)
        distances = x_norms[:, None] - 2.0 * x[block] @ y.T + y_norms
        yield block, distances.clip(min=0.0)


def squared_radii(x: np.ndarray, k: int) -> np.ndarray:
    """Return each row's squared distance to its k-th nearest other row."""
    radii = np.empty(len(x))
    for block, distances in squared_distances(x, x):
        rows = np.arange(block.start, block.stop)
        distances[rows - block.start, rows] = np.inf
        radii[block] = np.partition(distances, k - 1, axis=1)[:, k - 1]
    return radii
