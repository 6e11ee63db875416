"""Outputs of critics and multi-layer networks, compared with the same layers in NumPy."""

import keras
import numpy as np
import pytest

from keras_egan import networks
from keras_egan.networks._layers import batch_normalized
from tests.conftest import few, on
from tests.layers import (
    check_forward,
    dcgan_generator,
    halved,
    interpolated,
    leaky,
    relu,
    start_from_zeros,
)


@pytest.fixture(autouse=True)
def zeros(monkeypatch):
    start_from_zeros(monkeypatch)


def least_squares_critic(layers, images, normalize=True):
    x = leaky(layers.conv(images, strides=2))
    for _ in range(3):
        x = layers.conv(x, strides=2, bias=not normalize)
        x = leaky(layers.norm(x) if normalize else x)
    return layers.dense(x)


@on("torch")
def test_least_squares_vgg():
    generator, critic = networks.least_squares_vgg((16, 32, 3), filters=1, latent_dim=5)

    def generate(layers, z):
        x = relu(layers.norm(layers.dense(z).reshape(-1, 1, 2, 4)))
        for strides in (2, 1, 2, 1, 2, 2):
            x = relu(layers.norm(layers.transposed(x, strides, bias=False)))
        return np.tanh(layers.transposed(x, strides=1))

    check_forward(generator, generate)
    check_forward(critic, least_squares_critic)


@on("torch")
@pytest.mark.parametrize("normalize_g", [True, False])
@pytest.mark.parametrize("normalize_d", [True, False])
def test_least_squares_dcgan(normalize_g, normalize_d):
    generator, critic = networks.least_squares_dcgan(
        (16, 32, 3), filters=1, latent_dim=5, normalize_g=normalize_g, normalize_d=normalize_d
    )

    def hidden(layers, x):
        return relu(layers.norm(x) if normalize_g else x)

    def generate(layers, z):
        x = hidden(layers, layers.dense(z).reshape(-1, 1, 2, 8))
        for _ in range(3):
            x = hidden(layers, layers.transposed(x, bias=not normalize_g))
        return np.tanh(layers.transposed(x))

    check_forward(generator, generate)
    check_forward(critic, lambda layers, x: least_squares_critic(layers, x, normalize_d))


@pytest.mark.parametrize("normalize_d", [True, False])
def test_loss_sensitive(normalize_d):
    """Another test covers the output, with and without its ReLU."""
    generator, critic = networks.loss_sensitive(
        (32, 32, 3), filters=1, latent_dim=5, normalize_d=normalize_d, nonnegative=False
    )

    def score(layers, images):
        x = leaky(layers.conv(images, strides=2, bias=not normalize_d))
        for _ in range(2):
            x = layers.conv(x, strides=2, bias=not normalize_d)
            x = leaky(layers.norm(x) if normalize_d else x)
        return layers.conv(x, bias=not normalize_d, padding="valid")[:, 0, 0]

    check_forward(generator, lambda layers, z: dcgan_generator(layers, z[:, None, None], scales=3))
    check_forward(critic, score)


@pytest.mark.parametrize("blocks", few([1, 2], 2))
def test_residual(blocks):
    """9x12 is halved to 5x6 and doubled to 10x12, of which one row is cropped."""
    generator, autoencoder = networks.residual(
        (9, 12, 3), filters=4, latent_dim=5, blocks=blocks, embedding_dim=6
    )
    _, critic = networks.residual((9, 12, 3), filters=4, blocks=blocks)

    def stage(layers, x):
        for _ in range(blocks):
            x = x + layers.conv(leaky(layers.conv(leaky(x))))
        return x

    def decode(layers, code):
        x = stage(layers, layers.dense(code).reshape(-1, 5, 6, 4))
        return np.tanh(layers.conv(interpolated(leaky(x)))[:, :9])

    def features(layers, images):
        return leaky(stage(layers, layers.conv(halved(images))))

    def encode(layers, images):
        return layers.norm(layers.dense(features(layers, images), bias=False), epsilon=1e-3)

    check_forward(generator, decode)
    check_forward(critic, lambda layers, x: layers.dense(features(layers, x)))
    check_forward(autoencoder.encoder, encode)
    check_forward(autoencoder.decoder, decode)


@on("torch")
def test_residual_of_several_scales():
    generator, critic = networks.residual((32, 64, 1), filters=2, latent_dim=5)

    def stage(layers, x):
        return x + layers.conv(leaky(layers.conv(leaky(x))))

    def generate(layers, z):
        x = stage(layers, layers.dense(z).reshape(-1, 4, 8, 8))
        for _ in range(2):
            x = stage(layers, interpolated(layers.conv(leaky(x))))
        return np.tanh(layers.conv(interpolated(leaky(x))))

    def score(layers, images):
        x = stage(layers, layers.conv(halved(images)))
        for _ in range(2):
            x = stage(layers, layers.conv(halved(leaky(x))))
        return layers.dense(leaky(x))

    check_forward(generator, generate)
    check_forward(critic, score)


@on("torch")
@pytest.mark.parametrize(
    ("arguments", "activation"), [({}, relu), ({"activation": "tanh"}, np.tanh)]
)
def test_mlp(arguments, activation):
    generator, autoencoder = networks.mlp(
        3, latent_dim=5, n_layers=2, units=7, embedding_dim=4, scale=3.0, **arguments
    )
    _, critic = networks.mlp(3, n_layers=2, units=7, scale=3.0, **arguments)

    def vector(layers, x):
        for _ in range(2):
            x = activation(layers.dense(x))
        return layers.dense(x)

    check_forward(generator, lambda layers, z: 3.0 * vector(layers, z))
    check_forward(critic, lambda layers, x: vector(layers, x / 3.0))
    check_forward(autoencoder.encoder, lambda layers, x: vector(layers, x / 3.0))
    check_forward(autoencoder.decoder, lambda layers, x: 3.0 * vector(layers, x))


@on("torch")
def test_moving_statistics_take_a_tenth_of_each_batch():
    """Normalise each channel over the batch and, in feature maps, over the pixels."""
    rng = np.random.default_rng(0)
    for shape in ((6, 2), (6, 3, 5, 2)):
        features = keras.Input(shape[1:])
        network = keras.Model(features, batch_normalized(features))
        batch = rng.normal(3.0, 2.0, shape).astype("float32")
        network(batch, training=True)
        _, _, mean, variance = network.get_weights()
        axes = tuple(range(len(shape) - 1))
        np.testing.assert_allclose(mean, 0.1 * batch.mean(axes), rtol=1e-5)
        np.testing.assert_allclose(variance, 0.9 + 0.1 * batch.var(axes), rtol=1e-5)
