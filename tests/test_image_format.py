"""Which shapes are images, and where their channels are."""

import keras
import numpy as np
import pytest

from keras_egan import image_format
from tests.conftest import on

pytestmark = on("torch")


def test_images_have_three_axes():
    assert image_format.is_image((64, 64, 3))
    assert image_format.is_image((None, None, 1))
    assert not image_format.is_image((2,))
    assert not image_format.is_image((10, 2))


@pytest.mark.parametrize(
    ("data_format", "axes"), [("channels_first", (1, -1)), ("channels_last", (-1, -2))]
)
def test_the_axes_of_channels_and_columns(data_format, axes):
    keras.config.set_image_data_format(data_format)
    try:
        assert (image_format.channel_axis(), image_format.width_axis()) == axes
        assert image_format.channels_first() == (data_format == "channels_first")
    finally:
        keras.config.set_image_data_format("channels_last")


@pytest.mark.parametrize(
    ("shape", "first"),
    [
        ((2, 3, 8, 9), True),
        ((2, 1, 28, 28), True),
        ((3, 8, 9), True),
        ((2, 8, 9, 3), False),
        ((2, 3, 3, 3), False),
        ((2, 1, 28, 1), False),
        ((2, 4, 8, 9), False),
    ],
)
def test_channels_go_last_where_there_is_no_doubt(shape, first):
    images = np.arange(np.prod(shape)).reshape(shape)
    expected = np.moveaxis(images, -3, -1) if first else images
    np.testing.assert_array_equal(image_format.to_channels_last(images), expected)
