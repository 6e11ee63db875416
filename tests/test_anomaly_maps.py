"""Anomaly maps, tiles of larger images, and refused input."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression

from keras_egan import pictures
from keras_egan.anomaly import EnergyDetector, overlay
from keras_egan.anomaly._tiles import Tiles
from tests import registry
from tests.conftest import on
from tests.oddities import auto_encoder, blurred, fitted_detector, noisy

pytestmark = on("torch")


@pytest.fixture(scope="module")
def network():
    return auto_encoder()


@pytest.fixture(scope="module")
def fitted():
    return fitted_detector()


@pytest.mark.parametrize("smoothing", [0, 1.5])
def test_a_map_is_the_smoothed_residual(network, smoothing):
    images = noisy(4)
    detector = EnergyDetector(network, epochs=0, smoothing=smoothing).fit(blurred(20))
    residual = np.abs(images - network.predict(images, verbose=0))[..., 0]
    if smoothing:
        wide = {"sigma": (0, smoothing, smoothing), "mode": "constant", "truncate": 8.0}
        residual = gaussian_filter(residual, **wide) / gaussian_filter(np.ones((4, 8, 8)), **wide)
    np.testing.assert_allclose(detector.anomaly_map(images), residual, atol=1e-5)


def test_larger_images_are_scored_by_tiles(fitted):
    large = np.concatenate([blurred(6, seed=s) for s in (8, 9)], axis=1)
    large = np.concatenate([large, large[:, ::-1]], axis=2)[:, :13]  # 13 x 16
    tiles = [large[:, r : r + 8, c : c + 8] for r in (0, 2, 5) for c in (0, 4, 8)]
    expected = np.max([fitted.decision_function(tile) for tile in tiles], axis=0)
    np.testing.assert_allclose(fitted.decision_function(large), expected, rtol=1e-5)
    odd = large.copy()
    odd[:, 9:12, 10:13] = np.where(odd[:, 9:12, 10:13] > 0, -1, 1)
    maps = fitted.anomaly_map(odd)
    assert maps.shape == (6, 13, 16)
    gain = (maps - fitted.anomaly_map(large)).reshape(6, -1).argmax(axis=1)
    rows, columns = np.divmod(gain, 16)
    assert (np.hypot(rows - 10, columns - 11) <= 3).all()
    detector = EnergyDetector(auto_encoder(), epochs=1, calibration_split=0).fit(large)
    assert detector.decision_scores_.shape == (6,)


def test_tiles_are_put_together_again():
    images = np.random.default_rng(0).uniform(size=(3, 21, 17, 1))
    for overlap in (0.0, 0.5, 0.9):
        tiles = Tiles((21, 17), (8, 6), overlap)
        cut = tiles.cut(images)
        assert cut.shape == (3 * len(tiles), 8, 6, 1)
        np.testing.assert_allclose(tiles.join(cut[..., 0]), images[..., 0], rtol=1e-6)


def test_a_tile_counts_the_more_the_farther_its_edges_are():
    tiles = Tiles((8, 12), (8, 8), 0.5)
    maps = np.stack([np.zeros((8, 8)), np.ones((8, 8))])  # they share columns 4 to 7
    found = tiles.join(maps)[0]
    # Row 3 is 4 pixels from its edge; those columns are 4, 3, 2 and 1 from that of the first tile.
    np.testing.assert_allclose(found[3], [0, 0, 0, 0, 1 / 5, 2 / 5, 3 / 5, 4 / 5, 1, 1, 1, 1])
    np.testing.assert_allclose(found[0, 4:8], 1 / 2)  # the row's own edge is nearer


def test_maps_are_laid_over_images(tmp_path):
    images = np.full((2, 4, 4, 1), -0.5, "float32")
    maps = np.zeros((2, 4, 4), "float32")
    maps[0, 1, 2], maps[1, 3, 3] = 2.0, 1.0
    found = overlay(images, maps)
    assert found.shape == (2, 4, 4, 3)
    np.testing.assert_allclose(found[0, 1, 2], [1, -1, -1])
    np.testing.assert_allclose(found[1, 3, 3], [0.25, -0.75, -0.75])
    np.testing.assert_allclose(found[0, 0, 0], [-0.5, -0.5, -0.5])
    pictures.save_grid(tmp_path / "maps.png", found)
    assert (overlay(images, maps, limit=1.0)[1, 3, 3] == [1, -1, -1]).all()
    with pytest.raises(ValueError, match=r"got \(2, 4, 4, 1\) and \(2, 4\)"):
        overlay(images, maps[..., 0])


@pytest.mark.parametrize(
    ("arguments", "images", "message"),
    [
        ({}, noisy(5)[:, :6], r"`X` gives images of shape \(5, 6, 8, 1\), but .* takes"),
        ({}, noisy(5) * 3, "`X`: float images must lie in"),
        ({}, noisy(5)[0:0], "`X` is empty"),
        ({}, noisy(1), "`X` must hold two images or more"),
        (
            {"calibration_split": 0.2, "contamination": 0.05},
            noisy(37),
            r"`contamination` of 0\.05 needs 38 images or more in `X`, .* got 37",
        ),
        (
            {"calibration_split": 0.6},
            noisy(5),
            "`calibration_split` must be from 0 to 0.5; got 0.6",
        ),
        ({}, np.zeros((5, 8, 8, 1), "uint8"), r"scores of `X` are all equal, .* the same\?"),
        ({"model": "began/digit"}, noisy(5), "`name` must be the name of a preset"),
        ({"model": 3}, noisy(5), "`model` must be a GAN, the name of a preset, an auto-encoder"),
        ({"model": registry.tiny_critic()}, noisy(5), r"must be an auto-encoder .* to shape \(1"),
        ({"model": None}, noisy(5)[0:0], "`X` is empty"),
        ({"model": None}, noisy(5).reshape(5, 64), "`model` must be given for flattened"),
        (
            {"score": "energy"},
            noisy(5),
            "`score` must be one of average, embedding, map, mae.*'energy'",
        ),
        ({"smoothing": -1}, noisy(5), "`smoothing` must be 0 or more; got -1"),
        ({"overlap": 1.0}, noisy(5), r"`overlap` must be from 0 to below 1; got 1\.0"),
        ({"epochs": -1}, noisy(5), "`epochs` must be a whole number, 0 or more; got -1"),
        ({"batch_size": 0}, noisy(5), "`batch_size` must be a whole number, 1 or more; got 0"),
        ({"contamination": 0.7}, noisy(5), r"`contamination` must be in \(0, 0\.5\], .*got 0\.7"),
        ({"contamination": "much"}, noisy(5), r"`contamination` must be .*; got 'much'"),
        ({"contamination": np.float32(0.7)}, noisy(5), r"`contamination` must be .*\(0\.7\)"),
        ({"contamination": LinearRegression}, noisy(5), "`contamination` must be .*got <class"),
    ],
)
def test_bad_input_gets_one_clear_error(network, arguments, images, message):
    detector = EnergyDetector(network, score="norm", epochs=0, calibration_split=0)
    with pytest.raises(ValueError, match=message):
        detector.set_params(**arguments).fit(images)


@pytest.mark.parametrize("case", registry.CONDITIONAL, ids=lambda case: case.name)
def test_a_model_that_takes_labels_is_refused(case):
    gan = case.build()
    models = [gan, gan.discriminator] if hasattr(gan.discriminator, "decoder") else [gan]
    for model in models:
        with pytest.raises(ValueError, match=r"`model` must take images alone, .* `num_classes=`"):
            EnergyDetector(model).fit(noisy(20))


def test_what_is_not_fitted_says_so(network, tmp_path):
    detector = EnergyDetector(network)
    for use in (
        lambda: detector.decision_function(noisy(2)),
        lambda: detector.predict(noisy(2)),
        lambda: detector.anomaly_map(noisy(2)),
        lambda: detector.calibrate(noisy(2)),
        lambda: detector.save(tmp_path / "detector.keras"),
        lambda: detector.export(tmp_path / "detector.onnx", "onnx"),
    ):
        with pytest.raises(NotFittedError, match="EnergyDetector instance is not fitted yet"):
            use()


def test_scoring_refuses_what_fit_does(fitted):
    with pytest.raises(ValueError, match=r"`X` gives images of shape \(2, 6, 6, 1\)"):
        fitted.decision_function(noisy(2)[:, :6, :6])
    with pytest.raises(ValueError, match="`X`: float images must lie in"):
        fitted.predict(noisy(2) * 2)
    with pytest.raises(ValueError, match="`X` is empty"):
        fitted.anomaly_map(noisy(2)[:0])
    for rate in (0, 1, "few"):
        with pytest.raises(ValueError, match=r"`false_alarm_rate` must be in \(0, 1\); got"):
            fitted.calibrate(noisy(9), rate)
