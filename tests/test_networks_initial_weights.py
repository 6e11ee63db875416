"""The distributions of the networks' initial weights, tested on draws."""

import random

import numpy as np
import pytest

from keras_egan import networks
from tests.conftest import on

pytestmark = on("torch")

# The largest of many draws, in standard deviations: 3 ** 0.5 for a uniform distribution, and
# 2 / 0.8796 for a normal one that is cut at two standard deviations.
LARGEST = {"uniform": (1.6, 1.74), "cut": (2.0, 2.28), "normal": (2.6, 6.0)}
CUT_NORMAL = 0.8796  # the standard deviation of N(0, 1) within [-2, 2]


@pytest.fixture(autouse=True)
def seed():
    random.seed(0)  # Keras's initializers draw their seeds from this


def drawn(network, name):
    """Return the network's weights of this name, such as "kernel"."""
    return [np.array(value) for w, value in pairs(network) if w.name == name]


def pairs(network):
    return zip(network.weights, network.get_weights(), strict=True)


def check(values, deviation, law, mean=0.0):
    """Compare arrays with a distribution; `deviation` is a number or depends on the shape."""
    if not callable(deviation):
        deviations = [deviation] * len(values)
    else:
        deviations = [deviation(*fans(value)) for value in values]
    scaled = [(v.ravel() - mean) / d for v, d in zip(values, deviations, strict=True)]
    together = np.concatenate(scaled)
    for sample in (*scaled, together):
        assert abs(sample.mean()) < 5.0 / len(sample) ** 0.5
        assert abs(sample.std() - 1.0) < 5.0 / (2 * len(sample)) ** 0.5
    least, most = LARGEST[law]
    assert least < np.abs(together).max() < most


def fans(kernel):
    """Return Keras's fans; for a transposed convolution, outputs count as inputs."""
    *sides, inputs, outputs = kernel.shape
    return int(np.prod(sides)) * inputs, int(np.prod(sides)) * outputs


def glorot(fan_in, fan_out):
    return (2.0 / (fan_in + fan_out)) ** 0.5


def he(fan_in, fan_out):
    return (2.0 / fan_in) ** 0.5


def parts(generator, discriminator):
    halves = [getattr(discriminator, half, None) for half in ("encoder", "decoder")]
    return [generator, *(halves if halves[0] else [discriminator])]


def check_others(network):
    """Biases begin at 0, and normalisations as the identity."""
    expected = {"bias": 0.0, "beta": 0.0, "moving_mean": 0.0, "gamma": 1.0, "moving_variance": 1.0}
    for weight, value in pairs(network):
        if weight.name != "kernel":
            np.testing.assert_array_equal(value, np.full_like(value, expected[weight.name]))


BUILDS = {
    "began": lambda: networks.began((8, 8, 1), filters=6, latent_dim=9),
    "dcgan_autoencoder": lambda: networks.dcgan_autoencoder((8, 8, 1), filters=6, latent_dim=9),
    "ebgan_small": lambda: networks.ebgan_small((8, 8, 1), filters=6, latent_dim=9),
    "mlp": lambda: networks.mlp(3, units=30, embedding_dim=2),
}


@pytest.mark.parametrize("name", BUILDS)
def test_glorots_where_nothing_is_said(name):
    for network in parts(*BUILDS[name]()):
        check(drawn(network, "kernel"), glorot, "uniform")
        check_others(network)


def test_ebgan_draws_from_a_normal_law_of_0_02():
    for network in parts(*networks.ebgan((64, 64, 3), filters=2, latent_dim=5)):
        check(drawn(network, "kernel"), 0.02, "normal")
        check_others(network)


def test_ebgan_of_128_does_so_too():
    generator, _ = networks.ebgan((128, 128, 1), filters=1, latent_dim=5)
    check(drawn(generator, "kernel"), 0.02, "normal")


def test_ebgan_mlp_draws_each_layer_afresh_with_its_networks_deviation():
    networks_and_deviations = zip(
        parts(
            *networks.ebgan_mlp(
                (8, 8, 1), n_layers_g=4, n_layers_d=4, size_g=16, size_d=16, latent_dim=16
            )
        ),
        (0.02, 0.002, 0.002),
        strict=True,
    )
    for network, deviation in networks_and_deviations:
        kernels = drawn(network, "kernel")
        check(kernels, deviation, "normal")
        check_others(network)
        square = [kernel.tobytes() for kernel in kernels if kernel.shape == (16, 16)]
        assert len({*square}) == len(square)


def test_magan_mnist_draws_by_he_before_relu_and_by_glorot_elsewhere():
    generator, encoder, decoder = parts(*networks.magan_mnist(filters=4, units=16, latent_dim=5))
    *hidden, last = drawn(generator, "kernel")
    check(hidden, he, "cut")
    check([last], glorot, "uniform")
    check(drawn(encoder, "kernel"), he, "cut")
    check(drawn(decoder, "kernel"), glorot, "uniform")
    for network in (generator, encoder, decoder):
        check_others(network)


def test_magan_of_colors_draws_by_he_in_the_generator_before_relu():
    generator, encoder, decoder = parts(*networks.magan_cifar10(filters=8, latent_dim=5))
    *hidden, last = drawn(generator, "kernel")
    check(hidden, he, "cut")
    check([last], glorot, "uniform")
    for network in (encoder, decoder):
        check(drawn(network, "kernel"), glorot, "uniform")


@pytest.mark.parametrize("build", [networks.least_squares_vgg, networks.least_squares_dcgan])
def test_least_squares_draws_from_normal_laws_cut_in_the_critics_convolutions(build):
    generator, critic = build((32, 32, 3), filters=2, latent_dim=5)
    check(drawn(generator, "kernel"), 0.02, "normal")
    *convolutions, score = drawn(critic, "kernel")
    check(convolutions, 0.02 * CUT_NORMAL, "cut")
    assert 0.01 < score.std() < 0.03
    for network in (generator, critic):
        check_others(network)


def test_loss_sensitive_draws_from_a_normal_law_of_0_02_gains_too():
    both = networks.loss_sensitive((32, 32, 3), filters=64, latent_dim=5)
    for network in both:
        check(drawn(network, "kernel"), 0.02, "normal")
    gains = [gain for network in both for gain in drawn(network, "gamma")]
    check(gains, 0.02, "normal", mean=1.0)
    _, critic = networks.loss_sensitive((16, 16, 3), filters=4, latent_dim=5, normalize_d=False)
    check(drawn(critic, "kernel"), 0.02, "normal")


def test_residual_blocks_begin_near_the_identity():
    both = networks.residual((8, 8, 3), filters=16, latent_dim=5, blocks=2)
    for network in both:
        kernels = [kernel for kernel in drawn(network, "kernel") if kernel.shape == (3, 3, 8, 16)]
        assert len(kernels) == 2
        check(kernels, lambda fan_in, _: 0.1 / fan_in**0.5, "cut")
        check_others(network)
