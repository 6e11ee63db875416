"""The running average of the generator's weights."""

import random
from contextlib import nullcontext, suppress
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_egan
from keras_egan import callbacks, export
from keras_egan.training.weight_average import WeightAverage
from tests.conftest import on
from tests.registry import CASES, EAGERLY, tiny_networks, uint8_images, weights
from tests.test_backup import Stop


def began(**arguments):
    random.seed(0)
    gan = keras_egan.BEGAN(*tiny_networks(), **{"seed": 1, "generator_average": 0.9, **arguments})
    gan.compile(keras.optimizers.SGD(0.5), keras.optimizers.SGD(0.5), **EAGERLY)
    return gan


def test_it_is_the_average_that_numpy_gives():
    gan = began()
    np.testing.assert_array_equal(gan.sample(3, seed=1), gan.sample(3, seed=1, average=False))
    history = [weights(gan.generator)]
    expected = history[0]
    for step in range(12):
        gan.train_on_batch(uint8_images(16, seed=step))
        decay = min(0.9, (1 + step) / (10 + step))
        now = weights(gan.generator)
        expected = [decay * a + (1 - decay) * w for a, w in zip(expected, now, strict=True)]
    for average, value in zip(gan._weight_average.values, expected, strict=True):
        np.testing.assert_allclose(keras.ops.convert_to_numpy(average), value, rtol=1e-4, atol=1e-6)


def test_it_changes_nothing_in_training():
    trained = []
    for average in (None, 0.9):
        gan = began(generator_average=average)
        gan.fit(uint8_images(), batch_size=16, epochs=2, verbose=0)
        trained.append(weights(gan.generator) + weights(gan.discriminator))
    for one, other in zip(*trained, strict=True):
        np.testing.assert_array_equal(one, other)


@on("torch")
def test_it_warms_up_as_worked_out_by_hand():
    """After n steps the decay is the lower of (1 + n) / (10 + n) and the given one."""
    generator = tiny_networks()[0]
    average = WeightAverage(generator, decay=0.3)
    (*_, bias) = generator.weights
    expected = np.zeros(bias.shape)
    for step, decay in enumerate([1 / 10, 2 / 11, 3 / 12, 0.3, 0.3, 0.3]):
        bias.assign(np.full(bias.shape, step + 1.0))
        average.update(step)
        expected = decay * expected + (1 - decay) * (step + 1.0)
        np.testing.assert_allclose(weights(average)[-1], expected, rtol=1e-6)


def test_samples_come_from_it_and_the_weights_come_back():
    gan = began()
    gan.fit(uint8_images(), batch_size=16, epochs=2, verbose=0)
    before = weights(gan.generator)
    sampled, plain = gan.sample(5, seed=1), gan.sample(5, seed=1, average=False)
    assert not np.allclose(sampled, plain)
    with suppress(RuntimeError), gan.averaged():
        averages = weights(gan.generator)
        raise RuntimeError
    for one, other in zip(before, weights(gan.generator), strict=True):
        np.testing.assert_array_equal(one, other)
    for variable, value in zip(gan.generator.weights, averages, strict=True):
        variable.assign(value)
    np.testing.assert_allclose(gan.sample(5, seed=1, average=False), sampled, rtol=1e-6)


def test_it_is_saved(tmp_path):
    gan = began()
    gan.fit(uint8_images(), batch_size=16, verbose=0)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.models.load_model(tmp_path / "gan.keras")
    np.testing.assert_array_equal(loaded.sample(3, seed=1), gan.sample(3, seed=1))
    gan.fit(uint8_images(), batch_size=16, verbose=0)
    loaded.fit(uint8_images(), batch_size=16, verbose=0)
    np.testing.assert_array_equal(loaded.sample(3, seed=1), gan.sample(3, seed=1))


@on("torch")
@pytest.mark.parametrize("average", [True, False])
def test_export_takes_it(average, tmp_path, monkeypatch):
    gan, outputs = began(), []
    for kept in gan._weight_average.values:
        kept.assign(kept + 0.1)

    def convert(network, batches, path, **kwargs):
        Path(path).touch()
        outputs.extend(network.predict(*batch, verbose=0) for batch in batches)
        return outputs

    monkeypatch.setattr(export.converters, "convert", convert)
    monkeypatch.setattr(keras_egan.backend, "name", "tensorflow")  # it converts in this process
    export.export(gan, tmp_path / "generator.onnx", "onnx", average=average)
    z = np.random.default_rng(0).uniform(-1.0, 1.0, (1, 4)).astype("float32")  # its first trial
    with gan.averaged() if average else nullcontext():
        np.testing.assert_allclose(outputs[0], gan.predict(z, verbose=0), rtol=1e-5)
    assert not np.allclose(gan.sample(1, seed=1), gan.sample(1, seed=1, average=False))


@on("torch")
def test_statistics_of_batches_are_kept_as_they_are():
    random.seed(0)
    generator, discriminator = tiny_networks()
    normalized = keras.layers.BatchNormalization()(generator.layers[0].output)
    for layer in generator.layers[1:]:
        normalized = layer(normalized)
    generator = keras.Model(generator.inputs, normalized)
    gan = keras_egan.EBGAN(generator, discriminator, margin=1.5, generator_average=0.9)
    gan.compile("sgd", "sgd", **EAGERLY)
    gan.train_on_batch(uint8_images(16))
    layer = generator.layers[2]
    with gan.averaged():
        inside = weights(layer)
    np.testing.assert_array_equal(inside[2], weights(layer)[2])
    assert inside[2].any()


def load_into(generator, tmp_path):
    tiny_networks()[0].save_weights(tmp_path / "generator.weights.h5")
    generator.load_weights(tmp_path / "generator.weights.h5")


def set_one_layer(generator, tmp_path):
    layer = generator.layers[1]
    layer.set_weights([value + 0.5 for value in layer.get_weights()])


def trained(*extra):
    gan = began()
    gan.fit(uint8_images(), batch_size=16, epochs=2, verbose=0, callbacks=list(extra))
    assert not np.array_equal(gan.sample(3, seed=1), gan.sample(3, seed=1, average=False))
    return gan


def reopened(tmp_path):
    trained().save(tmp_path / "gan.keras")
    return keras.models.load_model(tmp_path / "gan.keras")


def resumed(tmp_path):
    backup = callbacks.Backup(tmp_path / "backup")
    with pytest.raises(KeyboardInterrupt):
        began().fit(uint8_images(), batch_size=16, epochs=2, verbose=0, callbacks=[backup, Stop(6)])
    return trained(backup)


def by_batches(tmp_path):
    gan = began()
    for seed in range(3):
        gan.train_on_batch(uint8_images(16, seed=seed))
    return gan


def interrupted(tmp_path):
    gan = began()
    with pytest.raises(KeyboardInterrupt):
        gan.fit(uint8_images(), batch_size=16, verbose=0, callbacks=[Stop(2)])
    return gan


SOURCES = {
    "new": lambda tmp_path: began(),
    "trained": lambda tmp_path: trained(),
    "by batches": by_batches,
    "interrupted": interrupted,
    "reopened": reopened,
    "resumed": resumed,
}


@pytest.mark.parametrize(
    ("source", "change"),
    [
        ("resumed", load_into),
        pytest.param("trained", set_one_layer, marks=on("torch")),
        *(
            pytest.param(name, load_into, marks=on("torch"))
            for name in SOURCES
            if name != "resumed"
        ),
    ],
)
def test_it_begins_anew_from_weights_that_were_loaded(source, change, tmp_path):
    gan = SOURCES[source](tmp_path)
    change(gan.generator, tmp_path)
    np.testing.assert_array_equal(gan.sample(3, seed=1), gan.sample(3, seed=1, average=False))


USES = {
    "averaged": lambda gan, tmp_path: gan.averaged().__enter__(),
    "save": lambda gan, tmp_path: gan.save(tmp_path / "later.keras"),
    "invert": lambda gan, tmp_path: gan.invert(uint8_images(1), steps=1),
}


@on("torch")
@pytest.mark.parametrize("use", USES)
def test_every_use_of_it_notices_the_weights_that_were_loaded(use, tmp_path):
    gan = trained()
    load_into(gan.generator, tmp_path)
    USES[use](gan, tmp_path)
    for average, now in zip(gan._weight_average.values, weights(gan.generator), strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(average), now)


@on("torch")
@pytest.mark.parametrize("way", ["fit", "train_on_batch"])
def test_training_goes_on_from_the_weights_that_were_loaded(way, tmp_path):
    gan = trained()
    load_into(gan.generator, tmp_path)
    before, step, images = weights(gan.generator), int(gan.step), uint8_images(16)
    if way == "fit":
        gan.fit(images, batch_size=16, verbose=0)
    else:
        gan.train_on_batch(images)
    decay = min(0.9, (1 + step) / (10 + step))
    for old, now, average in zip(
        before, weights(gan.generator), gan._weight_average.values, strict=True
    ):
        expected = decay * old + (1 - decay) * now
        average = keras.ops.convert_to_numpy(average)
        np.testing.assert_allclose(average, expected, rtol=1e-4, atol=1e-6)


@on("torch")
def test_it_is_left_alone_where_only_training_has_changed_the_weights(tmp_path):
    """This holds for a hand-written loop, within `averaged()`, and for threads while `fit` runs."""
    gan, seen = trained(), []
    kept = weights(gan._weight_average)
    with gan.averaged():
        gan.sample(3)
    gan.save(tmp_path / "gan.keras")
    gan.load_weights(tmp_path / "gan.keras")
    gan.sample(3)
    for one, other in zip(kept, weights(gan._weight_average), strict=True):
        np.testing.assert_array_equal(one, other)
    gan.generator.layers[0].bias.assign_add(np.ones(8))
    gan._training_state.advance()  # as in a hand-written loop
    gan.sample(3)
    for one, other in zip(kept, weights(gan._weight_average), strict=True):
        np.testing.assert_array_equal(one, other)

    class Change(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.model.generator.layers[0].bias.assign_add(np.ones(8))
            self.model.sample(3)
            seen.extend(weights(self.model._weight_average))

    gan.fit(uint8_images(16), batch_size=16, verbose=0, callbacks=[Change()])
    for one, other in zip(kept, seen, strict=True):
        np.testing.assert_array_equal(one, other)


@on("torch")
def test_a_file_without_an_average_gives_it_the_weights(tmp_path):
    plain, gan = began(generator_average=None), trained()
    plain.fit(uint8_images(), batch_size=16, epochs=2, verbose=0)
    plain.save_weights(tmp_path / "plain.weights.h5")
    gan.load_weights(tmp_path / "plain.weights.h5")
    np.testing.assert_array_equal(gan.sample(3, seed=1), plain.sample(3, seed=1))


@on("torch")
def test_a_generator_with_lora_has_no_average():
    gan = trained()
    for layer in gan.generator.layers[:2]:
        layer.enable_lora(2)
    assert not gan._weight_average
    with pytest.raises(ValueError, match="There is no average"), gan.averaged():
        pass


@on("torch")
@pytest.mark.parametrize("decay", [0.0, 1.0])
def test_bad_arguments_are_refused(decay):
    with pytest.raises(ValueError, match=r"`generator_average` must be in \(0, 1\)"):
        began(generator_average=decay)
    with pytest.raises(ValueError, match="There is no average"), CASES[0].build().averaged():
        pass
