"""Small clean images, abnormal ones, and a detector that separates them."""

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
    """Return clean images. They are smooth, so that an auto-encoder can learn them."""
    noise = np.random.default_rng(seed).normal(size=(n, 8, 8, 1))
    smooth = gaussian_filter(noise, (0, 2, 2, 0), mode="wrap")
    return np.clip(4 * smooth, -1, 1).astype("float32")


def noisy(n, seed=1):
    return np.random.default_rng(seed).uniform(-1, 1, (n, 8, 8, 1)).astype("float32")


def fitted_detector():
    keras.utils.set_random_seed(0)
    return EnergyDetector(auto_encoder(), epochs=20, batch_size=10).fit(blurred(200))


@keras.saving.register_keras_serializable("tests")
class Memory(keras.Sequential):
    """Stands in for an auto-encoder that has only memorised its training images."""

    def __init__(self, images, **kwargs):
        super().__init__([keras.Input((2, 2, 1)), _Nearest(images)])
        self.images = images

    def fit(self, x, *_, **__):
        memory = self.layers[-1].memory
        memory.assign(np.resize(x[: self.images], memory.shape))

    def get_config(self):
        return {"images": self.images}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


class _Nearest(keras.layers.Layer):
    def __init__(self, images):
        super().__init__()
        self.memory = self.add_weight(shape=(images, 2, 2, 1), initializer="zeros", trainable=False)

    def call(self, x):
        differences = keras.ops.expand_dims(x, 1) - self.memory
        squares = keras.ops.sum(differences**2, axis=(2, 3, 4))
        return keras.ops.take(self.memory, keras.ops.argmin(squares, axis=1), axis=0)
