"""The anomaly detector, compared with NumPy, and held to PyOD's own checks."""

import copy
import pickle
import subprocess
import sys

import keras
import numpy as np
import pytest
from pyod.models.base import BaseDetector
from pyod.models.knn import KNN
from pyod.models.lscp import LSCP
from pyod.utils.utility import check_detector
from scipy.ndimage import gaussian_filter
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from keras_egan.anomaly import EnergyDetector, _scorer
from keras_egan.extras import command
from tests import registry
from tests.conftest import on
from tests.oddities import auto_encoder, blurred, fitted_detector, noisy
from tests.tiny import began


@pytest.fixture(scope="module")
def network():
    return auto_encoder()


@pytest.fixture(scope="module")
def fitted():
    return fitted_detector()


def pieces(network, images):
    """Return residuals and embeddings by Keras's own `predict`."""
    residuals = images - network.predict(images, verbose=0)
    return residuals.reshape(len(images), -1), network.encoder.predict(images, verbose=0)


def nearest(embeddings, references, leave_out_own=False):
    distances = np.linalg.norm(embeddings[:, None] - references[None], axis=2)
    return np.sort(distances, axis=1)[:, leave_out_own : 5 + leave_out_own].mean(axis=1)


def largest(network, images):
    """Returns the largest mean of the residual's channels within a Gaussian of one pixel."""
    residuals = np.abs(images - network.predict(images, verbose=0)).mean(axis=3)
    wide = {"sigma": (0, 1.0, 1.0), "mode": "constant", "truncate": 8.0}
    maps = gaussian_filter(residuals, **wide) / gaussian_filter(np.ones(residuals.shape), **wide)
    return maps.max(axis=(1, 2))


def test_scores_are_what_they_are_said_to_be(network):
    train, test = blurred(40), noisy(10)
    (errors, places), (test_errors, test_places) = pieces(network, train), pieces(network, test)
    norms, test_norms = np.linalg.norm(errors, axis=1), np.linalg.norm(test_errors, axis=1)
    far, test_far = nearest(places, places, True), nearest(test_places, places)
    expected = {
        "norm": (norms, test_norms),
        "mae": (np.abs(errors).mean(axis=1), np.abs(test_errors).mean(axis=1)),
        "embedding": (far, test_far),
        "map": tuple(largest(network, images) for images in (train, test)),
    }
    parts = [expected[name] for name in ("norm", "embedding", "map")]
    expected["average"] = [
        np.mean([(part[i] - part[0].mean()) / part[0].std() for part in parts], axis=0)
        for i in (0, 1)
    ]
    for score, (own, others) in expected.items():
        detector = EnergyDetector(network, score=score, epochs=0, calibration_split=0).fit(train)
        np.testing.assert_allclose(detector.decision_scores_, own, rtol=1e-4, atol=1e-4)
        found = detector.decision_function(test)
        np.testing.assert_allclose(found, others, rtol=1e-4, atol=1e-4)
        assert found.dtype == np.float64


@on("torch")
def test_the_average_is_the_default_and_the_norm_where_there_is_no_embedding(network):
    assert EnergyDetector(network, epochs=0).fit(blurred(20)).scorer_.score == "average"
    whole = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(1, 3, padding="same")])
    detector = EnergyDetector(whole, epochs=1).fit(blurred(20))
    assert detector.scorer_.score == "norm"
    with pytest.raises(ValueError, match=r"`score='embedding'` needs a model with `encoder`"):
        EnergyDetector(whole, score="embedding").fit(blurred(20))


def test_a_gans_energy_is_the_score():
    gan = began()
    images = registry.uint8_images(30)
    gan.fit(images, batch_size=10, verbose=0)
    detector = EnergyDetector(gan, score="mae").fit(images)  # trained already
    scores = detector.decision_function(images)
    np.testing.assert_allclose(scores, gan.energy(images), rtol=1e-5)
    gan.fit(images, batch_size=10, verbose=0)
    assert np.abs(gan.energy(images) - scores).max() > 1e-3
    np.testing.assert_array_equal(detector.decision_function(images), scores)


@on("torch")
@pytest.mark.parametrize("kind", ["gan", "auto-encoder", "compiled"])
def test_fit_trains_a_copy(kind):
    model = began(rate=0.01) if kind == "gan" else auto_encoder()
    if kind == "compiled":
        model.compile("adam", "mae")
    own = model.discriminator if kind == "gan" else model
    before = own.get_weights()
    detector = EnergyDetector(model, epochs=1, batch_size=10).fit(registry.uint8_images(20))
    assert detector.model is model
    for value, weight in zip(before, own.get_weights(), strict=True):
        np.testing.assert_array_equal(value, weight)
    trained = detector.scorer_.discriminator.get_weights()
    assert any(not np.array_equal(a, b) for a, b in zip(before, trained, strict=True))


@on("torch")
@pytest.mark.parametrize("model", [None, "began/digits"])
def test_networks_are_built_for_the_images(model):
    images = registry.uint8_images(20, (12, 8, 1))
    detector = EnergyDetector(model, epochs=1, batch_size=10).fit(images)
    assert detector.anomaly_map(images).shape == (20, 12, 8)


@on("torch")
def test_it_learns_what_is_normal(fitted):
    test = np.concatenate([blurred(50, seed=2), noisy(50)])
    assert roc_auc_score([0] * 50 + [1] * 50, fitted.decision_function(test)) > 0.95


@on("torch")
def test_without_pyod_all_but_the_detector_is_there():
    said = """
import sys
sys.modules["pyod"] = None
import keras_egan
try:
    keras_egan.anomaly
except ImportError as error:
    print(error)
"""
    found = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert found.stdout.startswith("keras_egan.anomaly needs pyod, which is not installed. ")
    assert command("anomaly") in found.stdout


@on("torch")
def test_pyods_own_checks(fitted):
    """Like PyOD's own tests of each of its detectors, in its `test_*.py`."""
    check_detector(fitted)
    assert isinstance(fitted, BaseDetector)
    images = blurred(30, seed=3)
    for name in ("decision_scores_", "labels_", "threshold_", "_mu", "_sigma"):
        assert getattr(fitted, name) is not None
    assert fitted.decision_scores_.shape == fitted.labels_.shape == (200,)
    assert fitted.labels_.sum() <= 20  # fewer than a tenth, the contamination, unlike in PyOD
    assert fitted.decision_function(images).shape == (30,)
    assert set(fitted.predict(np.concatenate([images, noisy(30)]))) == {0, 1}
    for method in ("linear", "unify"):
        chances = fitted.predict_proba(images, method=method)
        assert chances.shape == (30, 2)
        assert chances.min() >= 0
        np.testing.assert_allclose(chances.sum(axis=1), 1.0)
    with pytest.raises(ValueError, match="not a valid probability"):
        fitted.predict_proba(images, method="something")
    labels, confidence = fitted.predict(images, return_confidence=True)
    assert labels.shape == confidence.shape == (30,)
    assert 0 <= confidence.min() <= confidence.max() <= 1
    ranks = fitted._predict_rank(images, normalized=True)
    assert 0 <= ranks.min() <= ranks.max() <= 1


@on("torch")
def test_scikit_learn_clones_it_and_sets_its_arguments(fitted):
    again = clone(fitted)
    assert not hasattr(again, "scorer_")
    assert again.get_params().keys() == fitted.get_params().keys()
    np.testing.assert_array_equal(again.model.get_weights()[0], fitted.model.get_weights()[0])
    again.set_params(score="norm", contamination=0.25, calibration_split=0).fit(blurred(40))
    assert again.labels_.sum() == 10


@on("torch")
def test_in_pipelines_of_flat_images():
    images = blurred(60)
    flat = images.reshape(60, -1).astype("float64")
    pipeline = make_pipeline(MinMaxScaler((-1, 1)), EnergyDetector(auto_encoder(), epochs=1))
    pipeline.fit(flat)
    assert pipeline.decision_function(flat[:7]).shape == (7,)
    assert set(pipeline.predict(flat)) <= {0, 1}
    members = [EnergyDetector(auto_encoder(), epochs=1), KNN()]
    both = LSCP(members, local_region_size=30, n_bins=2, random_state=0).fit(flat)
    assert both.decision_function(flat[:7]).shape == (7,)


@on("torch")
def test_flat_images_are_images(fitted):
    images = blurred(5, seed=4)
    np.testing.assert_array_equal(
        fitted.decision_function(images.reshape(5, 64)), fitted.decision_function(images)
    )


@on("torch")
@pytest.mark.parametrize("rate", [0.01, 0.05, 0.1])
def test_false_alarms_keep_the_rate(fitted, rate):
    detector = copy.copy(fitted).calibrate(blurred(3000, seed=5), rate)
    found = detector.predict(blurred(3000, seed=6)).mean()
    assert abs(found - rate) < 3 * np.sqrt(rate * (1 - rate) * 2 / 3000)


@on("torch")
def test_all_training_images_are_references(network):
    train, test = blurred(150), noisy(10)
    (_, places), (_, test_places) = pieces(network, train), pieces(network, test)
    detector = EnergyDetector(network, score="embedding", epochs=0, calibration_split=0).fit(train)
    expected = nearest(places, places, True), nearest(test_places, places)
    np.testing.assert_allclose(detector.decision_scores_, expected[0], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(detector.decision_function(test), expected[1], rtol=1e-4, atol=1e-4)


@on("torch")
def test_of_very_many_some_are_references(network, monkeypatch):
    monkeypatch.setattr(_scorer, "MOST_REFERENCES", 9)
    train, test = blurred(41), noisy(10)
    (_, places), (_, test_places) = pieces(network, train), pieces(network, test)
    detector = EnergyDetector(network, score="embedding", epochs=0, calibration_split=0).fit(train)
    expected = nearest(test_places, places[::5])
    np.testing.assert_allclose(detector.decision_function(test), expected, rtol=1e-4, atol=1e-4)


@on("torch")
def test_the_threshold_is_the_conformal_one(fitted):
    images = blurred(99, seed=7)
    scores = np.sort(fitted.decision_function(images))
    assert copy.copy(fitted).calibrate(images, 0.29).threshold_ == scores[70]  # 29 of 100 above
    images = images[:39]
    scores = np.sort(fitted.decision_function(images))
    for rate, place in ((0.025, 38), (0.05, 37), (0.1, 35), (0.5, 19)):
        detector = copy.copy(fitted).calibrate(images, rate)
        assert detector.threshold_ == scores[place]  # of 40 with the next one, rate * 40 lie above
        expected = detector.decision_scores_ > scores[place]
        np.testing.assert_array_equal(detector.labels_, expected)
    with pytest.raises(ValueError, match=r"of 0\.024 needs 41 clean images or more; got 39"):
        detector.calibrate(images, 0.024)


@on("torch")
def test_a_file_holds_no_optimizer(tmp_path):
    model = auto_encoder()
    model.compile("adam", "mse")
    sizes = []
    for epochs in (0, 1):
        EnergyDetector(model, epochs=epochs).fit(blurred(20)).save(tmp_path / "detector.keras")
        assert not EnergyDetector.load(tmp_path / "detector.keras").model.compiled
        sizes.append((tmp_path / "detector.keras").stat().st_size)
    assert sizes[1] == pytest.approx(sizes[0], rel=0.05)
    assert model.compiled


def test_a_file_holds_all_of_it(fitted, tmp_path):
    images = noisy(5)
    fitted.save(tmp_path / "detector.keras")
    found = EnergyDetector.load(tmp_path / "detector.keras")
    for copied in (found, pickle.loads(pickle.dumps(fitted))):
        np.testing.assert_allclose(
            copied.decision_function(images), fitted.decision_function(images), rtol=1e-6
        )
        np.testing.assert_array_equal(copied.labels_, fitted.labels_)
        np.testing.assert_allclose(
            copied.predict_proba(images), fitted.predict_proba(images), rtol=1e-5
        )
        assert copied.threshold_ == pytest.approx(fitted.threshold_, rel=1e-6)
    again = found.fit(blurred(200))  # calibrates the existing auto-encoder
    np.testing.assert_allclose(again.decision_scores_, fitted.decision_scores_, rtol=1e-4)
    auto_encoder().save(tmp_path / "network.keras")
    with pytest.raises(ValueError, match=r"network\.keras is not the file of an EnergyDetector"):
        EnergyDetector.load(tmp_path / "network.keras")
