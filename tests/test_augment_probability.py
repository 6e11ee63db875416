"""The probability with which DiffAugment changes an image."""

import numpy as np
import pytest
from keras import ops

from keras_egan.augment import DiffAugment
from tests.augmentation import channels_first, drawn, expected, noise, numpy
from tests.conftest import on


@pytest.mark.parametrize("probability", [0.0, 0.5, 1.0])
def test_each_image_is_changed_with_a_probability(probability):
    images, numbers = noise(12, 8, 9, 3), drawn(12)
    changed = expected("color,translation,cutout", images, numbers)
    layer = DiffAugment(probability=probability)
    numbers["chosen"] = np.linspace(0.0, 0.99, 12).astype("float32")
    changed = np.where(numbers["chosen"][:, None, None, None] < probability, changed, images)
    result = numpy(layer.apply(ops.convert_to_tensor(images), numbers))
    np.testing.assert_allclose(result, changed, atol=2e-6)
    if probability == 0.0:
        np.testing.assert_array_equal(result, images)
    with channels_first():
        moved = layer.apply(ops.convert_to_tensor(np.moveaxis(images, 3, 1)), numbers)
    np.testing.assert_allclose(np.moveaxis(numpy(moved), 1, 3), result, atol=1e-6)


@on("torch")
def test_about_half_are_changed_and_a_probability_of_1_is_the_whole_policy():
    """The share lies within 4 standard deviations of p, whatever the other numbers are."""
    images = noise(1000, 8, 8, 1)
    layer = DiffAugment("color", probability=0.5, seed=0)
    same = (numpy(layer(images)) == images).all(axis=(1, 2, 3))
    assert abs(same.sum() - 500) < 4 * 250**0.5
    numbers = {name: numpy(value) for name, value in layer.draw(1000).items()}
    others = [value.reshape(1000, -1) for name, value in numbers.items() if name != "chosen"]
    found = np.corrcoef(numbers["chosen"], np.concatenate(others, axis=1), rowvar=False)[0, 1:]
    assert np.abs(found).max() < 4 / 1000**0.5
    assert DiffAugment(probability=1.0).draw(2).keys() == DiffAugment().draw(2).keys()
    for p, unchanged in ((0.0, np.full(1000, True)), (0.5, same), (1.0, np.full(1000, False))):
        layer = DiffAugment("color", probability="auto", seed=0)
        layer.probability.assign(p)
        found = (numpy(layer(images)) == images).all(axis=(1, 2, 3))
        np.testing.assert_array_equal(found, unchanged)


@on("torch")
@pytest.mark.parametrize("probability", [-0.1, 1.5, float("nan"), "Auto", None])
def test_a_probability_that_is_none_is_refused(probability):
    with pytest.raises(ValueError, match="`probability` must be a number from 0 to 1, or 'auto'"):
        DiffAugment(probability=probability)
