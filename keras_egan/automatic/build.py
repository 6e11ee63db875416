"""The GAN of a plan, and the batches of its images."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_egan import augment, presets
from keras_egan.automatic.plan import Plan
from keras_egan.datasets import Batches
from keras_egan.gans.energy_gan import EnergyGAN
from keras_egan.image_format import channels_first, feature_shape
from keras_egan.saving.state import named_variables


def build(plan: Plan, seed: int) -> EnergyGAN:
    """Return the plan's GAN, compiled and untrained."""
    policy: Any = None
    if plan.augment:
        name, fill = plan.augment
        policy = augment.DiffAugment(name, fill=fill, seed=seed) if fill else name
    keras.utils.set_random_seed(seed)
    return presets.build(
        plan.preset,
        feature_shape(*plan.image_shape),
        network_arguments={"filters": plan.filters},
        num_classes=plan.num_classes,
        d_rate=plan.d_rate,
        g_rate=plan.g_rate,
        augment=policy,
        seed=seed,
        **plan.arguments,
    )


def laid_out(images: np.ndarray) -> np.ndarray:
    """Return images with channels last in Keras's image data format."""
    return np.moveaxis(images, -1, 1) if channels_first() else images


def batches(plan: Plan, images: np.ndarray, labels: np.ndarray | None, seed: int) -> Batches:
    """Return training images as batches of the plan's size."""
    made = Batches(
        images,
        plan.batch_size,
        seed=seed,
        drop_remainder=True,
        horizontal_flip=plan.horizontal_flip,
        labels=labels,
    )
    made.image_shape = images.shape[1:]
    return made


def copy_weights(source: EnergyGAN, target: EnergyGAN) -> None:
    """Give a GAN the other's weights, average and controller; its optimizers stay new."""
    kept = "d_optimizer/", "g_optimizer/", *target._hyperparameters
    values = named_variables(source)
    for name, variable in named_variables(target).items():
        other = values.get(name)
        if other is not None and other.shape == variable.shape and not name.startswith(kept):
            variable.assign(ops.copy(other))
    target._weight_average.known = source._weight_average.known
