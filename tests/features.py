"""Features, and images to compute them from."""

import random

import keras
import numpy as np

RING = np.stack([np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)], axis=1)


def rng(seed=0):
    return np.random.default_rng(seed)


def gaussian(mean, covariance, n=50, seed=0):
    """Return n samples whose own mean and covariance are exactly the given ones."""
    x = rng(seed).normal(size=(n, len(mean)))
    x -= x.mean(axis=0)
    x = x @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T))).T
    return x @ np.linalg.cholesky(covariance).T + mean


def softmax(logits):
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def measure(metric, fake, real=None):
    if real is not None:
        metric.update_real(real)
    metric.update_state(fake)
    return metric.result()


def extractor(units=4, activation=None, input_shape=(4, 4, 1)):
    random.seed(3)
    return keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.Flatten(),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(units, activation=activation),
        ]
    )


def images(n=200, seed=0):
    return rng(seed).integers(0, 256, (n, 4, 4, 1), dtype="uint8")
