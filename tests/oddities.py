"""Small images, clean and odd, and a detector that tells them apart."""

import random

import keras
import numpy as np
from scipy.ndimage import gaussian_filter

from keras_egan.anomaly import EnergyDetector
from tests import registry


def auto_encoder():
    random.seed(0)
    return registry.tiny_networks()[1]


def blurred(n, seed=0):
    """Returns clean images, which are smooth, as an auto-encoder can learn them."""
    noise = np.random.default_rng(seed).normal(size=(n, 8, 8, 1))
    smooth = gaussian_filter(noise, (0, 2, 2, 0), mode="wrap")
    return np.clip(4 * smooth, -1, 1).astype("float32")


def noisy(n, seed=1):
    return np.random.default_rng(seed).uniform(-1, 1, (n, 8, 8, 1)).astype("float32")


def fitted_detector():
    keras.utils.set_random_seed(0)
    return EnergyDetector(auto_encoder(), epochs=20, batch_size=10).fit(blurred(200))
