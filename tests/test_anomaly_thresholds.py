"""Thresholds of PyThresh, and shares that are numbers of NumPy."""

import copy

import numpy as np
import pytest
from sklearn.base import clone

from keras_egan.anomaly import EnergyDetector
from tests.conftest import on
from tests.oddities import auto_encoder, blurred, noisy

pytestmark = on("torch")


class Quartiles:
    """Stands in for PyThresh's `IQR`, with another reach.

    `thresh_` is of scores that are scaled to [0, 1].
    """

    def __init__(self, reach=0.3):
        self.reach = reach

    def fit(self, scores):
        self.ends = scores.min(), scores.max()
        low, high = np.percentile(self.scaled(scores), [25, 75], method="midpoint")
        self.thresh_ = high + self.reach * (high - low)
        self.labels_ = self.predict(scores)
        return self

    def predict(self, scores):
        return (self.scaled(scores) >= self.thresh_).astype(int)

    def scaled(self, scores):
        low, high = self.ends
        return np.clip((scores - low) / (high - low), 0, 1)


class Three:
    """Finds the three highest scores abnormal, and no threshold, as some of PyThresh's do."""

    thresh_ = None

    def fit(self, scores):
        self.labels_ = self.predict(scores)
        return self

    def predict(self, scores):
        return (scores >= np.sort(scores)[-3]).astype(int)


def detector_of(contamination, images):
    return EnergyDetector(
        auto_encoder(), contamination=contamination, score="norm", epochs=10, batch_size=10
    ).fit(images)


@pytest.fixture(scope="module")
def images():
    return np.concatenate([blurred(96), noisy(4)])


@pytest.fixture(scope="module")
def detector(images):
    return detector_of(Quartiles(), images)


def labels_in_file(detector, images, path):
    """Returns the labels of the network that `save` and `export` write."""
    detector.save(path)
    return EnergyDetector.load(path), EnergyDetector.load(path).scorer_.outputs_of(images, "label")


def test_the_threshold_is_one_of_scores_as_they_are(detector, images):
    scores = detector.decision_scores_
    low, high = np.percentile(scores, [25, 75], method="midpoint")
    assert detector.threshold_ == pytest.approx(high + 0.3 * (high - low), rel=1e-6)
    assert 4 <= detector.labels_.sum() < 30
    np.testing.assert_array_equal(detector.labels_, detector.contamination.labels_)
    others = np.concatenate([blurred(50, seed=3), noisy(50, seed=4)])
    expected = detector.contamination.predict(detector.decision_function(others))
    assert 0 < expected.sum() < 100
    np.testing.assert_array_equal(detector.predict(others), expected)
    labels, confidence = detector.predict(others, return_confidence=True)
    np.testing.assert_array_equal(labels, expected)
    assert 0 <= confidence.min() <= confidence.max() <= 1


@pytest.mark.parametrize("rule", [Quartiles(), Three(), Quartiles(1e3)])
def test_files_have_the_labels_of_the_detector(rule, images, tmp_path):
    """The last rule finds no image abnormal."""
    detector = detector_of(rule, images)
    others = np.concatenate([blurred(50, seed=3), noisy(50, seed=4)])
    loaded, written = labels_in_file(detector, others, tmp_path / "detector.keras")
    np.testing.assert_array_equal(detector.labels_, rule.labels_)
    np.testing.assert_array_equal(loaded.labels_, rule.labels_)
    np.testing.assert_array_equal(loaded.predict(others), detector.predict(others))
    np.testing.assert_array_equal(written, detector.predict(others))
    loaded.fit(images)  # by the share that the rule found
    assert loaded.labels_.sum() == pytest.approx(max(1, rule.labels_.sum()), abs=1)


def test_it_is_calibrated(detector):
    calibrated = copy.copy(detector).calibrate(blurred(199, seed=5), 0.2)
    scores = np.sort(calibrated.decision_function(blurred(199, seed=5)))
    assert calibrated.threshold_ == scores[159]
    assert calibrated.predict(blurred(199, seed=5)).sum() == 39


@pytest.mark.parametrize("share", [np.float32(0.1), np.float16(0.25), np.float64(0.1)])
def test_a_share_may_be_a_number_of_numpy(share, images, tmp_path):
    detector = clone(
        EnergyDetector(auto_encoder(), score="norm", epochs=0, overlap=np.float32(0.5))
    )
    detector.set_params(contamination=share, smoothing=np.float32(1), batch_size=np.int64(8))
    detector.fit(images)
    assert detector.labels_.sum() == round(100 * float(share))
    loaded, written = labels_in_file(detector, images, tmp_path / "detector.keras")
    np.testing.assert_array_equal(loaded.predict(images), detector.predict(images))
    np.testing.assert_array_equal(written, detector.labels_)
    assert loaded.contamination == float(share)
