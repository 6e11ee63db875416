"""What each network computes, against the same layers written out in NumPy."""

import keras
import numpy as np
import pytest

from keras_egan import networks
from keras_egan.networks._layers import batch_normalised
from tests.layers import Layers, doubled, elu, leaky, randomise, relu, sigmoid


@pytest.fixture(autouse=True)
def numpy_weights(monkeypatch):
    """The first weights, replaced at once: JAX would compile each initializer for each shape."""
    names = ("GlorotUniform", "HeNormal", "RandomNormal", "TruncatedNormal")
    for initializer in (getattr(keras.initializers, name) for name in names):
        monkeypatch.setattr(initializer, "__call__", lambda self, shape, dtype: np.zeros(shape))


def check(network, forward, tolerance=1e-4):
    """Holds a network with random weights against `forward(layers, inputs)`."""
    randomise(network)
    shape = (3, *network.input_shape[1:])
    inputs = np.random.default_rng(1).normal(size=shape).astype("float32")
    layers = Layers(network)
    expected = forward(layers, inputs.astype("float64"))
    assert layers.finished()
    assert expected.std() > 0.02  # neither dead nor saturated
    found = keras.ops.convert_to_numpy(network(inputs, training=False))
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("skips", [False, True])
@pytest.mark.parametrize("residuals", [False, True])
def test_began(skips, residuals):
    """3x3, ELU, twice a scale, 16x24 to 8x12 and back; linear at the embedding and at the end."""
    generator, discriminator = networks.began(
        (16, 24, 3),
        filters=2,
        latent_dim=5,
        embedding_dim=4,
        skips=skips,
        vanishing_residuals=residuals,
    )

    def twice(layers, x):
        for _ in range(2):
            y = elu(layers.conv(x))
            x = layers.residual(x, y) if residuals and x.shape == y.shape else y
        return x

    def encoder(layers, x):
        x = twice(layers, elu(layers.conv(x)))
        x = twice(layers, elu(layers.conv(x, strides=2)))
        return layers.dense(x)

    def decoder(layers, code):
        first = layers.dense(code).reshape(-1, 8, 12, 2)
        x = doubled(twice(layers, first))
        if skips:
            x = np.concatenate([x, doubled(first)], axis=-1)
        return layers.conv(twice(layers, x))

    check(generator, decoder)
    check(discriminator.encoder, encoder)
    check(discriminator.decoder, decoder)


def test_began_skips_from_the_first_scale_to_every_one():
    generator, _ = networks.began((32, 32, 1), filters=2, latent_dim=5, repeats=1, skips=True)

    def forward(layers, code):
        x = first = layers.dense(code).reshape(-1, 8, 8, 2)
        x = elu(layers.conv(x))
        for _ in range(2):
            first = doubled(first)
            x = elu(layers.conv(np.concatenate([doubled(x), first], axis=-1)))
        return layers.conv(x)

    check(generator, forward)


def test_dcgan_autoencoder():
    generator, discriminator = networks.dcgan_autoencoder(
        (8, 12, 3), filters=2, latent_dim=5, embedding_dim=4
    )

    def dense(layers, x):
        return relu(layers.norm(layers.dense(x, bias=False), epsilon=1e-3))

    def image(layers, x):
        return 2.0 * sigmoid(layers.transposed(x)) - 1.0

    def generate(layers, z):
        x = dense(layers, dense(layers, z)).reshape(-1, 2, 3, 4)
        x = layers.transposed(x, bias=False)
        return image(layers, relu(layers.norm(x, epsilon=1e-3)))

    def encode(layers, images):
        x = relu(layers.conv((images + 1.0) / 2.0, strides=2))
        return layers.norm(layers.dense(x, bias=False), epsilon=1e-3)

    def decode(layers, embedding):
        return image(layers, dense(layers, relu(embedding)).reshape(-1, 4, 6, 2))

    check(generator, generate)
    check(discriminator.encoder, encode)
    check(discriminator.decoder, decode)


def dcgan_generator(layers, x, scales, bias=False):
    """From 1x1: to 4x4, then doubled, with batch normalisation and ReLU."""
    x = layers.transposed(x, strides=1, bias=False, padding="valid")
    for _ in range(scales - 1):
        x = layers.transposed(relu(layers.norm(x)), bias=False)
    return np.tanh(layers.transposed(relu(layers.norm(x)), bias=bias))


def test_ebgan():
    generator, discriminator = networks.ebgan((64, 64, 3), filters=1, latent_dim=5)

    def generate(layers, z):
        return dcgan_generator(layers, z[:, None, None], scales=4, bias=True)

    def encode(layers, images):
        x = leaky(layers.conv(images, strides=2))
        for _ in range(2):
            x = leaky(layers.norm(layers.conv(x, strides=2, bias=False)))
        return x

    def decode(layers, x):
        for _ in range(2):
            x = leaky(layers.norm(layers.transposed(x, bias=False)))
        return layers.transposed(x)

    check(generator, generate)
    check(discriminator.encoder, encode)
    check(discriminator.decoder, decode)


def test_ebgan_of_128_with_its_noise_planes():
    generator, discriminator = networks.ebgan((128, 128, 1), filters=1, latent_dim=5)

    def generate(layers, z):
        x, z = z[:, None, None, :5], z[:, 5:]
        for side, planes in ((4, 64), (8, 32), (16, 16), (32, 8), (64, 4), (128, 0)):
            if side == 4:
                x = layers.transposed(x, strides=1, bias=False, padding="valid")
            else:
                x = layers.transposed(x, bias=False)
            noise, z = z[:, : side * side * planes], z[:, side * side * planes :]
            noise = noise.reshape(len(z), side, side, planes)
            x = np.concatenate([relu(layers.norm(x)), noise], axis=-1)
        assert z.size == 0
        return np.tanh(layers.conv(x))

    def encode(layers, images):
        x = leaky(layers.conv(images, strides=2))
        for _ in range(3):
            x = leaky(layers.norm(layers.conv(x, strides=2, bias=False)))
        return x

    check(generator, generate)
    check(discriminator.encoder, encode)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_ebgan_mlp(dropout):
    generator, discriminator = networks.ebgan_mlp(
        (4, 6, 1), n_layers_g=3, n_layers_d=3, size_g=7, size_d=8, latent_dim=5, dropout_d=dropout
    )

    def generate(layers, x):
        for _ in range(2):
            x = relu(layers.norm(layers.dense(x, bias=False)))
        return np.tanh(layers.dense(x)).reshape(-1, 4, 6, 1)

    def encode(layers, images):
        x = relu(layers.dense(images))
        return relu(layers.norm(layers.dense(x, bias=False)))

    check(generator, generate)
    check(discriminator.encoder, encode)
    check(discriminator.decoder, lambda layers, x: layers.dense(x).reshape(-1, 4, 6, 1))


def test_ebgan_small():
    generator, discriminator = networks.ebgan_small(
        (8, 12, 3), filters=2, latent_dim=5, embedding_dim=4
    )

    def generate(layers, z):
        x = layers.dense(z).reshape(-1, 2, 3, 4)
        for _ in range(2):
            x = leaky(layers.norm(layers.conv(doubled(x), bias=False)))
        return np.tanh(layers.conv(x))

    def encode(layers, images):
        return layers.dense(relu(layers.conv(images, strides=2)))

    def decode(layers, embedding):
        x = layers.dense(relu(layers.norm(embedding)), bias=False)
        return layers.conv(doubled(relu(layers.norm(x)).reshape(-1, 4, 6, 2)))

    check(generator, generate)
    check(discriminator.encoder, encode)
    check(discriminator.decoder, decode)


def test_magan_mnist():
    generator, discriminator = networks.magan_mnist(filters=4, units=6, latent_dim=5)

    def generate(layers, z):
        x = relu(layers.transposed(z[:, None, None], strides=1, padding="valid"))
        return 2.0 * sigmoid(layers.transposed(relu(layers.transposed(x)))) - 1.0

    def encode(layers, images):
        return relu(layers.dense(relu(layers.dense((images + 1.0) / 2.0))))

    def decode(layers, embedding):
        return 2.0 * sigmoid(layers.dense(embedding)).reshape(-1, 28, 28, 1) - 1.0

    check(generator, generate)
    check(discriminator.encoder, encode)
    check(discriminator.decoder, decode)


@pytest.mark.parametrize(
    ("build", "scales"), [(networks.magan_cifar10, 3), (networks.magan_celeba, 4)]
)
def test_magan_of_colours(build, scales):
    generator, discriminator = build(filters=8, latent_dim=5)

    def generate(layers, z):
        x = relu(layers.transposed(z[:, None, None], strides=1, padding="valid"))
        for _ in range(scales - 1):
            x = relu(layers.transposed(x))
        return np.tanh(layers.transposed(x))

    def encode(layers, x):
        for _ in range(scales):
            x = leaky(layers.conv(x, strides=2))
        return x

    def decode(layers, x):
        for _ in range(scales - 1):
            x = leaky(layers.transposed(x))
        return np.tanh(layers.transposed(x))

    check(generator, generate)
    check(discriminator.encoder, encode)
    check(discriminator.decoder, decode)


def least_squares_critic(layers, images, normalise=True):
    x = leaky(layers.conv(images, strides=2))
    for _ in range(3):
        x = layers.conv(x, strides=2, bias=not normalise)
        x = leaky(layers.norm(x) if normalise else x)
    return layers.dense(x)


def test_least_squares_vgg():
    generator, critic = networks.least_squares_vgg((16, 32, 3), filters=1, latent_dim=5)

    def generate(layers, z):
        x = relu(layers.norm(layers.dense(z).reshape(-1, 1, 2, 4)))
        for strides in (2, 1, 2, 1, 2, 2):
            x = relu(layers.norm(layers.transposed(x, strides, bias=False)))
        return np.tanh(layers.transposed(x, strides=1))

    check(generator, generate)
    check(critic, least_squares_critic)


@pytest.mark.parametrize("normalise_g", [True, False])
@pytest.mark.parametrize("normalise_d", [True, False])
def test_least_squares_dcgan(normalise_g, normalise_d):
    generator, critic = networks.least_squares_dcgan(
        (16, 32, 3), filters=1, latent_dim=5, normalise_g=normalise_g, normalise_d=normalise_d
    )

    def hidden(layers, x):
        return relu(layers.norm(x) if normalise_g else x)

    def generate(layers, z):
        x = hidden(layers, layers.dense(z).reshape(-1, 1, 2, 8))
        for _ in range(3):
            x = hidden(layers, layers.transposed(x, bias=not normalise_g))
        return np.tanh(layers.transposed(x))

    check(generator, generate)
    check(critic, lambda layers, x: least_squares_critic(layers, x, normalise_d))


@pytest.mark.parametrize("normalise_d", [True, False])
def test_loss_sensitive(normalise_d):
    """The output, cut at 0 or not, is held by a test of its own."""
    generator, critic = networks.loss_sensitive(
        (32, 32, 3), filters=1, latent_dim=5, normalise_d=normalise_d, nonnegative=False
    )

    def score(layers, images):
        x = leaky(layers.conv(images, strides=2, bias=not normalise_d))
        for _ in range(2):
            x = layers.conv(x, strides=2, bias=not normalise_d)
            x = leaky(layers.norm(x) if normalise_d else x)
        return layers.conv(x, bias=not normalise_d, padding="valid")[:, 0, 0]

    check(generator, lambda layers, z: dcgan_generator(layers, z[:, None, None], scales=3))
    check(critic, score)


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

    check(generator, lambda layers, z: 3.0 * vector(layers, z))
    check(critic, lambda layers, x: vector(layers, x / 3.0))
    check(autoencoder.encoder, lambda layers, x: vector(layers, x / 3.0))
    check(autoencoder.decoder, lambda layers, x: 3.0 * vector(layers, x))


def test_moving_statistics_take_a_tenth_of_each_batch():
    """Channel by channel: over the batch and, in feature maps, over the pixels."""
    rng = np.random.default_rng(0)
    for shape in ((6, 2), (6, 3, 5, 2)):
        features = keras.Input(shape[1:])
        network = keras.Model(features, batch_normalised(features))
        batch = rng.normal(3.0, 2.0, shape).astype("float32")
        network(batch, training=True)
        _, _, mean, variance = network.get_weights()
        axes = tuple(range(len(shape) - 1))
        np.testing.assert_allclose(mean, 0.1 * batch.mean(axes), rtol=1e-5)
        np.testing.assert_allclose(variance, 0.9 + 0.1 * batch.var(axes), rtol=1e-5)
