"""The networks' numbers of weights, and their normalised layers, counted by hand."""

from functools import partial
from itertools import pairwise

import keras
import pytest

from keras_egan.networks import (
    dcgan_autoencoder,
    ebgan,
    ebgan_mlp,
    ebgan_small,
    least_squares_dcgan,
    least_squares_vgg,
    loss_sensitive,
    magan_celeba,
    magan_cifar10,
    magan_mnist,
    residual,
)
from tests.conftest import on
from tests.layers import start_from_zeros

pytestmark = on("torch")


@pytest.fixture(autouse=True)
def zeros(monkeypatch):
    start_from_zeros(monkeypatch)


def convs(size, *channels):
    """Return the kernels' weights in a chain of square convolutions."""
    return sum(size * size * n * m for n, m in pairwise(channels))


def norms(*channels):
    """Return the weights of normalisations: gamma, beta and two moving statistics each."""
    return 4 * sum(channels)


def normalized(model):
    """Return N for each weight layer, or input, with a normalisation after it, - for others."""
    marks = ""
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            marks += "-"
        elif isinstance(layer, keras.layers.BatchNormalization):
            marks = marks[:-1] + "N"
    return marks


def blocks(*channels):
    """Return the weights of residual blocks, with their biases: to half the channels and back."""
    return sum(2 * 9 * n * n // 2 + n // 2 + n for n in channels)


# 4x4 kernels between the filters, then from each scale's noise planes to the next scale's filters.
EBGAN_128 = convs(4, 100, 16, 8, 4, 2, 1, 1) + 16 * (64 * 8 + 32 * 4 + 16 * 2 + 8 + 4)
EBGAN_256 = convs(4, 100, 32, 16, 8, 4, 2, 1, 1) + 16 * (64 * 16 + 32 * 8 + 16 * 4 + 8 * 2 + 4 + 2)
RESIDUAL = 16, 32, 64, 128
RESIDUAL_UP = convs(1, 128, 64, 32, 16) + convs(3, 16, 3) + 64 + 32 + 16 + 3
WEIGHTS = {  # of the generator, then of the encoder and the decoder, or of the critic
    dcgan_autoencoder: (
        ("NNN-", 64 * 256 + 256 * 8 * 8 * 64 + convs(4, 64, 32, 1) + norms(256, 4096, 32) + 1),
        ("-N", convs(4, 1, 32) + 32 + 16 * 16 * 32 * 32 + norms(32)),
        ("N-", 32 * 16 * 16 * 32 + norms(16 * 16 * 32) + convs(4, 32, 1) + 1),
    ),
    ebgan: (
        ("NNNN-", convs(4, 100, 1024, 512, 256, 128, 3) + norms(1024, 512, 256, 128) + 3),
        ("-NN", convs(4, 3, 64, 128, 256) + 64 + norms(128, 256)),
        ("NN-", convs(4, 256, 128, 64, 3) + norms(128, 64) + 3),
    ),
    partial(ebgan, (128, 128, 3), filters=1): (
        ("NNNNNN-", EBGAN_128 + norms(16, 8, 4, 2, 1, 1) + convs(3, 1, 3) + 3),
        ("-NNN", convs(4, 3, 1, 2, 4, 8) + 1 + norms(2, 4, 8)),
        ("NNN-", convs(4, 8, 4, 2, 1, 3) + norms(4, 2, 1) + 3),
    ),
    partial(ebgan, (256, 256, 1), filters=1): (
        ("NNNNNNN-", EBGAN_256 + norms(32, 16, 8, 4, 2, 1, 1) + convs(3, 1, 1) + 1),
        ("-NNN", convs(4, 1, 1, 2, 4, 8) + 1 + norms(2, 4, 8)),
        ("NNN-", convs(4, 8, 4, 2, 1, 1) + norms(4, 2, 1) + 1),
    ),
    ebgan_mlp: (
        ("NNNN-", 100 * 800 + 3 * 800 * 800 + norms(800, 800, 800, 800) + 800 * 784 + 784),
        ("-", 784 * 1024 + 1024),
        ("-", 1024 * 784 + 784),
    ),
    ebgan_small: (
        ("-NN-", 65 * 8 * 8 * 128 + convs(3, 128, 128, 64, 1) + norms(128, 64) + 1),
        ("--", convs(3, 1, 64) + 64 + 16 * 16 * 64 * 32 + 32),
        ("NN-", 32 * 16 * 16 * 64 + norms(32, 16 * 16 * 64) + convs(3, 64, 1) + 1),
    ),
    magan_mnist: (
        ("---", convs(7, 50, 128) + convs(4, 128, 64, 1) + 128 + 64 + 1),
        ("--", 784 * 256 + 256 + 256 * 256 + 256),
        ("-", 256 * 784 + 784),
    ),
    magan_cifar10: (
        ("----", convs(4, 320, 512, 256, 128, 3) + 512 + 256 + 128 + 3),
        ("---", convs(4, 3, 128, 256, 512) + 128 + 256 + 512),
        ("---", convs(4, 512, 256, 128, 3) + 256 + 128 + 3),
    ),
    magan_celeba: (
        ("-----", convs(4, 350, 512, 256, 128, 64, 3) + 512 + 256 + 128 + 64 + 3),
        ("----", convs(4, 3, 64, 128, 256, 512) + 64 + 128 + 256 + 512),
        ("----", convs(4, 512, 256, 128, 64, 3) + 256 + 128 + 64 + 3),
    ),
    least_squares_vgg: (
        (
            "NNNNNNN-",
            1025 * 7**2 * 256 + convs(3, *[256] * 5, 128, 64, 3) + norms(1280, 128, 64) + 3,
        ),
        ("-NNN-", convs(5, 3, 64, 128, 256, 512) + 64 + norms(128, 256, 512) + 7 * 7 * 512 + 1),
    ),
    least_squares_dcgan: (
        ("NNNN-", 1025 * 16 * 512 + convs(5, 512, 256, 128, 64, 3) + norms(512, 256, 128, 64) + 3),
        ("-NNN-", convs(5, 3, 64, 128, 256, 512) + 64 + norms(128, 256, 512) + 16 * 512 + 1),
    ),
    partial(least_squares_dcgan, normalize_g=False, normalize_d=False): (
        ("-----", 1025 * 16 * 512 + convs(5, 512, 256, 128, 64, 3) + 256 + 128 + 64 + 3),
        ("-----", convs(5, 3, 64, 128, 256, 512) + 64 + 128 + 256 + 512 + 16 * 512 + 1),
    ),
    loss_sensitive: (
        ("NNNN-", convs(4, 100, 512, 256, 128, 64, 3) + norms(512, 256, 128, 64)),
        ("-NNN-", convs(4, 3, 64, 128, 256, 512, 1) + norms(128, 256, 512)),
    ),
    partial(loss_sensitive, (32, 32, 1), filters=2, normalize_d=False): (
        ("NNN-", convs(4, 100, 8, 4, 2, 1) + norms(8, 4, 2)),
        ("----", convs(4, 1, 2, 4, 8, 1) + 2 + 4 + 8 + 1),
    ),
    residual: (
        ("-" * 13, 65 * 4 * 4 * 128 + RESIDUAL_UP + blocks(*RESIDUAL)),
        ("-" * 13, convs(4, 3, *RESIDUAL) + sum(RESIDUAL) + blocks(*RESIDUAL) + 4 * 4 * 128 + 1),
    ),
    partial(residual, blocks=2, embedding_dim=9): (
        ("-" * 21, 65 * 4 * 4 * 128 + RESIDUAL_UP + 2 * blocks(*RESIDUAL)),
        (
            "-" * 20 + "N",
            convs(4, 3, *RESIDUAL) + sum(RESIDUAL) + 2 * blocks(*RESIDUAL) + 2048 * 9 + norms(9),
        ),
        ("-" * 21, 10 * 4 * 4 * 128 + RESIDUAL_UP + 2 * blocks(*RESIDUAL)),
    ),
}


@pytest.mark.parametrize("build", WEIGHTS)
def test_weights_and_normalization_by_hand(build):
    with keras.StatelessScope(initialize_variables=False):
        generator, discriminator = build()
    keras.utils.clear_session(free_memory=False)  # otherwise the next scope initializes them all
    halves = [getattr(discriminator, half, None) for half in ("encoder", "decoder")]
    networks = [generator, *(halves if halves[0] else [discriminator])]
    assert tuple((normalized(x), x.count_params()) for x in networks) == WEIGHTS[build]


@pytest.mark.parametrize(("n_layers", "dropout"), [(2, 0.5), (3, 0.0), (5, 0.5)])
def test_ebgan_mlp_counts_its_layers(n_layers, dropout):
    generator, discriminator = ebgan_mlp(
        (8, 8, 1),
        n_layers_g=n_layers,
        n_layers_d=n_layers,
        size_g=6,
        size_d=7,
        latent_dim=3,
        dropout_d=dropout,
    )
    hidden = n_layers - 1
    assert normalized(generator) == "N" * hidden + "-"
    assert normalized(discriminator.encoder) == "-" + "N" * (hidden - 1)
    assert discriminator.count_params() == 64 * 7 + 7 + (hidden - 1) * (49 + 28) + 7 * 64 + 64
    dropouts = [x for x in discriminator.encoder.layers if isinstance(x, keras.layers.Dropout)]
    assert [x.rate for x in dropouts] == ([dropout] * hidden if dropout else [])
