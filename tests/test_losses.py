"""The losses, against NumPy."""

import keras
import numpy as np
import pytest

from keras_egan import losses


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    return rng.normal(size=(2, 5, 4, 3, 2)).astype("float32")


@pytest.mark.parametrize(
    ("energy", "expected"),
    [
        ("mae", lambda d: np.abs(d).mean((1, 2, 3))),
        ("mse", lambda d: (d**2).mean((1, 2, 3))),
    ],
)
def test_reconstruction_energy(pair, energy, expected):
    images, reconstruction = pair
    result = losses.reconstruction_energy(images, reconstruction, energy=energy)
    np.testing.assert_allclose(numpy(result), expected(images - reconstruction), rtol=1e-5)


@pytest.mark.parametrize("energy", losses.ENERGIES)
def test_an_energy_does_not_depend_on_the_batch(pair, energy):
    images, reconstruction = pair
    once = numpy(losses.reconstruction_energy(images, reconstruction, energy=energy))
    twice = losses.reconstruction_energy(
        np.tile(images, (2, 1, 1, 1)), np.tile(reconstruction, (2, 1, 1, 1)), energy=energy
    )
    np.testing.assert_allclose(numpy(twice), np.tile(once, 2), rtol=1e-6)


def test_energies_are_float32_in_half_precision():
    images = keras.ops.ones((2, 4, 4, 1), "bfloat16")
    energy = losses.reconstruction_energy(images, 0.5 * images)
    assert keras.backend.standardize_dtype(energy.dtype) == "float32"
    np.testing.assert_array_equal(numpy(energy), [0.5, 0.5])


def test_an_unknown_energy_is_refused(pair):
    with pytest.raises(ValueError, match=r"`energy` must be one of .*; got 'l3'"):
        losses.reconstruction_energy(*pair, energy="l3")


@pytest.mark.parametrize("k_t", [0.0, 0.3, 1.0])
def test_began_discriminator_loss(k_t):
    rng = np.random.default_rng(1)
    real, fake = rng.uniform(size=(2, 7)).astype("float32")
    loss = losses.began_discriminator_loss(real, fake, k_t=k_t)
    assert numpy(loss) == pytest.approx(real.mean() - k_t * fake.mean(), rel=1e-5)


@pytest.mark.parametrize(
    ("k_t", "balance", "expected"),
    [(0.5, 0.25, 0.525), (0.5, -0.25, 0.475), (0.01, -1.0, 0.0), (0.95, 1.0, 1.0), (0.0, 0.0, 0.0)],
)
def test_began_next_k(k_t, balance, expected):
    assert numpy(losses.began_next_k(k_t, balance, lambda_k=0.1)) == pytest.approx(expected)
