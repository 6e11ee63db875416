"""Thresholds of PyThresh, and shares given as NumPy numbers."""

import copy

import numpy as np
import pytest
from sklearn.base import clone

from keras_egan.anomaly import EnergyDetector, _thresholds
from tests.conftest import on
from tests.oddities import Memory, auto_encoder, blurred, noisy

pytestmark = on("torch")


class Quartiles:
    """Stands in for PyThresh's `IQR`, with another factor.

    `thresh_` is a threshold for scores that are scaled to [0, 1].
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
    """Calls the three highest scores abnormal without a threshold, as some PyThresh rules do."""

    thresh_ = None

    def fit(self, scores):
        self.labels_ = self.predict(scores)
        return self

    def predict(self, scores):
        return (scores >= np.sort(scores)[-3]).astype(int)


def detector_of(contamination, images, split=0):
    return EnergyDetector(
        auto_encoder(),
        contamination=contamination,
        calibration_split=split,
        score="norm",
        epochs=10,
        batch_size=10,
    ).fit(images)


@pytest.fixture(scope="module")
def images():
    return np.concatenate([blurred(96), noisy(4)])


@pytest.fixture(scope="module")
def detector(images):
    return detector_of(Quartiles(), images)


def labels_in_file(detector, images, path):
    """Return the labels of the network that `save` and `export` write."""
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
    loaded.fit(images)  # with the share that the rule found
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
    detector.set_params(
        contamination=share, calibration_split=0, smoothing=np.float32(1), batch_size=np.int64(8)
    )
    detector.fit(images)
    assert detector.labels_.sum() == round(100 * float(share))
    loaded, written = labels_in_file(detector, images, tmp_path / "detector.keras")
    np.testing.assert_array_equal(loaded.predict(images), detector.predict(images))
    np.testing.assert_array_equal(written, detector.labels_)
    assert loaded.contamination == float(share)


def values(n, seed):
    """Return images of independent pixels."""
    return np.random.default_rng(seed).uniform(-1, 1, (n, 2, 2, 1)).astype("float32")


def expected_share(kept, rate):
    """Return the mean and variance of a fit's false-alarm rate, which is beta-distributed.

    A new score is equally likely to have any rank among `kept` others and itself.
    """
    share = np.floor((kept + 1) * rate + 1e-9) / (kept + 1)
    assert rate - 1 / (kept + 1) < share <= rate + 1e-9
    return share, share * (1 - share) / (kept + 2)


@pytest.mark.parametrize("rate", [0.02, 0.05, 0.1, 0.29, 0.5])
@pytest.mark.parametrize("images", [98, 350])
def test_of_unseen_scores_the_promised_share_is_above_the_threshold(images, rate):
    kept = _thresholds.kept_back(images, 0.2, rate)
    assert kept.sum() == max(np.ceil(0.2 * images), np.ceil(1 / rate) - 1)
    scores = np.random.default_rng(images).exponential(size=(4000, images))
    found = [_thresholds.of(row, rate) for row in scores[:, kept]]
    share, variance = expected_share(kept.sum(), rate)
    assert abs(np.exp(-np.array(found)).mean() - share) < 3 * np.sqrt(variance / 4000)


@pytest.mark.parametrize(("images", "rate"), [(60, 0.1), (100, 0.2)])
def test_of_unseen_images_the_promised_share_is_flagged(images, rate):
    """Use a model that has memorised its training images, in 30 fits of other images."""
    shares, kept = [], images // 5
    for seed in range(30):
        detector = EnergyDetector(Memory(images), score="mse", epochs=1, contamination=rate)
        detector.fit(values(images, seed))
        assert (detector.decision_scores_ > 0).sum() == kept
        shares.append(detector.predict(values(200, 1000 + seed)).mean())
    share, variance = expected_share(kept, rate)
    variance += share * (1 - share) / 200
    assert abs(np.mean(shares) - share) < 2 * np.sqrt(variance / 30)


def test_by_training_images_all_unseen_ones_are_flagged():
    """As in PyOD, the threshold is a percentile of the scores of the training images."""
    images = values(100, 0)
    images[:3] *= np.float32(0.5)
    model = Memory(97)  # of the 100; it has forgotten the last three
    detector = EnergyDetector(model, score="mse", epochs=1, calibration_split=0).fit(images)
    assert detector.threshold_ == np.percentile(detector.decision_scores_, 90) == 0
    assert detector.predict(values(200, 1)).mean() == 1


def test_what_is_kept_back_is_drawn_at_random_and_not_learnt():
    model = Memory(100)
    images = np.repeat(np.linspace(-1, 1, 100), 4).reshape(100, 2, 2, 1).astype("float32")
    detector = EnergyDetector(model, score="mse", epochs=1).fit(images)
    kept = np.flatnonzero(detector.decision_scores_)
    assert len(kept) == 20
    assert 30 < kept.mean() < 70
    assert detector.scorer_.tiles == 80
    # An abnormal image among the held-out ones counts as one of the distribution.
    scores = np.sort(detector.decision_scores_[kept])
    assert detector.threshold_ == scores[18]  # of the 20 and one new image, 2 are above or equal
    half = EnergyDetector(model, score="mse", epochs=1, calibration_split=0.5).fit(images)
    assert (half.decision_scores_ > 0).sum() == 50


def test_a_rule_sees_the_scores_of_what_was_kept_back():
    detector = EnergyDetector(Memory(100), score="mse", epochs=1, contamination=Three())
    detector.fit(values(100, 0))
    scores = np.sort(detector.decision_scores_)
    assert detector.threshold_ == pytest.approx((scores[-4] + scores[-3]) / 2)
    assert detector.labels_.sum() == 3


def test_confidence_is_lowest_at_the_threshold():
    detector = EnergyDetector(Memory(200), score="mse", epochs=1).fit(values(200, 0))
    others = values(400, 1)
    distances = np.abs(detector.decision_function(others) - detector.threshold_)
    _, confidence = detector.predict(others, return_confidence=True)
    order = np.argsort(distances)
    assert confidence[order[:20]].mean() < 0.7 < 0.9 < confidence[order[-200:]].mean()


def test_a_file_keeps_the_split(tmp_path):
    detector = EnergyDetector(auto_encoder(), epochs=0, calibration_split=0.3).fit(blurred(40))
    detector.save(tmp_path / "detector.keras")
    loaded = EnergyDetector.load(tmp_path / "detector.keras")
    assert loaded.calibration_split == 0.3
    assert loaded.threshold_ == detector.threshold_
