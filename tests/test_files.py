"""`.keras` files: complete, the same on every backend, and refused where they are not whole."""

import copy
import json

import keras
import numpy as np
import pytest

import keras_egan
from tests.damaged import HOSTILE
from tests.registry import CASES, state, tiny_networks, uint8_images, weights


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A trained BEGAN's file."""
    path = tmp_path_factory.mktemp("whole") / "gan.keras"
    gan = CASES[0].build()
    gan.fit(uint8_images(20), batch_size=10, verbose=0)
    gan.save(path)
    return path


@pytest.mark.parametrize("damage", HOSTILE)
def test_a_damaged_or_hostile_file_is_refused(damage, whole, tmp_path):
    path = tmp_path / "gan.keras"
    path.write_bytes(whole.read_bytes())
    HOSTILE[damage](path)
    with pytest.raises(Exception) as refused:  # noqa: PT011 (Keras's and zipfile's, of any class)
        keras.models.load_model(path)
    assert 10 < len(str(refused.value)) < 1000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(gamma=7.0), r"^BEGAN cannot be made from its file: `gamma` must lie"),
        (lambda c: c.update(gamma=[]), "^BEGAN cannot be made from its file: "),
        (lambda c: c.update(generator=3), "^BEGAN cannot be made from its file: "),
        (lambda c: c["generator"].update(config=3), "^`generator` cannot be made from its file: E"),
    ],
)
def test_from_config_says_what_is_wrong(change, message):
    config = json.loads(json.dumps(CASES[0].build().get_config()))
    change(config)
    with pytest.raises(ValueError, match=message) as refused:
        keras_egan.BEGAN.from_config(config)
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("optimizer"), "^BEGAN cannot be compiled as its file says: "),
        (lambda c: c.update(extra=1), "^BEGAN cannot be compiled as its file says: .*'extra'"),
        (lambda c: c["optimizer"]["config"].pop("d_optimizer"), "^`optimizer` cannot be made"),
    ],
)
def test_compile_from_config_says_what_is_wrong(change, message):
    gan = CASES[0].build()
    config = copy.deepcopy(gan.get_compile_config())
    change(config)
    with pytest.raises(ValueError, match=message):
        gan.compile_from_config(config)


def test_the_model_in_memory_stays_as_it_was(whole, tmp_path):
    gan = CASES[0].build()
    gan.fit(uint8_images(20), batch_size=10, verbose=0)
    gan.save_weights(tmp_path / "gan.weights.h5")
    gan.fit(uint8_images(20), batch_size=10, verbose=0)
    before = state(gan)
    path = tmp_path / "gan.weights.h5"
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(OSError, match="truncated"):
        gan.load_weights(path)
    other = keras_egan.BEGAN(*tiny_networks(latent_dim=5))
    other.compile("adam", "adam")
    other.save_weights(tmp_path / "other.weights.h5")
    with pytest.raises(ValueError, match="could not be loaded"):
        gan.load_weights(tmp_path / "other.weights.h5")
    for one, now in zip(before, state(gan), strict=True):
        np.testing.assert_array_equal(one, now)


def test_the_file_of_an_uncompiled_model(tmp_path):
    gan = keras_egan.BEGAN(*tiny_networks())
    gan.save(tmp_path / "gan.keras")
    loaded = keras.models.load_model(tmp_path / "gan.keras")
    for one, other in zip(weights(gan), weights(loaded), strict=True):
        np.testing.assert_array_equal(one, other)
