"""The papers' claims about training, on data small enough for a test."""

import random

import keras
import numpy as np
import pytest

import keras_egan
from keras_egan import datasets, networks
from tests.conftest import on


def optimizers(rate):
    return keras.optimizers.Adam(rate, 0.5), keras.optimizers.Adam(rate, 0.5)


@pytest.mark.nightly
@on("tensorflow")
def test_began_keeps_the_ratio_of_energies_near_gamma_on_digits():
    """While k_t is inside its clip, it has moved by lambda_k times the sum of the balances."""
    gamma, lambda_k, epochs = 0.5, 0.02, 10
    digits = datasets.load("digits", image_size=16, batch_size=64, seed=0, drop_remainder=True)
    keras.utils.set_random_seed(0)
    gan = keras_egan.BEGAN(
        *networks.dcgan_autoencoder((16, 16, 1), filters=4, latent_dim=16, embedding_dim=16),
        gamma=gamma,
        lambda_k=lambda_k,
        seed=0,
    )
    gan.compile(*optimizers(4e-3))
    k_t = []
    noting = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: k_t.append(float(logs["k_t"]))
    )
    history = gan.fit(digits, epochs=epochs, verbose=0, callbacks=[noting]).history
    steps = len(digits)
    last = slice(-3 * steps, None)  # three epochs
    assert 0 < min(k_t[last]) < max(k_t[last]) < 1
    real, fake = (np.mean(history[name][-3:]) for name in ("real_energy", "fake_energy"))
    moved = float(gan.k_t) - k_t[-3 * steps]
    assert gamma * real - fake == pytest.approx(moved / (lambda_k * 3 * steps), abs=1e-6)
    assert fake / real == pytest.approx(gamma, abs=0.05)


@pytest.mark.slow
@on("jax")
def test_magans_margin_and_energies_converge_and_fakes_come_to_lie_on_the_data():
    """The auto-encoder can learn data on a curve, so all energies and the margin go to 0."""
    t = np.random.default_rng(0).uniform(-1.0, 1.0, 4000)
    points = np.stack([t, t * t - 0.3], axis=1).astype("float32")
    keras.utils.set_random_seed(0)
    random.seed(0)
    gan = keras_egan.MAGAN(*networks.mlp(units=32, scale=1.0, embedding_dim=1), latents="normal")
    # A constant learning rate leaves occasional spikes in the energies, even in the last epochs.
    gan.compile(*optimizers(keras.optimizers.schedules.CosineDecay(2e-3, 50 * 20)))

    def distance():
        x, y = gan.sample(1000, seed=0).T
        return np.abs(y - (x * x - 0.3)).mean()

    before = distance()
    history = gan.fit(points, batch_size=200, epochs=50, verbose=0).history
    real, fake = (np.array(history[name]) for name in ("real_energy", "fake_energy"))
    measure = real + np.abs(real - fake)  # the authors' measure of convergence
    first = gan.pretrain_epochs + 1
    assert history["margin"][-1] < 0.1 * history["margin"][first]
    assert measure[-5:].max() < 0.1 * measure[first]
    assert distance() < 0.1 * before
