"""Averages of batch normalisation that are set to those of data after a training."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from keras_egan import LeastSquaresGAN
from keras_egan.anomaly import EnergyDetector
from tests.conftest import on
from tests.registry import CONDITIONAL, tiny_networks, uint8_images
from tests.tiny import began


def normalized_gan():
    """Return a GAN whose critic normalises first pixels, then ten features of them."""
    critic = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.BatchNormalization(momentum=0.9),
            layers.Flatten(),
            layers.Dense(10),
            layers.BatchNormalization(momentum=0.9),
            layers.Dense(1),
        ]
    )
    generator, _ = tiny_networks((8, 8, 1))
    return LeastSquaresGAN(generator, critic)


def test_averages_of_batch_normalisation_become_those_of_data():
    gan = normalized_gan()
    first, dense, second = (gan.discriminator.layers[index] for index in (0, 2, 3))
    for layer in (first, second):
        layer.moving_mean.assign(layer.moving_mean + 5.0)
        layer.moving_variance.assign(layer.moving_variance * 9.0)
    images = uint8_images(40, (8, 8, 1))
    trained = [ops.convert_to_numpy(variable.value) for variable in gan.trainable_variables]
    gan.settle_normalization(images, steps=150, batch_size=40)
    pixels = images / 127.5 - 1.0
    expected = pixels.mean(), pixels.var()
    features = (pixels - expected[0]) / np.sqrt(expected[1] + 1e-3)
    features = features.reshape(40, 64) @ ops.convert_to_numpy(dense.kernel)
    for layer, values in ((first, pixels.reshape(-1, 1)), (second, features)):
        for found, of in (
            (layer.moving_mean, values.mean(0)),
            (layer.moving_variance, values.var(0)),
        ):
            np.testing.assert_allclose(ops.convert_to_numpy(found), of, rtol=1e-3, atol=1e-4)
    for variable, value in zip(gan.trainable_variables, trained, strict=True):
        np.testing.assert_array_equal(ops.convert_to_numpy(variable.value), value)


@on("torch")
def test_batches_that_settle_are_drawn_by_the_seed():
    images = uint8_images(40, (8, 8, 1))
    found = []
    for seed in (0, 0, 1):
        gan = normalized_gan()
        gan.settle_normalization(images, steps=2, batch_size=8, seed=seed)
        found.append(float(gan.discriminator.layers[0].moving_mean[0]))
    assert found[0] == found[1] != found[2]
    with pytest.raises(ValueError, match="`steps` must be a whole number, 1 or more; got 0"):
        gan.settle_normalization(images, steps=0)
    with pytest.raises(ValueError, match=r"must lie in \[-1, 1\]"):
        gan.settle_normalization(images.astype("float32"))
    conditional = CONDITIONAL[0].build()
    with pytest.raises(ValueError, match="`labels` are missing"):
        conditional.settle_normalization(uint8_images(8))
    conditional.settle_normalization(uint8_images(8), np.arange(8) % 3, steps=2)


@on("torch")
def test_a_detector_settles_the_gan_that_it_trains():
    autoencoder = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.BatchNormalization(momentum=0.9),
            layers.Conv2D(1, 3, padding="same"),
        ]
    )
    images = 120 + uint8_images(40, (8, 8, 1)) // 2  # the generator's are near 0
    gan = began((tiny_networks((8, 8, 1))[0], autoencoder), rate=0.0)
    detector = EnergyDetector(gan, epochs=2, batch_size=40, calibration_split=0).fit(images)
    average = detector.scorer_.discriminator.layers[0].moving_mean
    expected = (images / 127.5 - 1.0).mean()
    np.testing.assert_allclose(ops.convert_to_numpy(average), expected, rtol=1e-3)
    assert abs(expected) > 0.3
