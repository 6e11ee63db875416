"""Many images in one picture."""

import keras
import numpy as np
import pytest
from PIL import Image

from keras_egan import pictures
from tests.conftest import on

pytestmark = on("torch")


def numbered(n, shape=(2, 3, 1)):
    """Return images of one value each: 10, 20, ... as a byte."""
    values = 10.0 * np.arange(1, n + 1) / 127.5 - 1
    return np.broadcast_to(values.reshape(-1, 1, 1, 1), (n, *shape)).astype("float32")


def test_rows_are_filled_from_the_left():
    found = pictures.grid(numbered(5), columns=3)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found[::2, ::3], [[10, 20, 30], [40, 50, 0]])
    assert found.shape == (4, 9)
    np.testing.assert_array_equal(np.repeat(np.repeat(found[::2, ::3], 2, 0), 3, 1), found)


def test_bytes_are_shown_as_they_are():
    images = np.random.default_rng(0).integers(0, 256, (5, 4, 6, 3), "uint8")
    expected = np.zeros((8, 18, 3), "uint8")
    for index, image in enumerate(images):
        row, column = divmod(index, 3)
        expected[4 * row : 4 * row + 4, 6 * column : 6 * column + 6] = image
    np.testing.assert_array_equal(pictures.grid(images), expected)
    with pytest.raises(ValueError, match="`images` must be float or uint8; got int64"):
        pictures.grid(images.astype("int64"))


@pytest.mark.parametrize(("n", "rows", "columns"), [(1, 1, 1), (2, 1, 2), (9, 3, 3), (10, 3, 4)])
def test_the_picture_is_about_square(n, rows, columns):
    assert pictures.grid(numbered(n)).shape == (2 * rows, 3 * columns)


def test_colors_and_rounding():
    rng = np.random.default_rng(0)
    shades = rng.integers(-20, 276, (2, 4, 5, 3))  # some beyond white and black
    images = (shades + rng.uniform(-0.4, 0.4, shades.shape)) / 127.5 - 1
    found = pictures.grid(images.astype("float32"), columns=1)
    np.testing.assert_array_equal(found, shades.clip(0, 255).reshape(8, 5, 3))


def test_channels_first(monkeypatch):
    monkeypatch.setattr(keras.config, "image_data_format", lambda: "channels_first")
    images = np.random.default_rng(0).uniform(-1, 1, (2, 3, 4, 5)).astype("float32")
    first = pictures.grid(images)
    monkeypatch.undo()
    np.testing.assert_array_equal(first, pictures.grid(images.transpose(0, 2, 3, 1)))


def test_a_file_of_them(tmp_path):
    images = keras.ops.convert_to_tensor(numbered(4, (8, 8, 3)))
    pictures.save_grid(tmp_path / "new" / "grid.png", images)
    with Image.open(tmp_path / "new" / "grid.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), pictures.grid(images))
    with pytest.raises(ValueError, match="unknown file extension"):
        pictures.save_grid(tmp_path / "grid.none", images)
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


@pytest.mark.parametrize("shape", [(2, 3, 1), (0, 2, 3, 1), (1, 2, 3, 2)])
def test_what_is_no_batch_of_images_is_refused(shape):
    with pytest.raises(
        ValueError, match=r"`images` must be a batch of images with 1, 3 or 4 chann"
    ):
        pictures.grid(np.zeros(shape))


@pytest.mark.parametrize("columns", [0, -1, 1.5, True])
def test_columns_that_are_no_number_of_columns(columns):
    with pytest.raises(ValueError, match="`columns` must be a whole number, 1 or more"):
        pictures.grid(numbered(2), columns=columns)


def test_rows_of_images():
    rows = numbered(6).reshape(2, 3, 2, 3, 1)
    np.testing.assert_array_equal(pictures.grid(rows), pictures.grid(numbered(6), columns=3))


def test_an_animation_shows_all_rows_at_once(tmp_path):
    pictures.save_animation(tmp_path / "rows.gif", numbered(6).reshape(2, 3, 2, 3, 1), duration=70)
    with Image.open(tmp_path / "rows.gif") as picture:
        assert (picture.n_frames, picture.info["duration"], picture.size) == (3, 70, (6, 2))
        picture.seek(1)
        frame = np.asarray(picture.convert("L"))
    np.testing.assert_array_equal(frame[0, ::3], [20, 50])
    pictures.save_animation(tmp_path / "one.gif", numbered(4))
    with Image.open(tmp_path / "one.gif") as picture:
        assert (picture.n_frames, picture.size) == (4, (3, 2))
