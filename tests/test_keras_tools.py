"""Keras's own tools with a GAN: Orbax checkpoints, quantization, state trees."""

import os

import keras
import numpy as np
import pytest

import keras_egan
from tests.conftest import few, on
from tests.registry import CASES, CONDITIONAL, adam, labels_for, state, uint8_images

AVERAGED = {"began": {"generator_average": 0.9}}


def build(case):
    return case.build(adam, **AVERAGED.get(case.name, {}))


def train(gan, epochs, done=0, **arguments):
    images = uint8_images(20)
    labels = labels_for(gan, images)
    gan.fit(
        images,
        labels and np.array(labels),
        batch_size=10,
        epochs=epochs,
        initial_epoch=done,
        verbose=0,
        **arguments,
    )


def assert_same(one, other):
    for found, expected in zip(state(one), state(other), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.filterwarnings("ignore:Sharding info not provided when restoring")  # Orbax's, on JAX
@pytest.mark.parametrize(
    "case", few([CASES[0], CASES[2], CONDITIONAL[0]], "began"), ids=lambda case: case.name
)
def test_an_orbax_checkpoint_holds_the_whole_training(case, tmp_path):
    pytest.importorskip("orbax.checkpoint")
    gan = build(case)
    train(gan, 2, callbacks=[keras.callbacks.OrbaxCheckpoint(tmp_path, max_to_keep=2)])
    assert {"0", "1"} <= {*os.listdir(tmp_path)}
    loaded = keras_egan.load(tmp_path)
    assert_same(loaded, gan)
    restored = build(case)
    restored.load_weights(tmp_path)
    assert_same(restored, gan)
    for one in (gan, loaded):
        train(one, 4, done=2)
    assert int(loaded.step) == 8
    assert_same(loaded, gan)


@on("torch")
def test_a_relative_path_of_orbax_is_refused(tmp_path, monkeypatch):
    """Keras swallows Orbax's error, and the folder would stay without a checkpoint."""
    pytest.importorskip("orbax.checkpoint")
    monkeypatch.chdir(tmp_path)
    checkpoint = keras.callbacks.OrbaxCheckpoint("run/orbax")
    with pytest.raises(ValueError, match=r"absolute directory, .*; got 'run/orbax'\. Give `os"):
        train(build(CASES[0]), 1, callbacks=[checkpoint])


@on("torch")
@pytest.mark.parametrize("form", ["backend_tensor", "numpy_array"])
def test_a_state_tree_is_that_of_a_copy_with_other_names(form):
    gan = build(CASES[0])
    train(gan, 1)
    tree = gan.get_state_tree(form)
    copy = keras_egan.BEGAN.from_config(gan.get_config())
    copy.compile_from_config(gan.get_compile_config())
    copy.set_state_tree(tree)
    assert_same(copy, gan)
    np.testing.assert_array_equal(copy.sample(4, seed=1), gan.sample(4, seed=1))
    values = [value for part in tree.values() for value in part.values()]
    assert all(isinstance(value, np.ndarray) for value in values) == (form == "numpy_array")


@on("torch")
def test_weights_alone_leave_the_optimizers_as_they_are(tmp_path):
    gan = build(CASES[0])
    train(gan, 1)
    tree = gan.get_state_tree("numpy_array")
    weights_only = {kind: tree[f"{kind}_variables"] for kind in ("trainable", "non_trainable")}
    other = build(CASES[0])
    other.set_state_tree(weights_only)
    np.testing.assert_array_equal(other.sample(4, seed=1), gan.sample(4, seed=1))
    assert int(other.d_optimizer.iterations) == 0


@on("torch")
def test_the_state_of_another_gan_is_refused():
    gan = build(CASES[0])
    before = state(gan)
    others = {
        "average.0": CASES[0].build(adam),
        "gamma": build(CASES[1]),
        "latent_constraint": CASES[7].build(adam, generator_average=0.9),
    }
    for name, other in others.items():
        with pytest.raises(ValueError, match=rf"^The state must be of a GAN .*\b{name}"):
            gan.set_state_tree(other.get_state_tree())
    assert all(map(np.array_equal, state(gan), before))
    with pytest.raises(ValueError, match=r"^`value_format` must be .*; got 'list'"):
        gan.get_state_tree("list")


@on("torch")
@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method:UserWarning")
@pytest.mark.filterwarnings("ignore:`model.quantize:UserWarning")  # from Keras 3.16 on
@pytest.mark.parametrize(("mode", "difference"), [("int8", 0.01), ("int4", 0.1)])
def test_a_quantized_generator_samples_likewise(mode, difference, tmp_path):
    gan = keras_egan.load("began/mnist")
    before, latents = gan.sample(64, seed=0), gan.draw_latents(64, seed=0)
    gan.generator.quantize(mode)
    after = gan.sample(64, seed=0)
    assert 0 < np.abs(after - before).mean() < difference
    gan.generator.save(tmp_path / "generator.keras")
    loaded = keras.saving.load_model(tmp_path / "generator.keras")
    np.testing.assert_allclose(loaded.predict(latents, verbose=0).clip(-1, 1), after, atol=1e-6)


@on("torch")
def test_wrappers_of_scikit_learn_refuse_a_gan_in_a_sentence():
    """They are of models with a loss and targets; nothing of a GAN is called."""
    gan = keras_egan.LeastSquaresGAN(*keras_egan.networks.mlp(2, n_layers=1, units=4))
    gan.compile("adam", "adam")
    points = np.zeros((8, 2), "float32")
    for name in ("SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"):
        wrapper = getattr(keras.wrappers, name)(lambda **data: gan)
        with pytest.raises(RuntimeError, match="needs to be compiled, and have a loss"):
            wrapper.fit(points, np.arange(8) % 2)
        with pytest.raises(ValueError, match="Found array with dim 4"):
            wrapper.fit(uint8_images(8), np.arange(8) % 2)
