"""The losses, compared with NumPy."""

import keras
import numpy as np
import pytest

from keras_egan import backend, losses
from tests.conftest import on


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    return rng.normal(size=(2, 5, 4, 3, 2)).astype("float32")


@on("torch")
@pytest.mark.parametrize(
    ("energy", "expected"),
    [
        ("mae", lambda d: np.abs(d).mean((1, 2, 3))),
        ("mse", lambda d: (d**2).mean((1, 2, 3))),
        ("norm", lambda d: np.sqrt((d**2).sum((1, 2, 3)))),
        ("sae", lambda d: np.abs(d).sum((1, 2, 3))),
        ("sse", lambda d: (d**2).sum((1, 2, 3))),
    ],
)
def test_reconstruction_energy(pair, energy, expected):
    images, reconstruction = pair
    result = losses.reconstruction_energy(images, reconstruction, energy=energy)
    np.testing.assert_allclose(numpy(result), expected(images - reconstruction), rtol=1e-5)


@on("torch")
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


@on("torch")
def test_an_unknown_energy_is_refused(pair):
    with pytest.raises(ValueError, match=r"`energy` must be one of .*; got 'l3'"):
        losses.reconstruction_energy(*pair, energy="l3")


@on("torch")
@pytest.mark.parametrize("k_t", [0.0, 0.3, 1.0])
def test_began_discriminator_loss(k_t):
    rng = np.random.default_rng(1)
    real, fake = rng.uniform(size=(2, 7)).astype("float32")
    loss = losses.began_discriminator_loss(real, fake, k_t=k_t)
    np.testing.assert_allclose(numpy(loss), real - k_t * fake, rtol=1e-5)


@on("torch")
@pytest.mark.parametrize(
    ("k_t", "balance", "expected"),
    [(0.5, 0.25, 0.525), (0.5, -0.25, 0.475), (0.01, -1.0, 0.0), (0.95, 1.0, 1.0), (0.0, 0.0, 0.0)],
)
def test_began_next_k(k_t, balance, expected):
    assert numpy(losses.began_next_k(k_t, balance, lambda_k=0.1)) == pytest.approx(expected)


@on("torch")
@pytest.mark.parametrize("margin", [0.0, 1.5, 10.0])
def test_ebgan_discriminator_loss_has_its_hinge_per_sample(margin):
    real = np.array([0.1, 0.5, 2.0], "float32")
    fake = np.array([0.2, 1.0, 3.0], "float32")
    loss = losses.ebgan_discriminator_loss(real, fake, margin=margin)
    np.testing.assert_allclose(numpy(loss), real + np.maximum(0.0, margin - fake), rtol=1e-6)


PT = {
    "identical": (np.tile([1.0, 2.0, 3.0], (4, 1)), [1.0] * 4),
    "orthogonal": (np.diag([1.0, 5.0, 0.1, 2.0]), [0.0] * 4),
    "antipodal": (np.array([[1.0, -2.0], [-3.0, 6.0], [0.5, -1.0], [-1.0, 2.0]]), [1.0] * 4),
    "a pair of three": (np.array([[1.0, 0.0], [-2.0, 0.0], [0.0, 1.0]]), [0.5, 0.5, 0.0]),
    "single": (np.array([[1.0, 2.0]]), [0.0]),
}


@on("torch")
@pytest.mark.parametrize("name", PT)
def test_pulling_away_term(name):
    embedding, expected = PT[name]
    term = losses.pulling_away_term(embedding.astype("float32"))
    np.testing.assert_allclose(numpy(term), expected, atol=1e-6)


@on("torch")
@pytest.mark.parametrize("dimensions", [3, 30])
def test_pulling_away_term_of_random_directions_is_one_over_their_dimension(dimensions):
    embedding = np.random.default_rng(0).normal(size=(400, dimensions))
    term = losses.pulling_away_term(embedding.astype("float32"))
    assert numpy(term).mean() == pytest.approx(1 / dimensions, rel=0.05)


@on("torch")
def test_pulling_away_term_flattens_feature_maps_and_ignores_their_scale():
    maps = np.random.default_rng(0).normal(size=(6, 3, 3, 2)).astype("float32")
    flat = maps.reshape(6, -1).astype("float64")
    cosines = flat @ flat.T / np.outer(*[np.linalg.norm(flat, axis=1)] * 2)
    expected = (np.square(cosines).sum(1) - 1) / 5
    np.testing.assert_allclose(numpy(losses.pulling_away_term(maps)), expected, rtol=1e-5)
    scales = np.geomspace(1e-2, 1e3, 6, dtype="float32")[:, None, None, None]
    np.testing.assert_allclose(numpy(losses.pulling_away_term(maps * scales)), expected, rtol=1e-4)


def test_pulling_away_term_of_zeros_is_finite():
    assert not numpy(losses.pulling_away_term(np.zeros((3, 4), "float32"))).any()


@on("torch")
@pytest.mark.parametrize("risen", [True, False])
@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize("under", [True, False])
def test_magan_next_margin_falls_under_its_three_conditions(risen, apart, under):
    real = 5.0
    fake = 7.0 if apart else 4.0
    before = fake - 1.0 if risen else fake
    margin = 6.0 if under else 4.5
    after = losses.magan_next_margin(margin, real, fake, fake_energy_before=before)
    assert after == (real if risen and apart and under else margin)


@on("torch")
def test_magan_next_margin_stays_where_energies_are_equal():
    assert losses.magan_next_margin(9.0, 7.0, 7.0, fake_energy_before=6.0) == 9.0
    assert losses.magan_next_margin(9.0, 5.0, 7.0, fake_energy_before=7.0) == 9.0


@on("torch")
def test_magan_next_margin_stays_after_the_first_epoch():
    assert losses.magan_next_margin(9.0, 5.0, 7.0, fake_energy_before=float("inf")) == 9.0


@on("torch")
@pytest.mark.parametrize("labels", [(0.0, 1.0, 1.0), (-1.0, 1.0, 0.0), (-1.0, 1.0, 1.0)])
def test_least_squares_losses(labels):
    a, b, c = labels
    real, fake = np.random.default_rng(0).normal(size=(2, 7)).astype("float32")
    d_loss = losses.least_squares_discriminator_loss(real, fake, fake_label=a, real_label=b)
    expected = (np.square(real - b) + np.square(fake - a)) / 2
    np.testing.assert_allclose(numpy(d_loss), expected, rtol=1e-5)
    g_loss = losses.least_squares_generator_loss(fake, generator_label=c)
    np.testing.assert_allclose(numpy(g_loss), np.square(fake - c) / 2, rtol=1e-5)


@on("torch")
@pytest.mark.parametrize("slope", [-1.0, 0.0, 0.3, 1.0])
def test_loss_sensitive_discriminator_loss(slope):
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(2, 9)).astype("float32")
    delta = rng.uniform(0.0, 1.0, 9).astype("float32")
    loss = losses.loss_sensitive_discriminator_loss(
        real, fake, delta, delta_weight=0.4, slope=slope, first_term_weight=0.7
    )
    a = 0.4 * delta + real - fake
    assert (a < 0).any()
    assert (a > 0).any()
    expected = 0.7 * real + np.where(a > 0, a, slope * a)
    np.testing.assert_allclose(numpy(loss), expected, rtol=1e-5, atol=1e-6)


def test_norms_have_no_infinite_gradient():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, use_bias=False)])
    model.compile("sgd")
    (kernel,) = model.trainable_variables
    x = np.array([[0.0, 0.0], [3.0, 4.0]], "float32")

    def objective():
        return keras.ops.sum(losses.norms(model(x))), {}

    (grad,), _ = backend.gradients(objective, [kernel], model)
    output = x[1] @ numpy(kernel)
    np.testing.assert_allclose(numpy(grad), np.outer(x[1], output / np.linalg.norm(output)), 1e-5)
