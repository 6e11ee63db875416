"""BEGAN's own algorithm."""

import random

import keras
import numpy as np
import pytest

import keras_egan
from keras_egan import losses
from tests.conftest import on
from tests.registry import float_images, tiny_networks, uint8_images, weights


def began(**arguments):
    random.seed(0)
    gan = keras_egan.BEGAN(*tiny_networks(), **{"seed": 1, **arguments})
    gan.compile(keras.optimizers.SGD(1.0), keras.optimizers.SGD(1.0))
    return gan


@on("torch")
def test_k_follows_a_script_through_both_clips():
    gan = began(gamma=0.5, lambda_k=0.2)
    balances = [0.5, 1.0, 3.0, 2.0, -0.25, 0.1, -4.0, -1.0, 0.3]
    expected = 0.0
    seen = []
    for balance in balances:
        gan.control({"balance": keras.ops.convert_to_tensor(balance)})
        expected = min(max(expected + 0.2 * balance, 0.0), 1.0)
        seen.append(float(gan.k_t))
        assert seen[-1] == pytest.approx(expected, abs=1e-6)
    assert max(seen) == 1.0
    assert 0.0 in seen[1:]


@pytest.mark.parametrize(("gamma", "lambda_k"), [(0.5, 0.5), (1.0, 20.0)])
def test_fit_moves_k_by_the_rule_and_logs_what_the_step_used(gamma, lambda_k):
    rows = []

    class Rows(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            rows.append({name: float(value) for name, value in logs.items()})

    gan = began(gamma=gamma, lambda_k=lambda_k)
    gan.compile(keras.optimizers.Adam(1e-2), keras.optimizers.Adam(1e-2))
    gan.fit(uint8_images(), batch_size=8, epochs=5, verbose=0, callbacks=[Rows()])
    k_t = 0.0
    for row in rows:
        real, fake = row["real_energy"], row["fake_energy"]
        assert row["k_t"] == pytest.approx(k_t, abs=1e-6)
        assert row["balance"] == pytest.approx(gamma * real - fake, abs=1e-6)
        assert row["m_global"] == pytest.approx(real + abs(gamma * real - fake), abs=1e-6)
        assert row["g_loss"] == pytest.approx(fake)
        k_t = min(max(k_t + lambda_k * row["balance"], 0.0), 1.0)
    assert float(gan.k_t) == pytest.approx(k_t, abs=1e-6)


@on("torch")
def test_while_k_is_0_the_discriminator_learns_from_data_alone():
    images = float_images(16)
    trained = []
    for seed in (1, 2):
        gan = began(seed=seed)
        gan.train_on_batch(images)
        trained.append(weights(gan.discriminator))
    for one, other in zip(*trained, strict=True):
        np.testing.assert_array_equal(one, other)

    random.seed(0)
    _, plain = tiny_networks()
    plain.compile(keras.optimizers.SGD(1.0), "mae")
    plain.train_on_batch(images, images)
    for one, other in zip(weights(plain), trained[0], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("eta", [1, 2])
@pytest.mark.parametrize("side", ["discriminator", "generator"])
def test_gradients_against_finite_differences(eta, side):
    """An SGD step of rate 1 moves the weights by minus the gradient."""
    gan = began(eta=eta, updates="simultaneous")
    gan.k_t.assign(0.3)
    images = float_images(16)
    latents = np.random.default_rng(3).uniform(-1, 1, (2, 16, 4)).astype("float32")
    draws = iter(latents)
    gan._draw_latents = lambda rows: keras.ops.convert_to_tensor(next(draws))

    def loss(generator, discriminator):
        def energy(values):
            reconstruction = forward(discriminator, values, [np.tanh, None, np.tanh, None])
            return np.mean(np.abs(values - reconstruction) ** eta)

        fakes = [forward(generator, z, [np.tanh, np.tanh]) for z in latents]
        if side == "discriminator":
            return energy(images.reshape(16, 64)) - 0.3 * energy(fakes[0])
        return energy(fakes[1])

    networks = {name: trainable(getattr(gan, name)) for name in ("generator", "discriminator")}
    rng = np.random.default_rng(4)
    direction = [rng.normal(size=v.shape) for v in networks[side]]
    ends = []
    for epsilon in (1e-6, -1e-6):
        moved = [v + epsilon * d for v, d in zip(networks[side], direction, strict=True)]
        ends.append(loss(**{**networks, side: moved}))
    expected = (ends[0] - ends[1]) / 2e-6

    gan.train_on_batch(images)
    after = trainable(getattr(gan, side))
    slope = sum(
        ((before - now) * d).sum()
        for before, now, d in zip(networks[side], after, direction, strict=True)
    )
    assert slope == pytest.approx(expected, rel=1e-4)


def trainable(network):
    return [keras.ops.convert_to_numpy(v).astype("float64") for v in network.trainable_variables]


def forward(parameters, values, activations):
    """Compute the tiny networks' dense layers, in NumPy and float64."""
    for kernel, bias, activation in zip(
        parameters[::2], parameters[1::2], activations, strict=True
    ):
        values = values @ kernel + bias
        values = activation(values) if activation else values
    return values


@on("torch")
def test_reduce_lr_on_plateau_halves_both_rates_when_m_global_stalls():
    gan = began()
    gan.compile(keras.optimizers.SGD(1e-9), keras.optimizers.Adam(1e-9))
    plateau = keras.callbacks.ReduceLROnPlateau(
        "m_global", mode="min", factor=0.5, patience=1, min_delta=10.0
    )
    gan.fit(uint8_images(), batch_size=16, epochs=3, verbose=0, callbacks=[plateau])
    rates = [float(optimizer.learning_rate) for optimizer in gan.optimizer.optimizers]
    assert rates == pytest.approx([2.5e-10, 2.5e-10])


@on("torch")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"gamma": 0}, r"`gamma` must be in \(0, 1\]; got 0"),
        ({"gamma": 1.2}, r"`gamma` must be in \(0, 1\]; got 1.2"),
        ({"lambda_k": 0.0}, r"`lambda_k` must be above 0; got 0.0"),
        ({"eta": 3}, "`eta` must be 1 or 2; got 3"),
        ({"latents": "gauss"}, "`latents` must be 'uniform' or 'normal'; got 'gauss'"),
        ({"d_steps": 0}, "`d_steps` must be a whole number from 1 up; got 0"),
        (
            {"updates": "both"},
            "`updates` must be 'alternating', 'simultaneous' or 'one_pass'; got 'both'",
        ),
        ({"updates": "simultaneous", "d_steps": 2}, "needs `d_steps=1`; got `d_steps=2`"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        began(**arguments)


@on("torch")
def test_the_two_energies():
    images = float_images(6)
    for eta, norm in ((1, np.abs), (2, np.square)):
        gan = began(eta=eta)
        assert keras_egan.BEGAN.from_config(gan.get_config()).eta == gan.eta == eta
        reconstruction = keras.ops.convert_to_numpy(gan.discriminator(images))
        expected = norm(images - reconstruction).mean((1, 2, 3))
        np.testing.assert_allclose(gan.energy(images), expected, rtol=1e-5)
    assert losses.ENERGIES[:2] == ("mae", "mse")
