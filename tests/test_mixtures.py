"""The mixtures of Gaussians: number of modes, centres and samples."""

import numpy as np
import pytest

from keras_egan import datasets
from tests.conftest import on

pytestmark = on("torch")


@pytest.mark.parametrize(("mixture", "modes"), [(datasets.ring(), 8), (datasets.grid(), 25)])
def test_mixtures(mixture, modes):
    assert len(np.unique(mixture.centers.round(6), axis=0)) == modes  # none counted twice
    points = mixture.sample(20_000, seed=1)
    assert points.dtype == np.float32
    distances = np.linalg.norm(points[:, None] - mixture.centers, axis=2)
    shares = np.bincount(distances.argmin(1), minlength=modes) / len(points)
    np.testing.assert_allclose(shares, 1 / modes, atol=0.01)
    # In the plane, 1 - exp(-4.5) of a Gaussian lies within 3 standard deviations.
    within = (distances.min(1) < 3 * mixture.stddev).mean()
    assert within == pytest.approx(1 - np.exp(-4.5), abs=3e-3)
    np.testing.assert_array_equal(points, mixture.sample(20_000, seed=1))


def test_the_radius_of_the_ring_and_the_sides_of_the_grid():
    np.testing.assert_allclose(np.linalg.norm(datasets.ring().centers, axis=1), 1.0)
    assert {*datasets.grid().centers.ravel()} == {-4.0, -2.0, 0.0, 2.0, 4.0}
