"""Every form of the same images gives the same training and the same metrics."""

import keras
import numpy as np
import pytest

from keras_egan import callbacks, metrics
from keras_egan.datasets import inputs
from tests.conftest import few, on
from tests.forms import FORMS, WITHOUT_LENGTH, LoaderOfKnownLength, batches, trained
from tests.registry import CONDITIONAL, IMAGE_SHAPE, float_images, uint8_images, weights
from tests.tiny import began


@pytest.fixture
def gan():
    return began(rate=0.01)


@pytest.fixture(scope="module")
def expected():
    """The generator's weights after one and two epochs of the plain array; then the metrics."""
    one, two = (trained(uint8_images(), epochs=epochs) for epochs in (1, 2))
    figures = two.evaluate(uint8_images(), batch_size=20, verbose=0)
    return weights(one.generator), weights(two.generator), figures


TYPICAL = ("tensor", "PyDataset", "tf.data with labels", "DataLoader with labels", "loaded")
ENDLESS = ("generator of tensors", "loader of unknown length")


def check_alike(some, others):
    for one, other in zip(some, others, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("form", few(FORMS, *TYPICAL))
def test_every_form_of_data_trains_and_evaluates_alike(form, expected):
    gan = trained(FORMS[form](), epochs=2)
    check_alike(expected[1], weights(gan.generator))
    figures = gan.evaluate(FORMS[form](), batch_size=20, verbose=0)
    np.testing.assert_allclose(figures, expected[2], rtol=1e-4)


@pytest.mark.parametrize("form", few(WITHOUT_LENGTH, *ENDLESS))
def test_data_of_unknown_length_trains_alike(form, expected):
    gan = trained(WITHOUT_LENGTH[form](), steps_per_epoch=3)
    check_alike(expected[0], weights(gan.generator))


def test_any_form_validates(gan):
    for form in ("list of batches", "DataLoader of tensors", "PyDataset with labels", "loader"):
        history = gan.fit(
            uint8_images(), batch_size=50, validation_data=FORMS[form](), verbose=0
        ).history
        assert np.isfinite(history["val_d_loss"]).all()


LISTS = {
    "images": lambda images, labels: list(images),
    "batches": lambda images, labels: [images[:20], images[20:40], images[40:]],
    "labelled images": lambda images, labels: list(zip(images, labels, strict=True)),
    "labelled batches": lambda images, labels: [
        (images[i : i + 20], labels[i : i + 20]) for i in range(0, 50, 20)
    ],
    "labels beside": lambda images, labels: (list(images), labels),
}


@on("torch")
@pytest.mark.parametrize("form", LISTS)
def test_a_list_as_a_reference_is_seen_whole(form):
    images, labels = float_images(), np.arange(50) % 3
    given = LISTS[form](images, labels)
    samples = images[[45, 3]]
    found = metrics.nearest(samples, given, k=2)
    np.testing.assert_array_equal(found.indices[:, 0], [45, 3])
    squares = np.square(samples[:, None] - images[None]).sum(axis=(2, 3, 4))
    np.testing.assert_allclose(found.distances**2, np.sort(squares)[:, :2], rtol=1e-4, atol=1e-6)

    gan = CONDITIONAL[0].build()
    gan.fit(images[:4], labels[:4], verbose=0)
    labeled = form not in ("images", "batches")
    if not labeled:
        gan = began()
    distance = metrics.FrechetDistance(flattened())
    measuring = callbacks.EvaluateSamples(given, [distance], samples=32)
    diagnosis = callbacks.Diagnosis(given, patience=100)
    data = (images[:20], labels[:20]) if labeled else (images[:20],)
    gan.fit(*data, verbose=0, callbacks=[measuring, diagnosis])
    assert distance.real.count == 50
    np.testing.assert_allclose(distance.real.mean, images.reshape(50, -1).mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(diagnosis._images, images, atol=1e-6)
    if labeled:
        np.testing.assert_array_equal(diagnosis._labels, labels)


def flattened():
    return keras.Sequential([keras.Input(IMAGE_SHAPE), keras.layers.Flatten()])


@on("torch")
def test_a_list_of_both_is_refused():
    images = uint8_images()
    with pytest.raises(ValueError, match=r"`images` as a list must hold batches .*, or single im"):
        metrics.nearest(float_images(2), [images[0], images[:3]], k=1)
    with pytest.raises(
        ValueError, match="`images` is a list of batches, with labels beside the list"
    ):
        metrics.nearest(float_images(2), ([images[:3]], np.arange(3)), k=1)
    with pytest.raises(ValueError, match=r"got a str, 'photos'\. Load its images"):
        metrics.nearest(float_images(2), "photos", k=1)


@on("torch")
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
    assert loader.passes == 4  # one pass to look at the first batch
