"""The common behaviour of all metrics of generated samples."""

import keras
import numpy as np
import pytest

from keras_egan.metrics import (
    FrechetDistance,
    InceptionScore,
    KernelDistance,
    MixtureCoverage,
    ModeCoverage,
    PrecisionRecall,
    ReferenceMetric,
    _frechet_distance,
)
from tests.conftest import on
from tests.features import extractor, images, measure, rng

METRICS = {
    "frechet_distance": FrechetDistance,
    "kernel_distance": KernelDistance,
    "precision_recall": PrecisionRecall,
    "inception_score": lambda network: InceptionScore(network, splits=3),
    "mode_coverage": ModeCoverage,
    "mixture_coverage": lambda network: MixtureCoverage(rng(5).random((6, 5)), 0.1, network),
}


@pytest.fixture(params=METRICS)
def build(request):
    """Make a metric of images whose extractor gives probabilities of five classes."""
    network = extractor(5, "softmax")
    return lambda: METRICS[request.param](network)


def feed(metric, batch_size, fakes, reals=None):
    updates = [(metric.update_state, fakes)]
    if isinstance(metric, ReferenceMetric):
        updates.append((metric.update_real, images(250, seed=1) if reals is None else reals))
    for update, samples in updates:
        for start in range(0, len(samples), batch_size):
            update(samples[start : start + batch_size])
    return metric.result()


def figures(result):
    return list(result.values()) if isinstance(result, dict) else [result]


@on("torch")
def test_one_batch_is_as_good_as_a_hundred(build):
    whole, pieces = feed(build(), 250, images()), feed(build(), 2, images())
    np.testing.assert_allclose(figures(whole), figures(pieces), rtol=1e-5, atol=1e-7)
    uneven = feed(build(), 37, images())
    np.testing.assert_allclose(figures(whole), figures(uneven), rtol=1e-5, atol=1e-7)


@on("torch")
def test_results_are_numbers_of_python(build):
    metric = build()
    assert all(type(figure) in (int, float) for figure in figures(feed(metric, 100, images())))
    assert metric.variables == []


def test_bytes_floats_and_tensors_are_the_same_images(build):
    floats = images().astype("float32") / 127.5 - 1.0
    expected = feed(build(), 100, images())
    for same in (floats, keras.ops.convert_to_tensor(images()), floats.astype("float64")):
        result = feed(build(), 100, same)
        np.testing.assert_allclose(figures(result), figures(expected), rtol=1e-5, atol=1e-7)


@on("torch")
def test_an_extractor_is_as_good_as_its_features(build):
    metric, by_hand = build(), build()
    features = np.asarray(metric.extractor.predict(images() / 127.5 - 1.0, verbose=0))
    reals = np.asarray(metric.extractor.predict(images(250, 1) / 127.5 - 1.0, verbose=0))
    by_hand.extractor = None
    np.testing.assert_allclose(
        figures(feed(by_hand, 200, features, reals)),
        figures(feed(metric, 200, images())),
        rtol=1e-5,
        atol=1e-7,
    )


@on("torch")
def test_reset_state_forgets_the_fakes_only(build):
    metric, fresh = build(), build()
    feed(metric, 100, images(seed=7))
    metric.reset_state()
    with pytest.raises(ValueError, match=r"needs \d+ or more generated samples; got 0"):
        metric.result()
    metric.update_state(images())
    expected = feed(fresh, 200, images())
    np.testing.assert_allclose(figures(metric.result()), figures(expected), rtol=1e-9)


@on("torch")
def test_a_result_follows_later_samples(build):
    metric = build()
    feed(metric, 100, images()[:100])
    if isinstance(metric, ReferenceMetric):
        metric.update_real(images(50, seed=9))
    metric.update_state(images()[100:])
    reals = np.concatenate([images(250, seed=1), images(50, seed=9)])
    expected = feed(build(), 300, images(), reals)
    np.testing.assert_allclose(figures(metric.result()), figures(expected), rtol=1e-5, atol=1e-7)


@on("torch")
def test_a_callers_array_may_be_used_again():
    features = rng().random((20, 3))
    metric, copy = PrecisionRecall(), PrecisionRecall()
    copy.update_real(features.copy())
    metric.update_real(features)
    features += 5.0
    assert measure(metric, features) == measure(copy, features)


@on("torch")
def test_half_precision_features():
    """A half-precision mean over a few thousand samples would lose all digits."""
    network = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, dtype="mixed_bfloat16")])
    features = np.asarray(network.predict(rng().normal(size=(3000, 3)), verbose=0)).astype("f4")
    assert FrechetDistance(network).extract(np.zeros((2, 3))).dtype == "float32"
    metric = FrechetDistance(network)
    metric.update_real(rng().normal(size=(3000, 3)))
    np.testing.assert_allclose(metric.real.mean, features.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(metric.real.covariance, np.cov(features.T), atol=1e-3)


@on("torch")
def test_the_reference_is_computed_once(monkeypatch):
    calls = []
    root = _frechet_distance._root
    monkeypatch.setattr(_frechet_distance, "_root", lambda real: calls.append(1) or root(real))
    metric = FrechetDistance()
    metric.update_real(rng().normal(size=(20, 3)))
    for seed in range(3):
        metric.reset_state()
        measure(metric, rng(seed).normal(size=(20, 3)))
    assert len(calls) == 1
    metric.reset_real()
    with pytest.raises(ValueError, match="needs 2 or more real samples; got 0"):
        metric.result()


@on("torch")
@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros((0, 4, 4, 1)), r"`samples` is empty: its shape is \(0, 4, 4, 1\)"),
        (np.full((3, 4, 4, 1), 200.0), r"must lie in \[-1, 1\]; got 200 to 200"),
        (np.full((3, 4, 4, 1), np.nan), "3 of the 3 samples hold NaN"),
        (np.zeros((3, 4, 4, 1), "int64"), "must give uint8 or float images"),
    ],
)
def test_bad_samples(samples, message):
    with pytest.raises(ValueError, match=message):
        FrechetDistance(extractor()).update_state(samples)


@on("torch")
def test_images_need_an_extractor():
    with pytest.raises(ValueError, match=r"`samples` must have shape \(batch, features\); got .*"):
        ModeCoverage().update_state(images())


@on("torch")
def test_extractors_that_return_something_else():
    inputs = keras.Input((4, 4, 1))
    for outputs, got in ((inputs * 2, r"shape \(3, 4, 4, 1\)"), ([inputs, inputs], "list")):
        with pytest.raises(ValueError, match=f"outputs must have shape .* got {got}.* Flatten"):
            FrechetDistance(keras.Model(inputs, outputs)).update_real(images(3))
    overflow = keras.Model(inputs, keras.layers.Flatten()(inputs) / 0.0)
    with pytest.raises(ValueError, match="features hold NaN or infinite values"):
        FrechetDistance(overflow).update_real(images(3))


@on("torch")
def test_features_of_another_size():
    metric = FrechetDistance()
    metric.update_real(np.zeros((3, 4)))
    with pytest.raises(
        ValueError, match=r"of shape \(5,\) each, but frechet_distance .* given \(4,\)"
    ):
        metric.update_state(np.zeros((3, 5)))
