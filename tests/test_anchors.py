"""The distance relative to a Gaussian's: the Gaussian, the two anchors, the errors."""

import numpy as np
import pytest

from keras_egan.metrics import SlicedWassersteinDistance, random_features
from keras_egan.metrics.anchors import AnchoredDistance, gaussian, in_range
from tests.conftest import on

pytestmark = on("torch")


def waves(n, seed):
    """Return uint8 images of two waves with random phases, which have few principal components."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:16, :16] * (2 * np.pi / 16)
    phase, size = rng.uniform(0, 2 * np.pi, (2, n, 1, 1)), rng.uniform(0.2, 1, (n, 1, 1))
    image = size * np.sin(x + phase[0]) * np.cos(2 * y + phase[1])
    return (127.5 + 120 * image[..., None]).astype("uint8")


def test_the_gaussian_has_the_moments_of_the_first_components():
    images = in_range(waves(300, 0))
    flat = images.reshape(300, -1).astype("float64")
    _, spread, directions = np.linalg.svd(flat - flat.mean(0), full_matrices=False)
    samples = gaussian(images, np.random.default_rng(0), 3, 20_000).reshape(20_000, -1)
    assert np.abs(samples).max() < 1.0 or np.mean(np.abs(samples) == 1.0) < 0.01  # hardly clipped
    along = (samples - flat.mean(0)) @ directions[:6].T
    expected = np.array([*spread[:3] / np.sqrt(299), 0.0, 0.0, 0.0])
    np.testing.assert_allclose(along.std(0), expected, rtol=0.03, atol=0.02 * expected[0])
    np.testing.assert_allclose(samples.mean(0), flat.mean(0), atol=0.05)


def test_the_figure_is_a_ratio_of_distances():
    training, held_out = waves(200, 0), waves(60, 1)
    distance = AnchoredDistance(training, held_out, seed=3)
    metric = SlicedWassersteinDistance()
    metric.update_real(in_range(held_out))
    distances = []
    others = in_range(waves(60, 2))
    for samples in (others, distance.gaussian, distance.real):
        metric.reset_state()
        metric.update_state(samples)
        distances.append(metric.result()["swd"])
    assert distance(others) == pytest.approx(distances[0] / distances[1])
    assert distance(distance.gaussian) == 1.0
    assert distance.floor == pytest.approx(distances[2] / distances[1])
    assert distance.floor < 0.7
    assert distance.count == len(distance.gaussian) == len(distance.real) == 60
    # The images of the floor are training images.
    known = {image.tobytes() for image in in_range(training)}
    assert all(image.tobytes() in known for image in distance.real)


def test_more_held_out_images_than_training_images_are_refused():
    with pytest.raises(ValueError, match="as many images as `held_out` or more; got 20 and 30"):
        AnchoredDistance(waves(20, 0), waves(30, 1))


def test_random_features_are_the_same_each_time():
    images = in_range(waves(4, 0))
    first, second = (random_features((16, 16, 1)).predict(images, verbose=0) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.shape == (4, 2 * 2 * 128)


@pytest.mark.parametrize(
    ("shape", "cells", "features"),
    [((64, 64, 3), 4, 16), ((64, 64, 3), 2, 4), ((28, 28, 1), 2, 4), ((48, 96, 3), 2, 8)],
)
def test_random_features_are_of_cells(shape, cells, features):
    assert random_features(shape, cells).output_shape == (None, 128 * features)
