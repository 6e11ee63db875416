"""Training of a detector's auto-encoder: a GAN's discriminator, or a plain one."""

import copy
import math
import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_egan import networks, presets
from keras_egan.gans.energy_gan import EnergyGAN

EPOCHS, BATCH_SIZE = 20, 64
STEPS, RATE = 1200, 4e-3  # for the default auto-encoder


class Training:
    """The model that an `EnergyDetector` trains on images of a shape, and the duration."""

    def __init__(
        self, model: Any, shape: Sequence[int], epochs: int | None, batch_size: int | None
    ):
        is_users = isinstance(model, keras.Model)
        usual_epochs, usual_size = EPOCHS, BATCH_SIZE
        count, *sides = shape or (0,)
        if model is None:
            size = usual_size if batch_size is None else batch_size
            usual_epochs = max(1, round(STEPS * size / max(1, count)))
            steps = math.ceil(count / size) * (usual_epochs if epochs is None else epochs)
            model = _auto_encoder(sides, max(1, steps))
        elif isinstance(model, str):
            preset = presets.get(model)
            usual_epochs, usual_size = preset.epochs, preset.batch_size
            model = presets.build(model, sides if len(sides) == 3 else None)
        elif isinstance(model, EnergyGAN):
            usual_epochs = 0 if int(model.step) else EPOCHS
        elif not isinstance(model, keras.Model):
            raise ValueError(
                "`model` must be a GAN, the name of a preset, an auto-encoder (a Keras model), "
                f"or None; got {model!r}."
            )
        self.image_shape = _image_shape(model)
        self.epochs = usual_epochs if epochs is None else epochs
        self.batch_size = usual_size if batch_size is None else batch_size
        model = model if self.epochs else _discriminator(model)
        self.model = _copied(model) if is_users else model
        made = tuple(self.discriminator(keras.Input(self.image_shape)).shape[1:])
        if len(self.image_shape) != 3 or made != self.image_shape:
            raise ValueError(
                "`model` must be an auto-encoder of images, or a GAN whose discriminator is one, "
                f"such as BEGAN; got a model from shape {self.image_shape} to shape {made}."
            )

    @property
    def discriminator(self) -> keras.Model:
        """The auto-encoder, as it is now."""
        return _discriminator(self.model)

    def run(self, images: np.ndarray, verbose: Any, callbacks: Any = None) -> keras.Model:
        """Train the model on images, uint8 or floats in [-1, 1]; return its auto-encoder."""
        model = self.model
        if self.epochs:
            x, y = images, None
            if not isinstance(model, EnergyGAN):
                x = y = images / np.float32(127.5) - 1.0 if images.dtype == np.uint8 else images
                if not model.compiled:
                    model.compile(keras.optimizers.Adam(1e-3), "mse")
            given = {"batch_size": self.batch_size, "epochs": self.epochs, "verbose": verbose}
            model.fit(x, y, callbacks=callbacks, **given)
            if isinstance(model, EnergyGAN):
                model.settle_normalization(images, batch_size=self.batch_size)
        network = self.discriminator
        if not network.compiled:
            return network
        # A copy without the optimizer, because files would keep it.
        bare = type(network).from_config(network.get_config())
        bare(keras.Input(self.image_shape))
        bare.set_weights(network.get_weights())
        return bare


def _auto_encoder(image_shape, steps):
    """Return the plain auto-encoder that did best in `benchmarks/anomaly.py`."""
    if len(image_shape) != 3:
        raise ValueError(
            "`model` must be given for flattened images, because their shape is unknown."
        )
    _, network = networks.dcgan_autoencoder(image_shape, filters=16, embedding_dim=16)
    rate = keras.optimizers.schedules.CosineDecay(RATE, steps, alpha=0.02)
    network.compile(keras.optimizers.Adam(rate, beta_1=0.5), "mse")
    return network


def _copied(model):
    with warnings.catch_warnings():  # an optimizer that has trained nothing has no state
        warnings.filterwarnings("ignore", "Skipping variable loading for optimizer")
        return copy.deepcopy(model)


def _discriminator(model):
    return model.discriminator if isinstance(model, EnergyGAN) else model


def _image_shape(model):
    shape = getattr(_discriminator(model), "input_shape", None)
    if getattr(model, "num_classes", None) or isinstance(shape, (dict, list)):
        raise ValueError(
            "`model` must take images alone, because a detector has no labels to give; got "
            f"{type(model).__name__}, with labels or other inputs. Train a model without them, "
            "such as a GAN without `num_classes=`."
        )
    if isinstance(model, EnergyGAN):
        return tuple(model.image_shape)
    if not shape or None in shape[1:]:
        raise ValueError(
            f"`model` must have a fixed input shape; got {shape}. Give it an input, such as "
            "`keras.Input((28, 28, 1))`."
        )
    return tuple(shape[1:])
