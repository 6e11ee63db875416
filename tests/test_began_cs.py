"""BEGAN-CS's own constraint, which is in the discriminator's loss alone."""

import random

import keras
import numpy as np
import pytest

import keras_egan
from tests.conftest import on
from tests.registry import LATENT_DIM, float_images, tiny_networks, uint8_images
from tests.test_began import forward, trainable

LATENTS = np.random.default_rng(3).uniform(-1, 1, (2, 16, LATENT_DIM)).astype("float32")
ENCODER, DECODER = slice(0, 4), slice(4, 8)  # the discriminator's weights


def build(kind=keras_egan.BEGANCS, **arguments):
    """Return a GAN with k_t = 0.3 that draws `LATENTS`, with the same weights at each call."""
    random.seed(0)
    networks = tiny_networks(embedding_dim=LATENT_DIM)
    gan = kind(*networks, seed=1, updates="simultaneous", **arguments)
    gan.compile(keras.optimizers.SGD(1.0), keras.optimizers.SGD(1.0))
    gan.k_t.assign(0.3)
    draws = iter(LATENTS)
    gan._draw_latents = lambda rows: keras.ops.convert_to_tensor(next(draws))
    return gan


def losses(generator, discriminator, images):
    """Return L(x), L(G(z_D)) and |Enc(G(z_D)) - z_D|, means over the batch, in float64."""

    def energy(values):
        reconstruction = forward(discriminator, values, [np.tanh, None, np.tanh, None])
        return np.abs(values - reconstruction).mean()

    fakes = forward(generator, LATENTS[0], [np.tanh, np.tanh])
    embedding = forward(discriminator[ENCODER], fakes, [np.tanh, None])
    return energy(images.reshape(-1, 64)), energy(fakes), np.abs(embedding - LATENTS[0]).mean()


def test_the_discriminator_descends_its_loss():
    """An SGD step of rate 1 moves the weights by minus the gradient of finite differences."""
    gan, images = build(latent_constraint=0.7), float_images(16)
    generator, before = trainable(gan.generator), trainable(gan.discriminator)
    rng = np.random.default_rng(4)
    direction = [rng.normal(size=v.shape) for v in before]

    def loss(epsilon):
        moved = [v + epsilon * d for v, d in zip(before, direction, strict=True)]
        real, fake, error = losses(generator, moved, images)
        return real - 0.3 * fake + 0.7 * error

    expected = (loss(1e-6) - loss(-1e-6)) / 2e-6
    gan.train_on_batch(images)
    after = trainable(gan.discriminator)
    moves = zip(before, after, direction, strict=True)
    assert sum(((old - new) * d).sum() for old, new, d in moves) == pytest.approx(
        expected, rel=1e-4
    )


@on("torch")
def test_the_generator_and_k_learn_as_in_began():
    images = float_images(16)
    found = [build(), build(keras_egan.BEGAN)]
    for gan in found:
        gan.train_on_batch(images)
    for one, other in zip(*(trainable(gan.generator) for gan in found), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)
    assert float(found[0].k_t) == pytest.approx(float(found[1].k_t), rel=1e-6)
    decoders = [trainable(gan.discriminator)[DECODER] for gan in found]
    encoders = [trainable(gan.discriminator)[ENCODER] for gan in found]
    for one, other in zip(*decoders, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)
    assert not np.allclose(encoders[0][0], encoders[1][0], atol=1e-4)


@on("torch")
def test_what_is_logged():
    gan, images = build(latent_constraint=0.7), float_images(16)
    real, fake, error = losses(trainable(gan.generator), trainable(gan.discriminator), images)
    logs = gan.train_on_batch(images, return_dict=True)
    assert logs["latent_error"] == pytest.approx(error, rel=1e-5)
    assert logs["d_loss"] == pytest.approx(real - 0.3 * fake + 0.7 * error, rel=1e-5)
    assert logs["m_global"] == pytest.approx(real + abs(0.5 * real - logs["fake_energy"]), rel=1e-5)


@on("torch")
def test_without_the_constraint_it_is_began_and_the_weight_may_change():
    images = float_images(16)
    gan, other = build(), build(keras_egan.BEGAN)
    gan.latent_constraint = 0.0
    for one in (gan, other):
        one.train_on_batch(images)
    for one, two in zip(*(trainable(g.discriminator) for g in (gan, other)), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-6, atol=1e-7)


@on("torch")
def test_the_encoder_learns_to_invert_the_generator():
    """The generator does not learn meanwhile."""
    random.seed(0)
    gan = keras_egan.BEGANCS(
        *tiny_networks(embedding_dim=LATENT_DIM), seed=1, latent_constraint=1.0
    )
    gan.compile(keras.optimizers.Adam(1e-2), keras.optimizers.SGD(0.0))
    history = gan.fit(uint8_images(64), batch_size=16, epochs=60, verbose=0).history
    assert history["latent_error"][-1] < 0.25 * history["latent_error"][0]
    z = gan.draw_latents(100, seed=0)
    fakes = gan.generate(z)
    encoded = gan.encode(fakes)
    assert np.abs(encoded - z).mean() < 0.25
    begun = gan.invert(fakes, steps=1, learning_rate=1e-6, starts=encoded)
    assert begun.errors.mean() < 0.5 * np.abs(fakes - fakes[::-1]).mean()


@on("torch")
@pytest.mark.parametrize(
    ("networks", "arguments", "message"),
    [
        (
            tiny_networks(),
            {},
            r"`discriminator` must have embeddings of the latents' shape, \(4,\); it has \(3,\). "
            "Build it with `embedding_dim=4`",
        ),
        (
            tiny_networks(embedding_dim=4),
            {"latent_constraint": -0.1},
            "`latent_constraint` must be 0 or more; got -0.1. The authors use 0.1",
        ),
    ],
)
def test_what_is_refused(networks, arguments, message):
    with pytest.raises(ValueError, match=message):
        keras_egan.BEGANCS(*networks, **arguments)


@on("torch")
def test_an_auto_encoder_without_halves_is_refused():
    generator, discriminator = tiny_networks()
    image = keras.Input((8, 8, 1))
    whole = keras.Model(image, discriminator(image))
    with pytest.raises(ValueError, match="`discriminator` must have an encoder"):
        keras_egan.BEGANCS(generator, whole)
