"""Every GAN's contract, on the current backend."""

import functools

import keras
import numpy as np
import pytest

from keras_egan.training.batch import BatchShard
from tests.conftest import few, on
from tests.registry import (
    CASES,
    CONDITIONAL,
    EAGERLY,
    IMAGE_SHAPE,
    LATENT_DIM,
    float_images,
    given,
    labels_for,
    state,
    uint8_images,
    weights,
)

# EBGAN warns of a margin that does not fit, which does not matter in these short runs.
pytestmark = pytest.mark.filterwarnings("ignore:For a whole epoch:UserWarning")

EVERY = [*CASES, *CONDITIONAL]
CORE = "began"  # the others are compared with the golden traces and with other backends
cases = pytest.mark.parametrize("case", few(EVERY, CORE), ids=lambda case: case.name)

BATCH, EPOCHS = 5, 2  # ten steps per epoch, the last on three images


def same(one, other):
    """Return whether arrays are equal bit for bit."""
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def networks(gan):
    return weights(gan.generator) + weights(gan.discriminator)


def train(gan, data=None, **arguments):
    """Train as `trained` was, except for the given changes, and return the history."""
    arguments = {"batch_size": BATCH, "epochs": EPOCHS, "shuffle": False, **arguments}
    data = given(gan, uint8_images(48) if data is None else data)
    return gan.fit(data, verbose=0, **arguments).history


@functools.cache
def trained(name):
    """Return a trained model, its history, and the logs of its steps."""

    class Rows(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            rows.append({name: float(value) for name, value in logs.items()})

    (case,) = (case for case in EVERY if case.name == name)
    gan, rows = case.build(), []
    return gan, train(gan, callbacks=[Rows()]), rows


@cases
def test_fit_moves_both_networks_and_logs_every_figure(case):
    gan, history, _ = trained(case.name)
    for before, after in zip(networks(case.build()), networks(gan), strict=True):
        assert not np.array_equal(before, after)
    assert set(history) >= {"d_loss", "g_loss", "real_energy", "fake_energy"}
    assert all(len(values) == 2 and np.isfinite(values).all() for values in history.values())
    assert int(gan.step) == 20


@cases
def test_epoch_figures_are_means_weighted_by_batch_size(case):
    gan, history, rows = trained(case.name)
    for name in gan._running_means.names:
        for epoch in range(EPOCHS):
            steps = [row[name] for row in rows[10 * epoch :][:10]]
            expected = np.average(steps, weights=[BATCH] * 9 + [3])
            assert history[name][epoch] == pytest.approx(expected, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("case", few(CASES, CORE), ids=lambda case: case.name)
def test_uint8_and_floats_in_range_train_alike_and_labels_are_ignored(case):
    gan = case.build()
    train(gan, (float_images(48), np.arange(48)))
    for one, other in zip(weights(gan), weights(trained(case.name)[0]), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@cases
def test_a_file_in_between_changes_nothing(case, tmp_path):
    """Ten steps, a file and ten more steps equal twenty steps."""
    gan = case.build()
    train(gan, epochs=1)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.models.load_model(tmp_path / "gan.keras")
    assert type(loaded) is type(gan)
    assert same(state(gan), state(loaded))
    train(loaded, epochs=1)
    assert same(state(loaded), state(trained(case.name)[0]))


@cases
def test_validation_changes_nothing_in_training_and_evaluation_is_repeatable(case):
    gan = case.build()
    held_out = given(gan, uint8_images(48, seed=2))
    history = train(gan, validation_data=held_out)
    assert "val_real_energy" in history
    before = networks(trained(case.name)[0])
    assert same(before, networks(gan))
    one = gan.evaluate(held_out, batch_size=16, verbose=0, return_dict=True)
    again = gan.evaluate(held_out, batch_size=16, verbose=0, return_dict=True)
    other = gan.evaluate(held_out, batch_size=48, verbose=0, return_dict=True)
    assert one == again
    assert other["real_energy"] == pytest.approx(one["real_energy"], rel=1e-5, abs=1e-6)
    assert same(before, networks(gan))


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
    labels = [1] * 5 if gan.num_classes else None
    inputs = [latents, np.array(labels)] if labels else latents
    expected = keras.ops.convert_to_numpy(gan(inputs))
    samples = gan.sample(5, seed=7, labels=labels)
    np.testing.assert_allclose(samples, expected, rtol=1e-5, atol=1e-6)
    for draw in (gan.sample, gan.draw_latents):
        with pytest.raises(ValueError, match="`n` must be a whole number, 1 or more; got 0"):
            draw(0)


@cases
def test_energies_are_one_a_sample_whatever_else_is_in_the_batch(case):
    gan = case.build()
    images = uint8_images(10)
    labels = labels_for(gan, images)
    energies = gan.energy(images, labels=labels)
    assert energies.shape == (10,)
    assert energies.dtype == np.float32
    rows = [slice(i, i + 1) for i in range(10)]
    alone = [gan.energy(images[row], labels=labels and labels[row]) for row in rows]
    np.testing.assert_allclose(energies, np.concatenate(alone), rtol=1e-5)
    in_threes = gan.energy(images, batch_size=3, labels=labels)
    np.testing.assert_allclose(energies, in_threes, rtol=1e-5)
    np.testing.assert_allclose(energies, gan.energy(float_images(10), labels=labels), rtol=1e-5)
    assert gan.energy(images[:0], labels=labels and labels[:0]).shape == (0,)


@cases
def test_config_round_trip(case):
    gan = case.build(d_steps=2, latents="normal")
    copy = type(gan).from_config(gan.get_config())
    assert copy.get_config() == gan.get_config()
    assert copy.generator is not gan.generator
    assert copy.d_steps == 2
    assert copy.latents == "normal"


@cases
def test_simultaneous_updates_take_both_gradients_at_the_same_weights(case):
    """With SGD, G's first update must not depend on D's update."""
    updates = {}
    for kind in ("alternating", "simultaneous"):
        for d_rate in (0.0, 0.1):
            gan = case.build(updates=kind)
            sgd = keras.optimizers.SGD
            gan.compile(sgd(d_rate), sgd(0.01), **EAGERLY)
            images = uint8_images(16)
            gan.train_on_batch(images, labels_for(gan, images))
            updates[kind, d_rate] = weights(gan.generator)[0]
    np.testing.assert_array_equal(updates["simultaneous", 0.0], updates["simultaneous", 0.1])
    np.testing.assert_array_equal(updates["simultaneous", 0.0], updates["alternating", 0.0])
    assert not np.array_equal(updates["alternating", 0.0], updates["alternating", 0.1])


@cases
def test_d_steps_update_only_the_discriminator_more_often(case):
    gan = case.build(d_steps=3)
    gan.compile("adam", "sgd", **EAGERLY)
    train(gan, uint8_images(15), epochs=1)
    assert int(gan.d_optimizer.iterations) == 9
    assert int(gan.g_optimizer.iterations) == 3
    assert isinstance(gan.d_optimizer, keras.optimizers.Adam)


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="Keras refuses it on PyTorch")
def test_several_steps_an_execution_change_nothing():
    gan = CASES[0].build()
    gan.compile(gan.d_optimizer, gan.g_optimizer, steps_per_execution=3)
    train(gan)
    for one, other in zip(weights(gan), weights(trained(CORE)[0]), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@on("torch")
def test_rows_have_one_mean_of_many_values():
    """Metrics may be numbers per row, booleans, or a scalar mean, also of a part of a batch."""
    values = np.array([1.0, 2.5, -4.0], "float32"), np.array([True, False, True]), np.float32(0.5)
    expected = np.array([np.mean(value) for value in values])
    values = list(map(keras.ops.convert_to_tensor, values))
    for rows, share in ((BatchShard(3, 0, 3), 1.0), (BatchShard(3, 2, 12, 3), 0.25)):
        np.testing.assert_allclose(rows.means(values), share * expected, rtol=1e-6)
        np.testing.assert_allclose([*map(rows.mean, values)], share * expected, rtol=1e-6)
