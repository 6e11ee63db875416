"""A BEGAN of tiny networks, to train for a step or two."""

import random

import keras

import keras_egan
from tests.registry import EAGERLY, tiny_networks


def began(networks=None, run_eagerly=EAGERLY["run_eagerly"], rate=0.5, **arguments):
    random.seed(0)
    gan = keras_egan.BEGAN(*(networks or tiny_networks()), **{"seed": 1, **arguments})
    gan.compile(keras.optimizers.SGD(rate), keras.optimizers.SGD(rate), run_eagerly=run_eagerly)
    return gan
