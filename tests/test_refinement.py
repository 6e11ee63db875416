"""Langevin steps in the latents, and truncation, compared with closed forms and NumPy."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_egan
from tests.conftest import few, on
from tests.registry import CONDITIONAL
from tests.test_began import forward, trainable
from tests.test_latent_space import samples_of
from tests.tiny import began

RNG = np.random.default_rng(0)
CENTER = np.array([0.9, -0.5, 0.3, 0.1])


def quadratic(kernel, latents):
    """Return a GAN whose energy is |z K - c|^2, where c is `center`."""
    generator, shape = dense(kernel, (2, 2, 1)), (2, 2, 1)
    constant = layers.Dense(4, kernel_initializer="zeros")
    discriminator = keras.Sequential(
        [keras.Input(shape), layers.Flatten(), constant, layers.Reshape(shape)]
    )
    constant.bias.assign(CENTER)
    return keras_egan.EnergyGAN(generator, discriminator, energy="sse", latents=latents)


def linear(scale=1.0, latents="normal"):
    """Return a GAN of vectors whose energy is 3 z_0 + 4 z_1, scaled."""
    generator = dense(np.eye(2))
    return keras_egan.EnergyGAN(
        generator, dense(scale * np.array([[3.0], [4.0]])), energy="output", latents=latents
    )


def dense(kernel, shape=None):
    layer = layers.Dense(np.shape(kernel)[1], use_bias=False)
    shaping = [layers.Reshape(shape)] if shape else []
    network = keras.Sequential([keras.Input((len(kernel),)), layer, *shaping])
    layer.kernel.assign(kernel)
    return network


@on("torch")
def test_normal_latents_reach_the_gaussian_of_a_quadratic_energy():
    """exp(-|z|^2 / 2 - w |z K - c|^2) has the precision I + 2 w K K^T."""
    kernel = np.array([[0.6, 0.2, 0.0, -0.4], [0.0, 0.4, -0.6, 0.2]])
    gan, weight = quadratic(kernel, "normal"), 0.7
    start = gan.draw_latents(20_000, seed=1)
    found = gan.refine(start, 100, 0.05, weight, seed=0, batch_size=20_000)
    covariance = np.linalg.inv(np.eye(2) + 2 * weight * kernel @ kernel.T)
    np.testing.assert_allclose(
        found.mean(0), covariance @ (2 * weight * kernel @ CENTER), atol=0.03
    )
    np.testing.assert_allclose(np.cov(found.T), covariance, atol=0.04)


@on("torch")
@pytest.mark.parametrize("truncation", [1.0, 0.6])
def test_uniform_latents_reach_the_density_within_their_range(truncation):
    kernel, weight = np.array([[0.9, -0.6, 0.5, 0.0]]), 2.0
    gan = quadratic(kernel, "uniform")
    start = truncation * gan.draw_latents(20_000, seed=1)
    found = gan.refine(start, 200, 0.05, weight, truncation, seed=0, batch_size=20_000)[:, 0]
    z = np.linspace(-truncation, truncation, 2001)
    density = np.exp(-weight * ((z[:, None] @ kernel - CENTER) ** 2).sum(1))
    density /= density.sum()
    mean = density @ z
    assert np.abs(found).max() <= truncation
    assert found.mean() == pytest.approx(mean, abs=0.02)
    assert found.std() == pytest.approx(np.sqrt(density @ (z - mean) ** 2), abs=0.02)


@on("torch")
@pytest.mark.parametrize(("latents", "deviation"), [("normal", 1.0), ("uniform", 1 / np.sqrt(3))])
def test_without_an_energy_latents_keep_their_law_at_any_step(latents, deviation):
    gan = linear(latents=latents)
    start = 0.5 * gan.draw_latents(20_000, seed=1)
    for step_size in (0.3, 1.0):
        found = gan.refine(
            start, 5, step_size, weight=1e-9, truncation=0.5, seed=0, batch_size=20_000
        )
        np.testing.assert_allclose(found.mean(0), 0, atol=0.02)
        np.testing.assert_allclose(found.std(0), 0.5 * deviation, rtol=0.02)
        assert np.abs(found).max() <= 0.5 or latents == "normal"


@on("torch")
def test_by_default_a_normal_energy_falls_by_one_standard_deviation():
    """The mean moves by w times the variance, which is one deviation at every scale."""
    gan = linear()
    start = gan.draw_latents(5000, seed=1)
    found = gan.refine(start, 60, seed=0, batch_size=5000)
    assert gan.energy(found).mean() == pytest.approx(-5, rel=0.08)  # w is computed from 256 samples
    assert gan.energy(found).std() == pytest.approx(5, rel=0.05)
    np.testing.assert_allclose(
        linear(1e4).refine(start, 60, seed=0, batch_size=5000), found, atol=1e-4
    )


@on("torch")
def test_where_the_loss_fixes_the_energys_scale_it_weighs_as_a_log_density():
    """LSGAN's best D, for labels a and b, is (b r + a) / (r + 1) at a ratio r = p_data / p_G."""
    generator, critic = dense(np.eye(2)), dense([[3.0], [4.0]])
    labels = keras_egan.LeastSquaresGAN.PEARSON
    a, b, r = labels["fake_label"], labels["real_label"], 1.001
    slope = np.log(r) / ((b * r + a) / (r + 1) - (b + a) / 2)
    z = RNG.normal(size=(3, 2))
    for gan, weight in (
        (keras_egan.RelativisticGAN(generator, critic), 1.0),
        (keras_egan.LeastSquaresGAN(generator, critic, **labels), slope),
    ):
        found = gan.refine(z, 3, seed=0)
        np.testing.assert_allclose(found, gan.refine(z, 3, weight=weight, seed=0), rtol=1e-4)


def test_the_gradient_of_the_energy_against_finite_differences():
    """It uses the energy of `gan.energy`: averaged weights, in inference mode."""
    gan = began(eta=2, generator_average=0.9)
    z = RNG.uniform(-1, 1, (5, 4))
    for average, kernel in zip(gan._weight_average.values, gan.generator.weights, strict=True):
        average.assign(1.2 * kernel)
    values = gan._sampled_variables(average=True)
    gradient = gan._energy_gradient(values, ops.convert_to_tensor(z.astype("float32")))
    np.testing.assert_allclose(
        gan.energy(gan.generate(z.astype("float32"))), energies(gan, z, 1.2), rtol=1e-4
    )
    direction = RNG.normal(size=z.shape)
    steps = [energies(gan, z + step * direction, 1.2) for step in (1e-6, -1e-6)]
    slopes = (ops.convert_to_numpy(gradient) * direction).sum(axis=1)
    np.testing.assert_allclose(slopes, (steps[0] - steps[1]) / 2e-6, rtol=1e-3, atol=1e-6)


def energies(gan, z, scale):
    """Compute in NumPy the energies of a tiny BEGAN's samples, with scaled generator weights."""
    weights = [scale * weight for weight in trainable(gan.generator)]
    images = forward(weights, z, [np.tanh, np.tanh])
    network = gan.discriminator
    code = forward(trainable(network.encoder), images, [np.tanh, None])
    return ((forward(trainable(network.decoder), code, [np.tanh, None]) - images) ** 2).mean(1)


@on("torch")
def test_truncation_scales_the_latents():
    gan = began()
    z = gan.draw_latents(5, seed=3)
    found = gan.sample(5, seed=3, truncation=0.6)
    np.testing.assert_array_equal(found, gan.generate(0.6 * z))
    np.testing.assert_allclose(found, samples_of(gan, 0.6 * z), atol=1e-5)


@pytest.mark.parametrize("case", few(CONDITIONAL, "began_classes"), ids=lambda case: case.name)
def test_every_gan_refines_samples_of_labels_by_a_seed(case):
    gan, labels = case.build(), [0, 2, 1, 1]
    found = gan.sample(4, seed=3, labels=labels, truncation=0.8, refine=3)
    np.testing.assert_array_equal(
        gan.sample(4, seed=3, labels=labels, truncation=0.8, refine=3), found
    )
    z = 0.8 * gan.draw_latents(4, seed=3)
    refined = gan.refine(z, 3, truncation=0.8, seed=3, labels=labels)
    np.testing.assert_array_equal(gan.generate(refined, labels=labels), found)
    other = gan.refine(z, 3, truncation=0.8, seed=3, labels=[0, 2, 1, 0])
    np.testing.assert_allclose(other[:3], refined[:3], atol=1e-6)
    assert not np.allclose(other[3], refined[3], atol=1e-6)
    assert not np.allclose(gan.refine(z, 3, truncation=0.8, seed=4, labels=labels), refined)


@on("torch")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 0}, "`steps` must be a whole number, 1 or more"),
        ({"step_size": 1.5}, r"`step_size` must be in \(0, 1\]; got 1.5"),
        ({"weight": 0.0}, "`weight` must be above 0"),
        ({"truncation": 0.0}, r"`truncation` must be in \(0, 1\]; got 0.0"),
        ({"latents": np.zeros((2, 3))}, r"`latents` must be finite latents of shape \(n, 4\)"),
    ],
)
def test_what_cannot_be_refined_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        began().refine(**{"latents": np.zeros((2, 4)), **arguments})


@on("torch")
def test_what_cannot_be_sampled_so_is_refused():
    gan = CONDITIONAL[0].build()
    with pytest.raises(ValueError, match="`labels` are missing"):
        gan.refine(np.zeros((2, 4)))
    with pytest.raises(ValueError, match="`refine` must be a whole number, 0 or more; got -1"):
        gan.sample(2, refine=-1)
    with pytest.raises(ValueError, match=r"`truncation` must be in \(0, 1\]; got 1.2"):
        gan.sample(2, truncation=1.2)
