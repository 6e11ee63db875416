"""Interpolation, inversion and encoding, compared with NumPy and invertible generators."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_egan
from tests.conftest import few, on
from tests.registry import CASES, float_images, tiny_networks, uint8_images
from tests.test_began import forward, trainable
from tests.tiny import began

RNG = np.random.default_rng(0)


def linear(kernel, latents="uniform", **arguments):
    """Return a GAN whose samples are z K, images of 2x2."""
    generator = keras.Sequential(
        [keras.Input((len(kernel),)), layers.Dense(4, use_bias=False), layers.Reshape((2, 2, 1))]
    )
    generator.layers[0].kernel.assign(kernel)
    _, discriminator = tiny_networks((2, 2, 1))
    return keras_egan.BEGAN(generator, discriminator, latents=latents, **arguments)


def samples_of(gan, latents):
    found = forward(trainable(gan.generator), latents, [np.tanh, np.tanh])
    return found.reshape(*latents.shape[:-1], *gan.image_shape)


@on("torch")
def test_uniform_latents_are_joined_by_lines():
    gan = began()
    a, b = RNG.uniform(-1, 1, (2, 3, 4))
    found = gan.interpolate(a, b, steps=5)
    path = np.stack([a + t * (b - a) for t in (0, 0.25, 0.5, 0.75, 1)], axis=1)
    assert found.shape == (3, 5, 8, 8, 1)
    np.testing.assert_allclose(found, samples_of(gan, path), atol=1e-5)


@on("torch")
def test_normal_latents_are_joined_by_arcs():
    """Points lie in the plane of a and b at equal angles; equal lengths are kept."""
    kernel = np.eye(4, dtype="float32")[:3]
    gan = linear(kernel, "normal")
    a, b = 0.6 * np.array([[1.0, 0.0, 0.0], [0.5, 0.5, 0.5**0.5]])  # at 60 degrees
    found = gan.interpolate(a, b, steps=4)
    assert found.shape == (4, 2, 2, 1)
    path = found.reshape(4, 4)[:, :3]
    angles = np.arccos(path @ a / (0.6 * np.linalg.norm(path, axis=1)))
    np.testing.assert_allclose(np.linalg.norm(path, axis=1), 0.6, rtol=1e-5)
    np.testing.assert_allclose(angles[1:], np.radians([20, 40, 60]), rtol=1e-4)
    np.testing.assert_allclose(path[[0, -1]], [a, b], atol=1e-6)


@on("torch")
def test_opposite_and_equal_normal_latents_have_a_line():
    gan = linear(np.eye(4, dtype="float32"), "normal")
    # The cosine of the second with itself rounds to more than 1.
    for a in np.array([[0.5, 0, 0, 0], [0.6, -0.8, 0.4, -0.6]], "float32"):
        found = gan.interpolate(a, [-a, a], steps=3).reshape(2, 3, 4)
        np.testing.assert_allclose(found, [[a, 0 * a, -a], [a, a, a]], atol=1e-7)
    for one, other in ((2, 3), (3, 2)):
        with pytest.raises(ValueError, match=f"a single latent; got {one} and {other}"):
            gan.interpolate(np.zeros((one, 4)), np.zeros((other, 4)))


@on("torch")
@pytest.mark.parametrize(
    ("a", "steps", "message"),
    [
        (
            np.zeros((2, 3)),
            4,
            r"`a` must be finite latents of shape \(n, 4\); got the shape \(2, 3",
        ),
        (np.full(4, np.nan), 4, "`a` must be finite latents"),
        (np.zeros((2, 4)), 1, "`steps` must be a whole number, 2 or more; got 1"),
        (np.zeros((3, 4)), 4, "`a` and `b` must hold equally many latents, .*; got 3 and 2"),
    ],
)
def test_what_cannot_be_interpolated_is_refused(a, steps, message):
    with pytest.raises(ValueError, match=message):
        began().interpolate(a, np.zeros((2, 4)), steps=steps)


def test_the_gradient_against_finite_differences():
    gan = began()
    z, images = RNG.uniform(-1, 1, (5, 4)), float_images(5, seed=3)

    def errors(z):
        return np.abs(samples_of(gan, z) - images).mean(axis=(1, 2, 3))

    direction = RNG.normal(size=z.shape)
    expected = (errors(z + 1e-6 * direction) - errors(z - 1e-6 * direction)) / 2e-6
    latents = ops.convert_to_tensor(z.astype("float32"))
    gradient = gan._gradient(gan.generator.weights, latents, images)
    values = keras_egan.gans.latent_space.differences(gan.generator(latents), images)
    np.testing.assert_allclose(ops.convert_to_numpy(values), errors(z), rtol=1e-5)
    slopes = (ops.convert_to_numpy(gradient) * direction).sum(axis=1)
    np.testing.assert_allclose(slopes, expected, rtol=1e-3, atol=1e-5)


def test_given_weights_are_used_and_others_stay():
    """Inversion uses the averaged weights, as `sample` does."""
    gan = linear(2 * np.eye(4, dtype="float32"), generator_average=0.5)
    kernel = gan.generator.layers[0].kernel
    gan._weight_average.values[0].assign(np.eye(4))
    z = RNG.uniform(-1, 1, (3, 4)).astype("float32")
    images = z.reshape(3, 2, 2, 1)
    found = gan.invert(images, steps=100)
    np.testing.assert_allclose(found.latents, z, atol=2e-3)
    own = gan.invert(images, steps=100, average=False)
    np.testing.assert_allclose(own.latents, z / 2, atol=2e-3)
    np.testing.assert_array_equal(ops.convert_to_numpy(kernel), 2 * np.eye(4))


@pytest.mark.parametrize("latents", few(["uniform", "normal"], "normal"))
def test_samples_are_inverted(latents):
    gan = linear([[0.3, 0.1, 0.0, -0.2], [0.0, 0.2, -0.3, 0.1]], latents)
    z = gan.draw_latents(6, seed=5)
    images = gan.generate(z)
    found = gan.invert(images, steps=200, starts=2)
    np.testing.assert_allclose(found.latents, z, atol=5e-3)
    np.testing.assert_allclose(found.images, images, atol=5e-3)
    np.testing.assert_allclose(found.errors, np.abs(images - found.images).mean(axis=(1, 2, 3)))
    assert not found.far.any()


@on("torch")
def test_what_sampling_clips_is_no_error():
    gan = linear(3 * np.eye(4, dtype="float32"))
    images = gan.sample(5, seed=3)
    found = gan.invert(images, steps=150)
    assert (np.abs(images) == 1).any()
    np.testing.assert_allclose(found.images, images, atol=5e-3)


@on("torch")
def test_uniform_latents_stay_within_their_range():
    """The nearest point of the cube [-0.2, 0.2]^4 to an image is the image, clipped."""
    gan = linear(0.2 * np.eye(4, dtype="float32"))
    image = np.array([0.9, -0.1, 0.15, -0.5], "float32").reshape(1, 2, 2, 1)
    found = gan.invert(image, steps=200)
    np.testing.assert_allclose(found.images, image.clip(-0.2, 0.2), atol=2e-3)
    assert found.errors == pytest.approx([(0.7 + 0.3) / 4], abs=2e-3)
    assert found.far.all()
    inside = gan.invert(image.clip(-0.2, 0.2), steps=200)
    assert not inside.far.any()


@on("torch")
def test_the_best_of_several_starts_counts_and_each_image_has_its_own():
    """sin(5 z) has the same value at several z, and a start may lie where none is near."""
    layer = layers.Dense(4, use_bias=False, activation=ops.sin)
    generator = keras.Sequential([keras.Input((1,)), layer, layers.Reshape((2, 2, 1))])
    layer.kernel.assign(np.full((1, 4), 5.0))
    gan = keras_egan.BEGAN(generator, tiny_networks((2, 2, 1))[1])
    images = np.broadcast_to(np.array([-0.7, 0.2, 0.9])[:, None, None, None], (3, 2, 2, 1))
    found = gan.invert(images, steps=100, starts=3)
    np.testing.assert_allclose(np.sin(5 * found.latents[:, 0]), images[:, 0, 0, 0], atol=3e-3)
    alone = gan.invert(images[1:2], steps=100, starts=3)
    np.testing.assert_allclose(alone.latents, found.latents[1:2], atol=1e-5)


@on("torch")
def test_it_begins_from_given_latents():
    gan = linear(np.eye(4, dtype="float32"))
    z = RNG.uniform(-0.5, 0.5, (3, 4)).astype("float32")
    images = z.reshape(3, 2, 2, 1)
    found = gan.invert(images, steps=1, learning_rate=1e-6, starts=z)
    np.testing.assert_allclose(found.latents, z, atol=1e-5)
    moved = gan.invert(images, steps=1, learning_rate=0.1, starts=z + 0.2)
    np.testing.assert_allclose(moved.latents, z + 0.1, atol=1e-5)  # Adam's first step is its rate


@on("torch")
def test_more_images_than_a_block():
    gan = linear(np.eye(4, dtype="float32"))
    images = RNG.uniform(-1, 1, (5, 2, 2, 1)).astype("float32")
    found = gan.invert(images, steps=150, starts=2, batch_size=4)
    np.testing.assert_allclose(found.images, images, atol=3e-3)


@on("torch")
def test_bytes_and_a_model_that_is_not_compiled():
    gan = linear(np.eye(4, dtype="float32"))
    images = uint8_images(2, (2, 2, 1))
    found = gan.invert(images, steps=150)
    np.testing.assert_allclose(found.images, images / 127.5 - 1, atol=3e-3)


@on("torch")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 0}, "`steps` must be a whole number, 1 or more"),
        ({"learning_rate": 0.0}, "`learning_rate` must be above 0"),
        ({"starts": 0}, "`starts` must be a whole number, 1 or more"),
        ({"starts": 1001}, "`starts` must be at most 1000; got 1001"),
        ({"starts": np.zeros((2, 3))}, r"`starts` must be finite latents of shape \(n, 4\)"),
        ({"starts": np.zeros((3, 4))}, "`starts` must hold one latent per image; got 3 for 2"),
        ({"images": np.full((2, 8, 8, 1), 3.0)}, r"float images must lie in \[-1, 1\]"),
        ({"images": np.zeros((2, 8, 8, 3))}, "gives images of shape"),
    ],
)
def test_what_cannot_be_inverted_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        began().invert(**{"images": float_images(2), **arguments})


@on("torch")
def test_encoding():
    gan = began()
    images = uint8_images(5)
    expected = forward(
        trainable(gan.discriminator.encoder), (images / 127.5 - 1).reshape(5, 64), [np.tanh, None]
    )
    np.testing.assert_allclose(gan.encode(images, batch_size=2), expected, atol=1e-5)
    assert gan.encode(images[:0]).shape == (0, 3)
    with pytest.raises(ValueError, match="`discriminator` must have an encoder for `encode`"):
        next(case for case in CASES if case.critic).build().encode(images)
