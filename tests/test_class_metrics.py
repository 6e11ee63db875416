"""Metrics of samples and their requested classes."""

import numpy as np
import pytest
import scipy.linalg

from keras_egan.callbacks import EvaluateSamples
from keras_egan.metrics import ClassAccuracy, ClassFrechetDistance
from tests.conftest import on
from tests.registry import CASES, CONDITIONAL, EAGERLY, given, uint8_images
from tests.test_evaluate_samples import extractor

pytestmark = on("torch")

RNG = np.random.default_rng(0)


def frechet(one, other):
    means, covariances = zip(*((x.mean(0), np.cov(x.T)) for x in (one, other)), strict=True)
    root = scipy.linalg.sqrtm(covariances[0] @ covariances[1]).real
    return np.square(means[0] - means[1]).sum() + np.trace(sum(covariances) - 2 * root)


def test_class_accuracy():
    probabilities = np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]])
    accuracy = ClassAccuracy()
    accuracy.update_state(probabilities, [1, 1, 1])
    accuracy.update_state(probabilities[:2], np.array([1, 0]))
    assert accuracy.result() == 4 / 5
    with pytest.raises(ValueError, match=r"`labels` must go from 0 to 1 .*; got 2"):
        accuracy.update_state(probabilities, [0, 1, 2])
    accuracy.reset_state()
    with pytest.raises(ValueError, match="ClassAccuracy needs 1 or more generated samples"):
        accuracy.result()
    accuracy.update_state(probabilities[1:], [1, 1])
    assert accuracy.result() == 1 / 2


def test_frechet_distance_within_classes():
    real, fake = RNG.normal(size=(60, 3)), RNG.normal(1.0, 2.0, size=(50, 3))
    kinds, asked = np.arange(60) % 2, np.arange(50) % 2
    distance = ClassFrechetDistance()
    for rows in (slice(0, 25), slice(25, None)):
        distance.update_real(real[rows], kinds[rows])
        distance.update_state(fake[rows], asked[rows])
    expected = [frechet(real[kinds == k], fake[asked == k]) for k in (0, 1)]
    np.testing.assert_allclose(list(distance.distances.values()), expected, rtol=1e-6)
    result = distance.result()
    assert result["class_frechet_distance"] == pytest.approx(np.mean(expected), rel=1e-6)
    assert result["worst_class_frechet_distance"] == pytest.approx(max(expected), rel=1e-6)


@pytest.mark.parametrize(
    ("kinds", "asked"),
    [
        ([0, 1, 2, 2] * 8, [0, 1, 0, 1] * 8),  # no sample of class 2
        ([0, 1, 0, 1] * 7 + [0, 1, 2, 2], [0, 1, 2, 1] + [0, 1] * 14),  # one sample of class 2
        ([0, 1, 2, 1] + [0, 1] * 14, [0, 1, 2, 2] * 8),  # one real image of class 2
    ],
)
def test_a_class_of_fewer_than_two_samples_is_left_out(kinds, asked):
    real, fake = RNG.normal(size=(32, 2)), RNG.normal(1.0, 2.0, size=(32, 2))
    kinds, asked = np.array(kinds), np.array(asked)
    distance = ClassFrechetDistance()
    distance.update_real(real, kinds)
    distance.update_state(fake, asked)
    expected = [frechet(real[kinds == k], fake[asked == k]) for k in (0, 1)]
    with pytest.warns(UserWarning, match="leaves out the classes 2, which have fewer than 2 real"):
        result = distance.result()
    assert result["class_frechet_distance"] == pytest.approx(np.mean(expected), rel=1e-6)
    assert result["worst_class_frechet_distance"] == pytest.approx(max(expected), rel=1e-6)
    np.testing.assert_allclose([*distance.distances.values()], [*expected, np.nan], rtol=1e-6)
    assert distance.result() == result  # without a second warning


def test_where_no_class_has_two_samples_the_distance_is_not_a_number():
    distance = ClassFrechetDistance()
    distance.update_real(RNG.normal(size=(2, 2)), [0, 1])
    distance.update_state(RNG.normal(size=(2, 2)), [0, 1])
    with pytest.warns(UserWarning, match="leaves out the classes 0, 1"):
        assert np.isnan([*distance.result().values()]).all()
    distance.reset_state()
    with pytest.raises(ValueError, match="ClassFrechetDistance needs 2 or more generated samples"):
        distance.result()


def test_real_samples_without_a_label_are_ignored():
    real, fake = RNG.normal(size=(40, 2)), RNG.normal(1.0, 2.0, size=(20, 2))
    kinds, asked = np.array([0, -1, 1, -1] * 10), np.arange(20) % 2
    results = []
    for rows in (slice(None), kinds >= 0):
        distance = ClassFrechetDistance()
        distance.update_real(real[rows], kinds[rows])
        distance.update_state(fake, asked)
        assert distance.real.count == 20
        results.append(distance.result())
    assert results[0] == results[1]


def test_they_are_in_the_logs_of_a_conditional_gan():
    gan, network = CONDITIONAL[0].build(**EAGERLY), extractor()
    metrics = [ClassAccuracy(network), ClassFrechetDistance(network)]
    data = given(gan, uint8_images(30))
    measured = EvaluateSamples(data, metrics, samples=40)
    logs = gan.fit(*data, batch_size=10, verbose=0, callbacks=[measured]).history
    labels = gan.labels.drawn(40, None, seed=0)
    features = metrics[0].extract(gan.sample(40, seed=0, labels=labels))
    assert logs["class_accuracy"] == [pytest.approx((features.argmax(1) == labels).mean())]
    real = metrics[0].extract(data[0])
    kinds = np.array(data[1])
    expected = [frechet(real[kinds == k], features[labels == k]) for k in range(3)]
    assert logs["class_frechet_distance"] == [pytest.approx(np.mean(expected), rel=1e-4)]


def test_labels_that_are_missing_end_no_training():
    """The reference has unlabelled images, and a class with a single image."""
    gan, distance = CONDITIONAL[-1].build(**EAGERLY), ClassFrechetDistance(extractor())
    images = uint8_images(30)
    labels = np.array([0, 1, -1] * 9 + [0, 1, 2])
    measured = EvaluateSamples((images, labels), [distance], samples=40)
    with pytest.warns(UserWarning, match="leaves out the classes 2,"):
        logs = gan.fit(
            images, labels, batch_size=10, epochs=2, verbose=0, callbacks=[measured]
        ).history
    assert np.isfinite(logs["class_frechet_distance"]).all()


def test_a_gan_without_labels_is_refused():
    measured = EvaluateSamples(None, [ClassAccuracy(extractor())])
    with pytest.raises(ValueError, match="class_accuracy needs samples of requested classes"):
        CASES[0].build(**EAGERLY).fit(uint8_images(8), verbose=0, callbacks=[measured])
