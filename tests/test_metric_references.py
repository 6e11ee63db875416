"""The metrics of features, compared with the packages behind published figures."""

import contextlib
import io

import numpy as np
import prdc
import pytest
from sklearn.metrics import pairwise_distances
from sklearn.metrics.pairwise import polynomial_kernel

from keras_egan.metrics import (
    DensityCoverage,
    FrechetDistance,
    InceptionScore,
    KernelDistance,
    PrecisionRecall,
    streams,
)
from tests.conftest import on
from tests.features import measure, rng, softmax

pytestmark = on("torch")

REAL, FAKE = rng().normal(size=(120, 8)), 0.3 + 1.2 * rng(1).normal(size=(100, 8))

# From torch-fidelity 0.4.0, which needs torchvision: `fid_statistics_to_metric` of
# `fid_features_to_statistics`, `prc_features_to_metric` of FAKE and REAL,
# `kid_features_to_metric(FAKE, REAL[:100], kid_subsets=1, kid_subset_size=100)` and
# `isc_features_to_metric(2.0 * rng(2).normal(size=(200, 7)), 10, shuffle=False)`.
TORCH_FIDELITY = {
    "frechet_inception_distance": 1.4152492554131975,
    "kernel_inception_distance_mean": 0.2749246715092144,
    "inception_score_mean": 2.238793035967165,
    "precision": 0.6499999761581421,
    "recall": 0.9166666865348816,
}


def test_the_frechet_distance_of_torch_fidelity():
    expected = TORCH_FIDELITY["frechet_inception_distance"]
    assert measure(FrechetDistance(), FAKE, REAL) == pytest.approx(expected, rel=1e-9)


def test_precision_and_recall_of_torch_fidelity():
    found = measure(PrecisionRecall(k=3), FAKE, REAL)
    for name, value in found.items():  # torch-fidelity's are float32
        assert value == pytest.approx(TORCH_FIDELITY[name], rel=1e-6)


def test_the_kernel_distance_of_torch_fidelity_and_scikit_learn():
    """Compare one subset of all samples: here subsets are disjoint, there they are drawn anew.

    The mean over disjoint subsets is checked in `test_metric_values.py`.
    """

    def by_scikit_learn(x, y):
        xx, yy, xy = (polynomial_kernel(a, b, 3) for a, b in ((x, x), (y, y), (x, y)))
        within = sum((k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in (xx, yy))
        return within - 2.0 * xy.mean()

    x, y = REAL[:100], FAKE
    expected = TORCH_FIDELITY["kernel_inception_distance_mean"]
    assert by_scikit_learn(x, y) == pytest.approx(expected, rel=1e-9)
    parts = [np.array_split(a[rng(seed).permutation(100)], 2) for a, seed in ((x, 0), (y, 1))]
    found = measure(KernelDistance(subsets=2), y, x)["kernel_distance"]
    estimates = [by_scikit_learn(*pair) for pair in zip(*parts, strict=True)]
    assert found == pytest.approx(np.mean(estimates), rel=1e-9)


def test_the_inception_score_of_torch_fidelity():
    """There, a split is a tenth of the samples in a row. Here, samples go to the splits in turn."""
    probabilities = softmax(2.0 * rng(2).normal(size=(200, 7)))
    dealt = probabilities.reshape(10, 20, 7).swapaxes(0, 1).reshape(200, 7)
    expected = TORCH_FIDELITY["inception_score_mean"]
    assert measure(InceptionScore(), dealt) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_precision_recall_density_and_coverage_of_prdc(k, monkeypatch):
    monkeypatch.setattr(streams, "BLOCK_ENTRIES", 1000)
    with contextlib.redirect_stdout(io.StringIO()):
        expected = prdc.compute_prdc(REAL, FAKE, nearest_k=k)
    found = measure(PrecisionRecall(k=k), FAKE, REAL) | measure(DensityCoverage(k=k), FAKE, REAL)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-12)
        assert 0.1 < value < 1.5


def test_balls_reach_to_the_nearest_neighbours_of_scikit_learn():
    distances = np.sort(pairwise_distances(REAL), axis=1)
    np.testing.assert_allclose(streams.squared_radii(REAL, 4), distances[:, 4] ** 2, rtol=1e-9)


def test_density_and_coverage_of_known_points():
    """For k = 1, the balls have radius 1 around 0, 1 and 2 on a line."""
    real = np.array([[0.0], [1.0], [2.0]])
    metric = DensityCoverage(k=1)
    # 0.5 is in two balls, 3.5 in none.
    assert measure(metric, np.array([[0.5], [3.5]]), real) == {
        "density": 1.0,
        "coverage": pytest.approx(2 / 3),
    }
    metric.reset_state()
    assert measure(metric, np.array([[3.0]])) == {"density": 1.0, "coverage": pytest.approx(1 / 3)}
    with pytest.raises(ValueError, match="needs 4 or more real samples; got 3"):
        measure(DensityCoverage(k=3), real, real)
