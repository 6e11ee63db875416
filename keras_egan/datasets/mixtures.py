"""Mixtures of Gaussians in the plane, whose modes can be counted."""

import itertools
from typing import NamedTuple

import numpy as np


class Mixture(NamedTuple):
    """Equally likely Gaussians of the same variance.

    Attributes:
        centers: array of shape `(modes, dimensions)`.
        stddev: the standard deviation in each dimension.
    """

    centers: np.ndarray
    stddev: float

    def sample(self, n: int, seed: int = 0) -> np.ndarray:
        """Return `n` random points, float32 of shape `(n, dimensions)`, drawn with `seed`."""
        rng = np.random.default_rng(seed)
        centers = self.centers[rng.integers(len(self.centers), size=n)]
        return rng.normal(centers, self.stddev).astype("float32")


def ring() -> Mixture:
    """Return a `Mixture` of 8 Gaussians of standard deviation 0.01 on the unit circle.

    Source: Lin et al., PacGAN, https://arxiv.org/abs/1712.04086, the experiment on 2D-ring.

    Example:

    ```python
    points = ring().sample(100_000, seed=0)
    ```
    """
    angles = np.arange(8) * np.pi / 4
    return Mixture(np.stack([np.cos(angles), np.sin(angles)], axis=1), 0.01)


def grid() -> Mixture:
    """Return a `Mixture` of 25 Gaussians of standard deviation 0.05 at {-4, -2, 0, 2, 4}^2.

    Source: Lin et al., PacGAN, https://arxiv.org/abs/1712.04086, the experiment on 2D-grid.

    Example:

    ```python
    points = grid().sample(100_000, seed=0)
    ```
    """
    side = (-4.0, -2.0, 0.0, 2.0, 4.0)
    return Mixture(np.array(list(itertools.product(side, side))), 0.05)
