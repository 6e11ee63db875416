"""What every GAN promises, on the backend that runs."""

import keras
import numpy as np
import pytest

from tests.registry import CASES, IMAGE_SHAPE, LATENT_DIM, float_images, uint8_images, weights

# EBGAN says so where its margin does not fit, as it need not in these short runs.
pytestmark = pytest.mark.filterwarnings("ignore:For a whole epoch:UserWarning")

cases = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def changed(before, model):
    return [not np.array_equal(a, b) for a, b in zip(before, weights(model), strict=True)]


@cases
def test_fit_moves_both_networks_and_logs_every_figure(case):
    gan = case.build()
    before_d, before_g = weights(gan.discriminator), weights(gan.generator)
    history = gan.fit(uint8_images(), batch_size=16, epochs=2, verbose=0).history
    assert all(changed(before_d, gan.discriminator))
    assert all(changed(before_g, gan.generator))
    assert set(history) >= {"d_loss", "g_loss", "real_energy", "fake_energy"}
    assert all(len(values) == 2 and np.isfinite(values).all() for values in history.values())
    assert int(gan.step) == 8  # four batches an epoch, the last of two images


@cases
def test_epoch_figures_are_means_weighted_by_batch_size(case):
    class Rows(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.rows = []

        def on_train_batch_end(self, batch, logs=None):
            self.rows.append({name: float(value) for name, value in logs.items()})

    rows = Rows()
    gan = case.build()
    history = gan.fit(uint8_images(50), batch_size=16, verbose=0, callbacks=[rows]).history
    for name in gan.figures:
        expected = np.average([row[name] for row in rows.rows], weights=[16, 16, 16, 2])
        assert history[name][0] == pytest.approx(expected, rel=1e-5)


@cases
def test_uint8_and_floats_in_range_train_alike(case):
    trained = []
    for images in (uint8_images(), float_images()):
        gan = case.build()
        gan.fit(images, batch_size=16, shuffle=False, verbose=0)
        trained.append(weights(gan))
    for one, other in zip(*trained, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@cases
def test_labels_are_ignored(case):
    trained = []
    for labels in (None, np.arange(50)):
        gan = case.build()
        gan.fit(uint8_images(), labels, batch_size=16, shuffle=False, verbose=0)
        trained.append(weights(gan))
    for one, other in zip(*trained, strict=True):
        np.testing.assert_array_equal(one, other)


@cases
def test_training_again_gives_the_same(case):
    trained = []
    for _ in range(2):
        gan = case.build()
        gan.fit(uint8_images(), batch_size=16, verbose=0)
        trained.append(weights(gan))
    for one, other in zip(*trained, strict=True):
        np.testing.assert_array_equal(one, other)


@cases
def test_validation_changes_nothing_in_training(case):
    trained = []
    for validation_data in (None, uint8_images(20, seed=1)):
        gan = case.build()
        history = gan.fit(
            uint8_images(),
            batch_size=16,
            epochs=2,
            shuffle=False,
            verbose=0,
            validation_data=validation_data,
        ).history
        trained.append([weights(gan.generator), weights(gan.discriminator)])
    assert "val_real_energy" in history
    for one, other in zip(*trained, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


@cases
def test_evaluate_is_repeatable_and_independent_of_the_batch_size(case):
    gan = case.build()
    gan.fit(uint8_images(), batch_size=16, verbose=0)
    images = uint8_images(48, seed=2)
    before = weights(gan.generator) + weights(gan.discriminator)
    one = gan.evaluate(images, batch_size=16, verbose=0, return_dict=True)
    again = gan.evaluate(images, batch_size=16, verbose=0, return_dict=True)
    other = gan.evaluate(images, batch_size=48, verbose=0, return_dict=True)
    assert one == again
    assert other["real_energy"] == pytest.approx(one["real_energy"], rel=1e-5, abs=1e-6)
    after = weights(gan.generator) + weights(gan.discriminator)
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)


@cases
def test_samples(case):
    gan = case.build()
    samples = gan.sample(5, seed=7)
    assert samples.shape == (5, *IMAGE_SHAPE)
    assert np.abs(samples).max() <= 1.0
    np.testing.assert_array_equal(samples, gan.sample(5, seed=7))
    assert not np.array_equal(samples, gan.sample(5, seed=8))
    assert not np.array_equal(gan.sample(5), gan.sample(5))
    latents = np.random.default_rng(7).uniform(-1, 1, (5, LATENT_DIM)).astype("float32")
    expected = keras.ops.convert_to_numpy(gan.generator(latents))
    np.testing.assert_allclose(samples, expected, rtol=1e-5, atol=1e-6)


@cases
def test_energies_are_one_a_sample_whatever_else_is_in_the_batch(case):
    gan = case.build()
    images = uint8_images(10)
    energies = gan.energy(images)
    assert energies.shape == (10,)
    assert energies.dtype == np.float32
    alone = np.concatenate([gan.energy(images[i : i + 1]) for i in range(10)])
    np.testing.assert_allclose(energies, alone, rtol=1e-5)
    np.testing.assert_allclose(energies, gan.energy(images, batch_size=3), rtol=1e-5)
    np.testing.assert_allclose(energies, gan.energy(float_images(10)), rtol=1e-5)
    assert gan.energy(images[:0]).shape == (0,)


@cases
def test_config_round_trip(case):
    gan = case.build(d_steps=2, latents="normal")
    copy = type(gan).from_config(gan.get_config())
    assert copy.get_config() == gan.get_config()
    assert copy.generator is not gan.generator
    assert copy.d_steps == 2
    assert copy.latents == "normal"


@cases
def test_a_file_holds_all_that_training_changes(case, tmp_path):
    gan = case.build()
    gan.fit(uint8_images(), batch_size=16, verbose=0)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.models.load_model(tmp_path / "gan.keras")
    assert type(loaded) is type(gan)
    kept = [v for v in gan.variables if "seed" not in v.path] + gan.optimizer.variables
    read = [v for v in loaded.variables if "seed" not in v.path] + loaded.optimizer.variables
    for one, other in zip(kept, read, strict=True):
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(one), keras.ops.convert_to_numpy(other)
        )
    loaded.fit(uint8_images(), batch_size=16, verbose=0)
    assert int(loaded.step) == 8


@cases
def test_simultaneous_updates_take_both_gradients_at_the_same_weights(case):
    """With SGD, G's first update must not depend on how far D has moved."""
    updates = {}
    for kind in ("alternating", "simultaneous"):
        for d_rate in (0.0, 0.1):
            gan = case.build(updates=kind)
            gan.compile(keras.optimizers.SGD(d_rate), keras.optimizers.SGD(0.1))
            gan.train_on_batch(uint8_images(16))
            updates[kind, d_rate] = weights(gan.generator)[0]
    np.testing.assert_array_equal(updates["simultaneous", 0.0], updates["simultaneous", 0.1])
    np.testing.assert_array_equal(updates["simultaneous", 0.0], updates["alternating", 0.0])
    assert not np.array_equal(updates["alternating", 0.0], updates["alternating", 0.1])


@cases
def test_d_steps_update_only_the_discriminator_more_often(case):
    gan = case.build(d_steps=3)
    gan.fit(uint8_images(), batch_size=16, verbose=0)
    assert int(gan.d_optimizer.iterations) == 12
    assert int(gan.g_optimizer.iterations) == 4


@cases
def test_an_optimizer_by_name_and_the_options_of_compile(case):
    gan = case.build()
    gan.compile("adam", "sgd", run_eagerly=True)
    gan.fit(uint8_images(20), batch_size=16, verbose=0)
    assert isinstance(gan.d_optimizer, keras.optimizers.Adam)
    assert isinstance(gan.g_optimizer, keras.optimizers.SGD)


@cases
@pytest.mark.skipif(keras.backend.backend() == "torch", reason="Keras refuses it on PyTorch")
def test_several_steps_an_execution_change_nothing(case):
    trained = []
    for steps in (1, 3):
        gan = case.build()
        gan.compile("adam", "adam", steps_per_execution=steps)
        gan.fit(uint8_images(), batch_size=16, verbose=0)
        trained.append(weights(gan))
    for one, other in zip(*trained, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
