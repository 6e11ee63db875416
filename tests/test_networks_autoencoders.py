"""Outputs of the auto-encoder networks, compared with the same layers in NumPy."""

import numpy as np
import pytest

from keras_egan import networks
from tests.conftest import on
from tests.layers import (
    check_forward,
    dcgan_generator,
    doubled,
    elu,
    leaky,
    relu,
    sigmoid,
    small_dense,
    small_generator,
    small_image,
    start_from_zeros,
)


@pytest.fixture(autouse=True)
def zeros(monkeypatch):
    start_from_zeros(monkeypatch)


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

    check_forward(generator, decoder)
    check_forward(discriminator.encoder, encoder)
    check_forward(discriminator.decoder, decoder)


def test_began_skips_from_the_first_scale_to_every_one():
    generator, _ = networks.began((32, 32, 1), filters=2, latent_dim=5, repeats=1, skips=True)

    def forward(layers, code):
        x = first = layers.dense(code).reshape(-1, 8, 8, 2)
        x = elu(layers.conv(x))
        for _ in range(2):
            first = doubled(first)
            x = elu(layers.conv(np.concatenate([doubled(x), first], axis=-1)))
        return layers.conv(x)

    check_forward(generator, forward)


def test_dcgan_autoencoder():
    generator, discriminator = networks.dcgan_autoencoder(
        (8, 12, 3), filters=2, latent_dim=5, embedding_dim=4
    )

    def generate(layers, z):
        return small_generator(layers, z, (2, 3, 4))

    def encode(layers, images):
        x = relu(layers.conv((images + 1.0) / 2.0, strides=2))
        return layers.norm(layers.dense(x, bias=False), epsilon=1e-3)

    def decode(layers, embedding):
        return small_image(layers, small_dense(layers, relu(embedding)).reshape(-1, 4, 6, 2))

    check_forward(generator, generate)
    check_forward(discriminator.encoder, encode)
    check_forward(discriminator.decoder, decode)


@on("torch")
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

    check_forward(generator, generate)
    check_forward(discriminator.encoder, encode)
    check_forward(discriminator.decoder, decode)


@on("torch")
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

    check_forward(generator, generate)
    check_forward(discriminator.encoder, encode)


@on("torch")
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

    check_forward(generator, generate)
    check_forward(discriminator.encoder, encode)
    check_forward(discriminator.decoder, lambda layers, x: layers.dense(x).reshape(-1, 4, 6, 1))


@on("torch")
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

    check_forward(generator, generate)
    check_forward(discriminator.encoder, encode)
    check_forward(discriminator.decoder, decode)


@on("torch")
def test_magan_mnist():
    generator, discriminator = networks.magan_mnist(filters=4, units=6, latent_dim=5)

    def generate(layers, z):
        x = relu(layers.transposed(z[:, None, None], strides=1, padding="valid"))
        return 2.0 * sigmoid(layers.transposed(relu(layers.transposed(x)))) - 1.0

    def encode(layers, images):
        return relu(layers.dense(relu(layers.dense((images + 1.0) / 2.0))))

    def decode(layers, embedding):
        return 2.0 * sigmoid(layers.dense(embedding)).reshape(-1, 28, 28, 1) - 1.0

    check_forward(generator, generate)
    check_forward(discriminator.encoder, encode)
    check_forward(discriminator.decoder, decode)


@on("torch")
@pytest.mark.parametrize(
    ("build", "scales"), [(networks.magan_cifar10, 3), (networks.magan_celeba, 4)]
)
def test_magan_of_colors(build, scales):
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

    check_forward(generator, generate)
    check_forward(discriminator.encoder, encode)
    check_forward(discriminator.decoder, decode)
