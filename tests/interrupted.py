"""A short training with backups that can be interrupted before any step."""

import keras
import pytest

from keras_egan import callbacks
from tests.registry import CASES, EAGERLY, uint8_images

BATCH, STEPS = 16, 4  # an epoch is 50 images


class Stateless(keras.callbacks.Callback):
    """A callback without a state for a backup to keep."""

    def get_state(self):
        return {}

    def set_state(self, state):
        assert state == {}


class Stop(Stateless):
    """Interrupt training before a step."""

    def __init__(self, at):
        super().__init__()
        self.at = at

    def on_train_batch_begin(self, batch, logs=None):
        if self.model.fit_state.epoch_start + batch == self.at:
            raise KeyboardInterrupt


def adam():
    """Return an optimizer whose name, and therefore key in the history, is always the same."""
    return keras.optimizers.Adam(1e-3, name="adam")


def build(**arguments):
    return CASES[0].build(adam, **{**EAGERLY, **arguments})


def train(gan, *extra, data=None, **arguments):
    data = uint8_images(50) if data is None else data
    arguments = {"batch_size": BATCH, "epochs": 4, "verbose": 0, **arguments}
    return gan.fit(data, callbacks=list(extra), **arguments).history


def cut_off(folder, at, *extra, gan=None, **arguments):
    with pytest.raises(KeyboardInterrupt):
        train(gan or build(), *extra, callbacks.Backup(folder, every=1), Stop(at), **arguments)
