"""The metrics of generated samples, compared with closed forms and other implementations."""

import keras
import numpy as np
import pytest
import scipy.linalg

from keras_egan.metrics import (
    FrechetDistance,
    InceptionScore,
    KernelDistance,
    MixtureCoverage,
    ModeCoverage,
    PrecisionRecall,
    inception_v3,
    streams,
)
from tests.conftest import on
from tests.features import RING, gaussian, measure, rng, softmax

pytestmark = on("torch")


def test_frechet_distance_of_known_gaussians():
    mean, other = np.array([1.0, -2.0]), np.array([0.5, 3.0])
    diagonal = measure(
        FrechetDistance(),
        gaussian(mean, np.diag([4.0, 9.0])),
        gaussian(other, np.diag([1.0, 0.25]), seed=1),
    )
    assert diagonal == pytest.approx(0.25 + 25.0 + 1.0 + 6.25, abs=1e-9)
    # In two dimensions tr (C C')^(1/2) = (tr C C' + 2 (det C C')^(1/2))^(1/2).
    c, d = np.array([[2.0, 0.9], [0.9, 1.0]]), np.array([[1.0, -0.5], [-0.5, 3.0]])
    overlap = np.sqrt(np.trace(c @ d) + 2.0 * np.sqrt(np.linalg.det(c @ d)))
    skew = measure(FrechetDistance(), gaussian(mean, c), gaussian(other, d, seed=1))
    assert skew == pytest.approx(25.25 + np.trace(c + d) - 2.0 * overlap, abs=1e-9)


def test_frechet_distance_of_the_same_features_is_0():
    features = rng().normal(size=(30, 40))
    assert 0.0 <= measure(FrechetDistance(), features, features) < 1e-5


@pytest.mark.parametrize("samples", [400, 15])
def test_frechet_distance_like_scipy(samples):
    """This includes fewer samples than features, where covariances are singular."""
    real = rng().normal(size=(500, 20)) @ rng(1).normal(size=(20, 20))
    fake = rng(2).normal(size=(samples, 20)) @ rng(3).normal(size=(20, 20)) + 0.5
    covariances = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1])
    shift = real.mean(axis=0) - fake.mean(axis=0)
    expected = shift @ shift + np.trace(covariances[0] + covariances[1] - 2.0 * root).real
    assert measure(FrechetDistance(), fake, real) == pytest.approx(expected, abs=1e-4)


def test_frechet_distance_far_from_the_origin():
    """The mean is so large that sums of squares lose all digits of the variance."""
    metric = FrechetDistance()
    for batch in np.split(gaussian(np.full(3, 1e7), np.diag([1.0, 2.0, 3.0]), n=100), 50):
        metric.update_real(batch)
    result = measure(metric, gaussian(np.full(3, 1e7 + 1.0), np.diag([4.0, 2.0, 3.0])))
    assert result == pytest.approx(3.0 + 1.0, abs=1e-6)


def test_kernel_distance_by_torch_fidelitys_formula():
    real, fake = rng().normal(size=(105, 6)), rng(1).normal(size=(83, 6)) + 0.3

    def unbiased(x, y):
        xx, yy, xy = ((a @ b.T / 6 + 1.0) ** 3 for a, b in ((x, x), (y, y), (x, y)))
        m, n = len(x), len(y)
        return (
            (xx.sum() - np.trace(xx)) / (m * (m - 1))
            + (yy.sum() - np.trace(yy)) / (n * (n - 1))
            - 2.0 * xy.mean()
        )

    parts = [
        np.array_split(samples[rng(seed).permutation(len(samples))], 4)
        for samples, seed in ((real, 7), (fake, 8))
    ]
    estimates = [unbiased(x, y) for x, y in zip(*parts, strict=True)]
    result = measure(KernelDistance(subsets=4, seed=7), fake, real)
    assert list(result) == ["kernel_distance", "kernel_distance_error"]
    assert result["kernel_distance"] == pytest.approx(np.mean(estimates), abs=1e-10)
    error = np.std(estimates, ddof=1) / 2.0
    assert result["kernel_distance_error"] == pytest.approx(error, abs=1e-10)


@pytest.mark.parametrize(("mean", "stddev"), [(0.0, 1.0), (0.3, 1.2)])
def test_kernel_distance_of_known_gaussians(mean, stddev):
    """In one dimension it is sum_j binom(3, j) (E x^j - E y^j)^2, which needs three moments."""
    moments = np.array([mean, mean**2 + stddev**2, mean**3 + 3.0 * mean * stddev**2])
    expected = np.array([3.0, 3.0, 1.0]) @ np.square(moments - [0.0, 1.0, 0.0])
    results = []
    for seed in range(200):
        x, y = rng(seed).normal(size=(2, 200, 1))
        found = measure(KernelDistance(), mean + stddev * y, x)
        results.append(list(found.values()))
    estimates, errors = np.transpose(results)
    spread = estimates.std(ddof=1)
    assert abs(estimates.mean() - expected) < 3.0 * spread / np.sqrt(200)
    assert np.sqrt(np.square(errors).mean()) == pytest.approx(spread, rel=0.2)


def test_kernel_distance_does_not_depend_on_the_order_of_the_data():
    """Data sorted by class must not make subsets of one class each."""
    x = np.sort(rng().normal(size=(400, 1)), axis=0)
    result = measure(KernelDistance(), np.sort(rng(1).normal(size=(400, 1)), axis=0)[::-1], x)
    assert abs(result["kernel_distance"]) < 2.0  # 38 without shuffling


def test_inception_score_of_known_probabilities():
    certain = np.eye(5)[np.arange(100) // 2 % 5]
    assert measure(InceptionScore(splits=2), certain) == pytest.approx(5.0, abs=1e-12)
    assert measure(InceptionScore(splits=2), np.full((10, 4), 0.25)) == pytest.approx(1.0)
    # Half certain of one of two classes, half undecided: log IS = log 2 / 2.
    mixed = np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5], [0.5, 0.5]])
    assert measure(InceptionScore(splits=1), mixed) == pytest.approx(np.sqrt(2.0), abs=1e-12)


def test_inception_score_by_torch_fidelitys_formula():
    probabilities = softmax(3.0 * rng().normal(size=(203, 7)))
    scores = []
    for split in range(10):
        part = probabilities[split::10]
        divergence = part * (np.log(part) - np.log(part.mean(axis=0, keepdims=True)))
        scores.append(np.exp(divergence.sum(axis=1).mean()))
    result = measure(InceptionScore(), probabilities)
    assert result == pytest.approx(np.mean(scores), abs=1e-10)


def test_inception_score_needs_probabilities():
    for bad in (rng().normal(size=(20, 3)), np.full((20, 3), 0.9)):
        with pytest.raises(ValueError, match="End the classifier with a softmax"):
            InceptionScore().update_state(bad)
    with pytest.raises(ValueError, match="needs 10 or more generated samples; got 9"):
        measure(InceptionScore(), np.full((9, 2), 0.5))


@pytest.mark.parametrize("k", [1, 3])
def test_precision_and_recall_by_their_definition(k, monkeypatch):
    monkeypatch.setattr(streams, "BLOCK_ENTRIES", 200)
    real, fake = rng().normal(size=(60, 3)), 0.7 * rng(1).normal(size=(45, 3)) + 0.8

    def share(points, centers):
        def distance(a, b):
            return np.sqrt(np.sum((a - b) ** 2))

        radii = [sorted(distance(c, other) for other in centers)[k] for c in centers]
        inside = [
            any(distance(p, c) <= r for c, r in zip(centers, radii, strict=True)) for p in points
        ]
        return np.mean(inside)

    result = measure(PrecisionRecall(k=k), fake, real)
    assert result == {
        "precision": pytest.approx(share(fake, real), abs=1e-12),
        "recall": pytest.approx(share(real, fake), abs=1e-12),
    }
    assert 0.2 < result["recall"] < result["precision"] < 1.0


def test_precision_and_recall_of_what_is_alike_apart_and_within():
    x = rng().normal(size=(100, 2))
    assert measure(PrecisionRecall(), x, x) == {"precision": 1.0, "recall": 1.0}
    assert measure(PrecisionRecall(), x + 100.0, x) == {"precision": 0.0, "recall": 0.0}
    collapsed = measure(PrecisionRecall(), x[:1] + 1e-3 * rng(1).normal(size=(50, 2)), x)
    assert collapsed["precision"] == 1.0
    assert collapsed["recall"] <= 0.01
    with pytest.raises(ValueError, match="needs 4 or more generated samples; got 3"):
        measure(PrecisionRecall(), x[:3], x)


def test_mode_coverage_of_known_shares():
    metric = ModeCoverage()
    result = measure(metric, np.eye(4)[[0, 0, 0, 1, 1, 3, 3, 3]])
    np.testing.assert_array_equal(metric.shares, [0.375, 0.25, 0.0, 0.375])
    assert result == {
        "modes": 3,
        "mode_kl": pytest.approx(0.75 * np.log(1.5) + 0.25 * np.log(1.0), abs=1e-12),
        "min_share": 0.0,
        "max_share": 0.375,
    }
    even = measure(ModeCoverage(), np.eye(4)[[0, 1, 2, 3]])
    assert even == {"modes": 4, "mode_kl": 0.0, "min_share": 0.25, "max_share": 0.25}
    with pytest.raises(ValueError, match="two or more classes, one per column; got 1"):
        ModeCoverage().update_state(np.ones((3, 1)))


def test_mode_coverage_of_an_even_sampler():
    """The estimate's floor is (modes - 1) / (2 samples)."""
    logits = np.eye(300)[rng().integers(0, 300, 7800)]
    assert measure(ModeCoverage(), logits)["mode_kl"] == pytest.approx(299 / 15_600, rel=0.15)


def test_mixture_coverage_of_known_points():
    points = np.array([[0.0, 0.0], [0.29, 0.0], [0.31, 0.0], [4.0, 0.2], [5.0, 5.0]])
    result = measure(MixtureCoverage([[0.0, 0.0], [4.0, 0.0], [0.0, 9.0]], 0.1), points)
    assert result == {"modes": 2, "high_quality": 0.6}


def test_mixture_coverage_of_the_mixture_itself():
    modes = RING[rng().integers(0, 8, 200_000)]
    points = modes + 0.01 * rng(1).normal(size=modes.shape)
    result = measure(MixtureCoverage(RING, 0.01), points)
    assert result["modes"] == 8
    assert result["high_quality"] == pytest.approx(1.0 - np.exp(-4.5), abs=1e-3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: KernelDistance(subsets=1), "`subsets` must be a whole number, 2 or more; got 1"),
        (lambda: KernelDistance(seed=-1), "`seed` must be a whole number, 0 or more; got -1"),
        (lambda: InceptionScore(splits=0), "`splits` must be a whole number, 1 or more; got 0"),
        (lambda: PrecisionRecall(k=0), "`k` must be a whole number, 1 or more; got 0"),
        (
            lambda: PrecisionRecall().extract(np.ones((4, 2)), batch_size=-1),
            "`batch_size` must be a whole number, 1 or more; got -1",
        ),
        (lambda: MixtureCoverage([1.0, 2.0], 0.1), r"`centers` must have shape .*; got \(2,\)"),
        (lambda: MixtureCoverage(RING, 0.0), "`stddev` must be above 0; got 0.0"),
    ],
)
def test_bad_arguments(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_inception_v3_resizes_in_front_of_keras_own(data_format, monkeypatch):
    asked = {}

    def application(**arguments):
        asked.update(arguments)
        images = keras.Input(arguments["input_shape"])
        pooled = keras.layers.GlobalAveragePooling2D()(images)
        return keras.Model(images, pooled)

    monkeypatch.setattr(keras.applications, "InceptionV3", application)
    keras.config.set_image_data_format(data_format)
    try:
        model = inception_v3()
    finally:
        keras.config.set_image_data_format("channels_last")
    first = data_format == "channels_first"
    assert asked == {
        "include_top": False,
        "weights": "imagenet",
        "input_shape": (3, 299, 299) if first else (299, 299, 3),
        "pooling": "avg",
    }
    colors = np.array([[-1.0, 0.0, 0.5], [1.0, -0.5, 0.25]], "float32")
    pictures = np.broadcast_to(colors[:, None, None], (2, 8, 9, 3))
    pictures = np.moveaxis(pictures, -1, 1) if first else pictures
    features = FrechetDistance(model).extract(pictures)
    np.testing.assert_allclose(features, colors, atol=1e-6)
