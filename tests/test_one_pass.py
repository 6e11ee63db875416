"""`updates="one_pass"`: fakes made and scored once equal two passes with the same latents."""

import random

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_egan
from keras_egan import networks
from tests.conftest import few, on
from tests.registry import (
    CASES,
    EAGERLY,
    VARIANTS,
    float_images,
    tiny_networks,
    uint8_images,
    weights,
)

# The margins of MAGAN and EBGAN do not fit these short runs.
pytestmark = pytest.mark.filterwarnings("ignore:For a whole epoch:UserWarning")

EVERY = [*CASES, *VARIANTS]
FURTHER = {
    "penalised": (keras_egan.LeastSquaresGAN, {"gradient_penalty": 2.0}, True),
    "clipped": (keras_egan.LossSensitiveGAN, {"weight_clip": 0.05, "slope": 1.0}, True),
}


def one_latent_a_step(gan):
    """Give both networks the same latents, which depend on the step alone."""

    def draw_latents(rows):
        grid = ops.reshape(
            ops.arange(rows.count * gan.latent_dim, dtype="float32"), (rows.count, -1)
        )
        return ops.sin(grid + 1.7 * ops.cast(gan.step, "float32"))

    gan._draw_latents = draw_latents
    return gan


def fast():
    return keras.optimizers.SGD(0.03, momentum=0.9)


def trained(build, updates, images, batch_size=8):
    random.seed(0)
    gan = one_latent_a_step(build(updates))
    history = gan.fit(images, batch_size=batch_size, shuffle=False, verbose=0).history
    trainable = [ops.convert_to_numpy(variable) for variable in gan.trainable_variables]
    return gan, history, trainable


def check(build, images=None, tolerance=2e-6):
    """Assert that one pass and two give the same metrics and weights after three steps."""
    images = float_images(24) if images is None else images
    before = [ops.convert_to_numpy(variable) for variable in build("one_pass").trainable_variables]
    gan, history, found = trained(build, "one_pass", images)
    other, expected_history, expected = trained(build, "simultaneous", images)
    assert history.keys() == expected_history.keys()
    for name, values in expected_history.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-5, atol=1e-6, err_msg=name)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * max(1.0, np.abs(b).max()))
    for name, state in gan._states.items():
        assert float(state) == pytest.approx(float(other._states[name]), rel=1e-5)
    return before, found


@pytest.mark.parametrize("case", few(EVERY, "began", "ls_gan"), ids=lambda case: case.name)
def test_it_is_what_two_passes_give(case):
    def build(updates):
        gan = case.build(fast, updates=updates, **EAGERLY)
        if issubclass(case.gan, keras_egan.BEGAN):
            gan.k_t.assign(0.6)
        return gan

    before, after = check(build)
    assert all(np.abs(a - b).max() > 2e-5 for a, b in zip(before, after, strict=True))


class Repelling(keras_egan.BEGAN):
    """BEGAN whose generator also minimises the pulling-away term."""

    uses_embedding = True

    def generator_loss(self, fake):
        return fake.energy + fake.within_batch(keras_egan.losses.pulling_away_term)


class Logarithmic(keras_egan.BEGAN):
    """BEGAN whose discriminator's loss has the logarithm of the fakes' energy."""

    def discriminator_loss(self, real, fake):
        return real.energy - self.k_t * ops.log(fake.energy)


@pytest.mark.parametrize("kind", [Repelling, Logarithmic])
def test_a_users_own_losses_are_differentiated_as_they_are(kind):
    def build(updates):
        random.seed(0)
        gan = kind(*tiny_networks(), seed=1, updates=updates)
        gan.compile(fast(), fast(), **EAGERLY)
        gan.k_t.assign(0.6)
        return gan

    check(build)


@on("torch")
@pytest.mark.parametrize("name", FURTHER)
def test_penalties_and_clipping(name):
    kind, arguments, _ = FURTHER[name]

    def build(updates):
        random.seed(0)
        (case,) = (case for case in CASES if case.name == "lsgan")
        generator, critic = case.build().generator, case.build().discriminator
        gan = kind(generator, critic, seed=1, updates=updates, **arguments)
        gan.compile(keras.optimizers.SGD(1e-2), keras.optimizers.SGD(1e-2), **EAGERLY)
        return gan

    check(build)


def regularized(units, **arguments):
    return layers.Dense(units, activation="tanh", kernel_regularizer="l2", **arguments)


def began_with_regularizers(updates):
    random.seed(0)
    generator = keras.Sequential(
        [
            keras.Input((4,)),
            regularized(8, activity_regularizer=keras.regularizers.L2(0.5)),
            regularized(64),
            layers.Reshape((8, 8, 1)),
        ]
    )
    encoder = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Flatten(),
            regularized(6, activity_regularizer=keras.regularizers.L2(0.5)),
        ]
    )
    decoder = keras.Sequential(
        [keras.Input((6,)), regularized(64, use_bias=False), layers.Reshape((8, 8, 1))]
    )
    gan = keras_egan.BEGAN(
        generator, networks.Autoencoder(encoder, decoder), seed=1, updates=updates
    )
    gan.compile(keras.optimizers.SGD(0.02), keras.optimizers.SGD(0.02), **EAGERLY)
    gan.k_t.assign(0.6)
    return gan


@on("torch")
def test_what_layers_add_counts_in_its_own_network():
    check(began_with_regularizers)


@on("torch")
@pytest.mark.parametrize("side", ["generator", "discriminator"])
def test_a_frozen_network_stays(side):
    def build(updates):
        gan = began_with_regularizers(updates)
        getattr(gan, side).trainable = False
        gan.compile(keras.optimizers.SGD(0.02), keras.optimizers.SGD(0.02), **EAGERLY)
        return gan

    kept = weights(getattr(build("one_pass"), side))
    check(build)
    gan = trained(build, "one_pass", float_images(24))[0]
    for a, b in zip(weights(getattr(gan, side)), kept, strict=True):
        np.testing.assert_array_equal(a, b)


@on("torch")
def test_magan_begins_with_its_discriminator_alone():
    def build(updates):
        gan = next(case for case in CASES if case.name == "magan").build(updates=updates)
        gan.epochs_done.assign(0)
        return gan

    check(build)


@on("torch")
@pytest.mark.parametrize(
    ("kind", "arguments"), [(keras_egan.BEGAN, {}), (keras_egan.EBGAN, {"margin": 20.0})]
)
def test_normalization_is_by_the_same_batches(kind, arguments):
    def build(updates):
        random.seed(0)
        pair = networks.dcgan_autoencoder((8, 8, 1), filters=2, latent_dim=4, embedding_dim=4)
        gan = kind(*pair, seed=1, updates=updates, **arguments)
        gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1), **EAGERLY)
        return gan

    check(build, tolerance=1e-5)


@pytest.mark.parametrize("kind", [keras_egan.BEGAN, keras_egan.EBGAN])
def test_scaled_losses_are_scaled_back(kind):
    """The networks' loss scales differ; the shared gradient has the generator's."""

    def build(updates):
        gan = next(case for case in CASES if case.gan is kind).build(updates=updates)
        if kind is keras_egan.BEGAN:
            gan.k_t.assign(0.6)
        scaled = [
            keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.01), initial_scale=scale)
            for scale in (2.0**7, 2.0**4)
        ]
        gan.compile(*scaled, **EAGERLY)
        return gan

    check(build)


def test_fakes_are_made_and_scored_once(monkeypatch):
    counts = {"generator": 0, "discriminator": 0}
    gan = next(case for case in CASES if case.name == "began").build(updates="one_pass")
    gan.compile(keras.optimizers.SGD(), keras.optimizers.SGD(), run_eagerly=True)
    for name in counts:
        network = getattr(gan, name)

        def counted(*arguments, call=network.call, name=name, **kwargs):
            counts[name] += 1
            return call(*arguments, **kwargs)

        monkeypatch.setattr(network, "call", counted)
    gan.train_on_batch(uint8_images(8))
    assert counts == {"generator": 1, "discriminator": 2}


@on("torch")
def test_several_discriminator_steps_are_refused():
    case = CASES[0]
    with pytest.raises(ValueError, match="`updates='one_pass'` needs `d_steps=1`; got"):
        case.build(updates="one_pass", d_steps=2)
    gan = case.build(updates="one_pass")
    gan.d_steps = 2
    with pytest.raises(ValueError, match="needs `d_steps=1`"):
        gan.fit(uint8_images(8), verbose=0)
