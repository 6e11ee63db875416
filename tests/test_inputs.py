"""What may be fed to a GAN, and every bad input's one clear error."""

import random

import keras
import numpy as np
import pytest
from keras import layers

import keras_egan
from tests.registry import EAGERLY, IMAGE_SHAPE, float_images, tiny_networks, uint8_images, weights


@pytest.fixture
def gan():
    random.seed(0)
    gan = keras_egan.BEGAN(*tiny_networks(), seed=1)
    gan.compile("sgd", "sgd", **EAGERLY)
    return gan


def spoilt(value):
    images = float_images()
    images[7, 2, 3, 0] = value
    return images


BAD = {
    "0 to 255": (float_images() * 127.5 + 127.5, r"must lie in \[-1, 1\]; these go from 0 to 255"),
    "NaN": (spoilt(np.nan), "1 of the 50 images hold NaN or infinite values, first .* index 7"),
    "infinite": (spoilt(np.inf), "NaN or infinite values"),
    "another shape": (
        uint8_images(20, (9, 8, 1)),
        r"shape \(1, 9, 8, 1\).*takes \(batch, 8, 8, 1\)",
    ),
    "no channels": (uint8_images()[..., 0], r"`images\[..., None\]`"),
    "int32": (uint8_images().astype("int32"), "images are int32; they must be uint8 or float"),
    "empty": (uint8_images(0), "data is empty"),
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("call", ["fit", "evaluate", "validation_data"])
def test_bad_images_are_refused_before_anything_moves(gan, name, call):
    images, message = BAD[name]
    before = weights(gan)
    calls = {
        "fit": gan.fit,
        "evaluate": gan.evaluate,
        "validation_data": lambda x, **rest: gan.fit(uint8_images(), validation_data=x, **rest),
    }
    with pytest.raises(ValueError, match=message):
        calls[call](images, verbose=0)
    for one, other in zip(before, weights(gan), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["0 to 255", "NaN", "another shape", "int32"])
def test_bad_images_have_no_energy(gan, name):
    images, _ = BAD[name]
    with pytest.raises(ValueError, match=r"images"):
        gan.energy(images)


def generator_of(images):
    for start in range(0, len(images), 16):
        yield (images[start : start + 16],)


def test_every_form_of_data_trains_alike(gan):
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            return (uint8_images()[16 * index : 16 * index + 16],)

    import tensorflow as tf
    import torch

    images = uint8_images()
    tensors = torch.utils.data.TensorDataset(torch.as_tensor(images))
    forms = [
        images,
        generator_of(images),
        Batches(),
        tf.data.Dataset.from_tensor_slices(images).batch(16),
        tf.data.Dataset.from_tensor_slices((images, np.arange(50))).batch(16),
        torch.utils.data.DataLoader(tensors, batch_size=16),
    ]
    trained = []
    for data in forms:
        random.seed(0)
        gan = keras_egan.BEGAN(*tiny_networks(), seed=1)
        gan.compile("sgd", "sgd", **EAGERLY)
        arguments = {"batch_size": 16} if data is images else {"steps_per_epoch": 4}
        gan.fit(data, shuffle=False, verbose=0, **arguments)
        assert int(gan.step) == 4
        trained.append(weights(gan.generator))
    for other in trained[1:]:
        for one, two in zip(trained[0], other, strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)


def test_bad_values_in_a_generator_are_refused(gan):
    with pytest.raises(ValueError, match=r"must lie in \[-1, 1\]"):
        gan.fit(generator_of(BAD["0 to 255"][0]), verbose=0)
    with pytest.raises(ValueError, match="data is empty"):
        gan.fit(generator_of(uint8_images(0)), verbose=0)


def test_batches_of_nothing_are_refused(gan):
    with pytest.raises(ValueError, match="`batch_size` must be a whole number, 1 or more; got 0"):
        gan.fit(uint8_images(), batch_size=0, verbose=0)
    with pytest.raises(ValueError, match="`batch_size` must be a whole number, 1 or more; got -1"):
        gan.energy(uint8_images(), batch_size=-1)


def test_a_dict_is_refused(gan):
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices({"image": uint8_images()}).batch(16)
    with pytest.raises(ValueError, match=r"got a dict with the keys \['image'\]"):
        gan.fit(data, verbose=0)


def test_networks_that_do_not_fit():
    generator, discriminator = tiny_networks()
    _, larger = tiny_networks((12, 12, 1))
    with pytest.raises(
        ValueError, match=r"samples of shape \(8, 8, 1\), but .* takes \(12, 12, 1\)"
    ):
        keras_egan.BEGAN(generator, larger)
    critic = keras.Sequential([keras.Input(IMAGE_SHAPE), layers.Flatten(), layers.Dense(1)])
    with pytest.raises(ValueError, match="must be an auto-encoder"):
        keras_egan.BEGAN(generator, critic)
    with pytest.raises(ValueError, match="a reconstruction must have its image's shape"):
        keras_egan.networks.Autoencoder(discriminator.encoder, larger.decoder)


def test_subclassed_networks_need_latent_dim():
    class Generator(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(64)
            self.reshape = layers.Reshape(IMAGE_SHAPE)

        def call(self, latents):
            return self.reshape(self.dense(latents))

    class Discriminator(keras.Model):
        def __init__(self):
            super().__init__()
            self.code = layers.Dense(2)

        def call(self, images):
            flat = keras.ops.reshape(images, (-1, 64))
            return keras.ops.reshape(flat * keras.ops.mean(self.code(flat)), (-1, *IMAGE_SHAPE))

    with pytest.raises(ValueError, match="`latent_dim` is missing"):
        keras_egan.BEGAN(Generator(), Discriminator())
    gan = keras_egan.BEGAN(Generator(), Discriminator(), latent_dim=3)
    gan.compile("sgd", "sgd", **EAGERLY)
    gan.fit(uint8_images(), verbose=0)
    assert gan.sample(2).shape == (2, *IMAGE_SHAPE)
