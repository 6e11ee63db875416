"""Nearest neighbours, compared with all pairs in NumPy."""

import keras
import numpy as np
import pytest

from keras_egan import metrics, pictures
from tests.conftest import on
from tests.registry import float_images, uint8_images

pytestmark = on("torch")

SHAPE = (4, 4, 1)


def expected(samples, images):
    pairs = np.linalg.norm(
        (samples[:, None] - images[None]).reshape(len(samples), len(images), -1), axis=2
    )
    return np.argsort(pairs, axis=1), np.sort(pairs, axis=1)


@pytest.mark.parametrize("batch_size", [1, 7, 100])
def test_against_all_pairs(batch_size):
    samples, images = float_images(3, SHAPE, 1), float_images(20, SHAPE, 2)
    order, distances = expected(samples, images)
    found = metrics.nearest(samples, images, k=4, batch_size=batch_size)
    np.testing.assert_array_equal(found.indices, order[:, :4])
    np.testing.assert_allclose(found.distances, distances[:, :4], rtol=1e-5)
    np.testing.assert_allclose(found.rows[:, 0], samples)
    np.testing.assert_allclose(found.rows[:, 1:], images[order[:, :4]])


def test_bytes_batches_and_one_that_is_remembered():
    images = uint8_images(10, SHAPE)
    samples = images[[7, 2]] / np.float32(127.5) - 1
    batches = [(images[:4], "labels"), (images[4:], "labels")]
    found = metrics.nearest(samples, (batch for batch in batches), k=1)
    np.testing.assert_array_equal(found.indices, [[7], [2]])
    np.testing.assert_allclose(found.distances, 0.0, atol=1e-6)
    np.testing.assert_allclose(found.rows[:, 0], found.rows[:, 1], atol=1e-6)


def test_distances_in_the_space_of_an_extractor():
    """By the means of images, another image would be nearest."""
    images = np.stack([np.full(SHAPE, value, "float32") for value in (0.5, -0.2)])
    sample = np.where(np.arange(16).reshape(1, *SHAPE) % 2, 0.9, 0.2).astype("float32")  # mean 0.55
    sample[..., 0] -= 0.7  # mean -0.15
    extractor = keras.Sequential([keras.layers.GlobalAveragePooling2D()])
    found = metrics.nearest(sample, images, k=2, extractor=extractor)
    np.testing.assert_array_equal(found.indices, [[1, 0]])
    np.testing.assert_allclose(found.distances, [[0.05, 0.65]], atol=1e-5)


def test_vectors():
    found = metrics.nearest(np.array([[0.0, 3.0]]), np.array([[0.0, 0.0], [4.0, 3.0]]), k=2)
    np.testing.assert_allclose(found.distances, [[3.0, 4.0]])
    assert found.rows.shape == (1, 3, 2)


def test_a_picture_of_them(tmp_path):
    from PIL import Image

    found = metrics.nearest(float_images(3, SHAPE), float_images(6, SHAPE, 1), k=2)
    pictures.save_grid(tmp_path / "nearest.png", found.rows)
    with Image.open(tmp_path / "nearest.png") as picture:
        assert picture.size == (12, 12)
        np.testing.assert_array_equal(
            np.asarray(picture), pictures.grid(found.rows.reshape(9, *SHAPE), columns=3)
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 0}, "`k` must be a whole number, 1 or more"),
        ({"k": 7}, "`k` must be at most the number of images, 6; got 7"),
        (
            {"images": float_images(6, (8, 8, 1))},
            r"The samples have features of shape \(64,\) each",
        ),
        ({"samples": float_images(2, SHAPE) + 2}, r"must lie in \[-1, 1\]"),
    ],
)
def test_what_has_no_neighbors_is_refused(arguments, message):
    given = {"samples": float_images(2, SHAPE), "images": float_images(6, SHAPE), **arguments}
    with pytest.raises(ValueError, match=message):
        metrics.nearest(**given)
