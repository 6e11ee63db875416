"""Whatever form images come in, the same training and the same figures come of them."""

import numpy as np
import pytest

from keras_egan import inputs
from tests.forms import FORMS, WITHOUT_LENGTH, LoaderOfKnownLength, batches, trained
from tests.registry import IMAGE_SHAPE, uint8_images, weights
from tests.tiny import began


@pytest.fixture
def gan():
    return began(rate=0.01)


@pytest.fixture(scope="module")
def expected():
    """The generator's weights after one epoch of the plain array, and after two; then figures."""
    one, two = (trained(uint8_images(), epochs=epochs) for epochs in (1, 2))
    figures = two.evaluate(uint8_images(), batch_size=20, verbose=0)
    return weights(one.generator), weights(two.generator), figures


def check_alike(some, others):
    for one, other in zip(some, others, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_data_trains_and_evaluates_alike(form, expected):
    gan = trained(FORMS[form](), epochs=2)
    check_alike(expected[1], weights(gan.generator))
    figures = gan.evaluate(FORMS[form](), batch_size=20, verbose=0)
    np.testing.assert_allclose(figures, expected[2], rtol=1e-4)


@pytest.mark.parametrize("form", WITHOUT_LENGTH)
def test_data_of_unknown_length_trains_alike(form, expected):
    gan = trained(WITHOUT_LENGTH[form](), steps_per_epoch=3)
    check_alike(expected[0], weights(gan.generator))


def test_any_form_validates(gan):
    for form in ("list of batches", "DataLoader of tensors", "PyDataset with labels", "loader"):
        history = gan.fit(
            uint8_images(), batch_size=50, validation_data=FORMS[form](), verbose=0
        ).history
        assert np.isfinite(history["val_d_loss"]).all()


def test_a_loader_is_gone_through_anew_for_each_epoch_and_no_further():
    class Counting(LoaderOfKnownLength):
        passes = 0

        def __iter__(self):
            self.passes += 1
            return super().__iter__()

    loader = Counting(batches())
    _, data = inputs.accept(loader, IMAGE_SHAPE)
    assert len(data) == 3
    for epoch in range(3):
        data.begin(3 * epoch)
        np.testing.assert_array_equal(np.concatenate([b for (b,) in data]), uint8_images())
    assert loader.passes == 4  # one to look at the first batch
