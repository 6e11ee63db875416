"""The running average of the generator's weights."""

import random
from contextlib import nullcontext, suppress
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_egan
from keras_egan import export
from tests.registry import CASES, EAGERLY, tiny_networks, uint8_images, weights


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
    for average, value in zip(gan.weight_average.values, expected, strict=True):
        np.testing.assert_allclose(keras.ops.convert_to_numpy(average), value, rtol=1e-4, atol=1e-6)


def test_it_changes_nothing_in_training():
    trained = []
    for average in (None, 0.9):
        gan = began(generator_average=average)
        gan.fit(uint8_images(), batch_size=16, epochs=2, verbose=0)
        trained.append(weights(gan.generator) + weights(gan.discriminator))
    for one, other in zip(*trained, strict=True):
        np.testing.assert_array_equal(one, other)


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


@pytest.mark.parametrize("average", [True, False])
def test_export_takes_it(average, tmp_path, monkeypatch):
    gan, outputs = began(), []
    for kept in gan.weight_average.values:
        kept.assign(kept + 0.1)

    def convert(network, path, batches, **kwargs):
        Path(path).touch()
        outputs.extend(network.predict(*batch, verbose=0) for batch in batches)
        return outputs

    monkeypatch.setattr(export.converters, "convert", convert)
    monkeypatch.setattr(keras_egan.backend, "name", "tensorflow")  # which converts in this process
    export.export(gan, tmp_path / "generator.onnx", "onnx", average=average)
    z = np.random.default_rng(0).uniform(-1.0, 1.0, (1, 4)).astype("float32")  # its first trial
    with gan.averaged() if average else nullcontext():
        np.testing.assert_allclose(outputs[0], gan.predict(z, verbose=0), rtol=1e-5)
    assert not np.allclose(gan.sample(1, seed=1), gan.sample(1, seed=1, average=False))


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


@pytest.mark.parametrize("decay", [0.0, 1.0])
def test_bad_arguments_are_refused(decay):
    with pytest.raises(ValueError, match="`generator_average` must lie between 0 and 1"):
        began(generator_average=decay)
    with pytest.raises(ValueError, match="There is no average"), CASES[0].build().averaged():
        pass
