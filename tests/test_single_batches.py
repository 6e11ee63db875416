"""`train_on_batch` and `test_on_batch`: forms of a batch, and immediate errors."""

import numpy as np
import pytest

from tests.conftest import on
from tests.forms import (
    PyDataset,
    batches,
    generator_of,
)
from tests.registry import (
    CONDITIONAL,
    EAGERLY,
    float_images,
    state,
    uint8_images,
)
from tests.test_inputs import BAD
from tests.tiny import began


@pytest.fixture
def gan():
    return began(rate=0.01)


@on("torch")
@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("call", ["train_on_batch", "test_on_batch"])
def test_a_bad_batch_is_refused_at_once(gan, name, call):
    images, message = BAD[name]
    before = state(gan)
    with pytest.raises(ValueError, match=message):
        getattr(gan, call)(images)
    assert all(map(np.array_equal, before, state(gan)))
    gan.fit(float_images(8), verbose=0)  # the message does not name it


@on("torch")
@pytest.mark.parametrize("call", ["train_on_batch", "test_on_batch"])
@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "`x` gives images without labels"),
        (np.eye(3, dtype="float32")[np.arange(6) % 3], r"shape \(6, 3\), which looks one-hot"),
        (np.arange(6), "The labels of `x` must go from 0 to 2 with `num_classes` 3; got 3, 4, 5"),
        (np.arange(6) % 3 / 2, "labels of `x` must be whole numbers; got float64"),
    ],
)
def test_a_batch_of_bad_labels_is_refused_at_once(call, labels, message):
    gan = CONDITIONAL[0].build(**EAGERLY)
    before = state(gan)
    with pytest.raises(ValueError, match=message):
        getattr(gan, call)(uint8_images(6), labels)
    assert all(map(np.array_equal, before, state(gan)))


def test_a_batch_may_have_the_forms_of_an_array():
    images, labels = uint8_images(6), np.arange(6) % 3
    forms = [(images, labels), ((images, labels), None), (list(images), [*labels])]
    forms += [(list(zip(images, labels, strict=True)), None)]
    found = []
    for form in forms:
        gan = CONDITIONAL[0].build(**EAGERLY)
        found.append(gan.train_on_batch(*form) + gan.test_on_batch(*form))
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


@on("torch")
@pytest.mark.parametrize("make", [batches, PyDataset, lambda: generator_of(uint8_images())])
def test_datasets_are_no_batch(gan, make):
    with pytest.raises(ValueError, match=r"`x` must be one batch of images, an array; got a"):
        gan.train_on_batch(make())


@on("torch")
@pytest.mark.parametrize("call", ["train_on_batch", "test_on_batch"])
def test_a_batch_has_no_weights(gan, call):
    with pytest.raises(ValueError, match="`sample_weight` has no effect on a GAN"):
        getattr(gan, call)(uint8_images(8), sample_weight=np.ones(8))
