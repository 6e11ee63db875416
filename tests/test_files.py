"""Loading is complete, and a refused file leaves the model as it was."""

import json
import zipfile

import keras
import numpy as np
import pytest

import keras_egan
from keras_egan.callbacks import Backup
from keras_egan.saving.state import named_variables
from tests.conftest import on
from tests.registry import CASES, CONDITIONAL, state, tiny_networks, uint8_images, weights

pytestmark = on("torch")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Write the file of a trained BEGAN."""
    path = tmp_path_factory.mktemp("whole") / "gan.keras"
    gan = CASES[0].build()
    gan.fit(uint8_images(20), batch_size=10, verbose=0)
    gan.save(path)
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(gamma=7.0), "^`gamma` must be in"),
        (lambda c: c.update(gamma=[]), "^`gamma` must be in"),
        (lambda c: c.update(generator=3), "^`generator` must be a Keras model"),
        (
            lambda c: c["generator"].update(class_name="None", registered_name=None),
            r"keras\.None|class 'None'",
        ),
    ],
)
def test_from_config_lets_the_error_through(change, message):
    config = json.loads(json.dumps(CASES[0].build().get_config()))
    change(config)
    with pytest.raises((TypeError, ValueError), match=message):
        keras_egan.BEGAN.from_config(config)


def test_files_and_backups_name_the_version_that_wrote_them(whole, tmp_path):
    with zipfile.ZipFile(whole) as archive:
        config = json.loads(archive.read("config.json"))["config"]
    backup = Backup(tmp_path)
    CASES[0].build().fit(uint8_images(20), verbose=0, callbacks=[backup])
    for found in (config, backup.newest().metadata):
        assert found["keras_egan_version"] == keras_egan.__version__


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


@pytest.mark.parametrize("case", [*CASES, *CONDITIONAL], ids=lambda case: case.name)
def test_the_state_of_a_training_has_every_variable_under_one_name(case):
    """The names come from another model of the same kind, because Keras numbers layers anew."""
    gans = [case.build(generator_average=0.9, augment="color") for _ in range(2)]
    states = [named_variables(gan) for gan in gans]
    assert [*states[0]] == [*states[1]]
    for gan, found in zip(gans, states, strict=True):
        every = [*gan.variables, *gan._running_means.variables, *gan.optimizer.variables]
        assert sorted(map(id, found.values())) == sorted({id(variable) for variable in every})
    assert not {id(v) for v in states[0].values()} & {id(v) for v in states[1].values()}
    for name, variable in states[0].items():
        assert variable.shape == states[1][name].shape
        assert variable.dtype == states[1][name].dtype
    assert set(gans[0]._states) | set(gans[0]._hyperparameters) <= set(states[0])


def test_loading_that_fails_puts_back_what_is_no_variable(tmp_path, monkeypatch):
    gan = CASES[0].build(generator_average=0.9)
    gan.fit(uint8_images(20), batch_size=10, verbose=0)
    gan.save_weights(tmp_path / "gan.weights.h5")
    gan.fit(uint8_images(20), batch_size=10, verbose=0)
    known, samples = gan._weight_average.known.copy(), gan.sample(3, seed=0)
    assert gan._training_state.random_state is None

    load = keras.Model.load_weights

    def load_weights(model, *args, **kwargs):
        load(model, *args, **kwargs)
        raise KeyboardInterrupt

    monkeypatch.setattr(keras.Model, "load_weights", load_weights)
    with pytest.raises(KeyboardInterrupt):
        gan.load_weights(tmp_path / "gan.weights.h5")
    assert gan._training_state.random_state is None
    np.testing.assert_array_equal(gan._weight_average.known, known)
    np.testing.assert_array_equal(gan.sample(3, seed=0), samples)
