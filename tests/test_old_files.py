"""Files that version 0.1.0 wrote still open, whole, on every backend, and train on."""

import json
import re
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_egan
from tests.registry import uint8_images

FOLDER = Path(__file__).parent / "data" / "0_1_0"  # its README says what was written, and how
NAMES = sorted(path.stem for path in FOLDER.glob("*.keras"))
SHAPE = (4, 4, 1)
VARIABLES = ("k_t", "margin", "fake_energy_before", "epochs_done", "step")

# EBGAN says so where its margin does not fit, as it need not in these short runs.
pytestmark = pytest.mark.filterwarnings("ignore:For a whole epoch:UserWarning")


def written(name):
    with np.load(FOLDER / f"{name}.npz") as arrays:
        return dict(arrays)


def numbered(arrays, prefix):
    return [arrays[key] for key in sorted(arrays) if re.fullmatch(rf"{prefix}_\d\d", key)]


def assert_same(variables, expected, **tolerance):
    for variable, value in zip(variables, expected, strict=True):
        value_now = keras.ops.convert_to_numpy(variable)
        if tolerance:
            np.testing.assert_allclose(value_now, value, **tolerance)
        else:
            np.testing.assert_array_equal(value_now, value)


def assert_networks(gan, arrays, prefix="", **tolerance):
    for name in ("generator", "discriminator"):
        assert_same(getattr(gan, name).weights, numbered(arrays, prefix + name), **tolerance)


def assert_variables(gan, arrays, prefix="", **tolerance):
    found = [name for name in VARIABLES if prefix + name in arrays]
    assert "step" in found
    assert_same(
        [getattr(gan, name) for name in found],
        [arrays[prefix + name] for name in found],
        **tolerance,
    )


def assert_all(gan, arrays):
    assert_networks(gan, arrays)
    assert_variables(gan, arrays)
    assert_same(gan.d_optimizer.variables, numbered(arrays, "d_optimizer"))
    assert_same(gan.g_optimizer.variables, numbered(arrays, "g_optimizer"))


def test_there_is_a_file_of_each_gan():
    assert len(NAMES) == 7
    classes = {str(written(name)["class_name"]) for name in NAMES}
    assert classes == {"BEGAN", "EBGAN", "MAGAN", "LeastSquaresGAN", "LossSensitiveGAN"}


@pytest.mark.parametrize("name", NAMES)
def test_it_opens_with_all_that_was_in_it_and_trains_on(name):
    gan, arrays = keras.models.load_model(FOLDER / f"{name}.keras"), written(name)
    assert type(gan) is getattr(keras_egan, str(arrays["class_name"]))
    config, expected = gan.get_config(), json.loads(str(arrays["config"]))
    assert {key: config[key] for key in expected} == expected
    assert_all(gan, arrays)
    images = uint8_images(16, SHAPE)
    np.testing.assert_allclose(gan.sample(4, seed=1), arrays["sample"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(gan.energy(images), arrays["energy"], rtol=1e-5, atol=1e-6)
    if name == "began_average":  # which its samples come from
        assert not np.allclose(gan.sample(4, seed=1, average=False), arrays["sample"], atol=1e-4)
        with gan.averaged():
            assert_same(gan.generator.weights, numbered(arrays, "averages"))
    gan.fit(images, batch_size=8, shuffle=False, verbose=0)
    assert int(gan.step) == int(arrays["step"]) + 2
    if keras.backend.backend() == "tensorflow":  # whose seeds give the same latents again
        assert_networks(gan, arrays, "later_", rtol=1e-4, atol=1e-5)
        assert_variables(gan, arrays, "later_", rtol=1e-4, atol=1e-5)


def test_its_weights_are_loaded_into_a_model_of_today():
    gan, arrays = keras.models.load_model(FOLDER / "began.keras"), written("began")
    gan.fit(uint8_images(16, SHAPE), batch_size=8, verbose=0)
    gan.load_weights(FOLDER / "began.weights.h5")
    assert_all(gan, arrays)
