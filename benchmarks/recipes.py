"""Settings of each GAN for MNIST: those that `quality.py` trains with."""

import keras
import numpy as np

import keras_egan
from keras_egan import networks

SMALL = {"network": "dcgan_autoencoder", "network_arguments": {"filters": 16}, "image_size": 28}
CRITIC = {"network": "ls_gan", "image_size": 32, "network_arguments": {"filters": 16}}
ADAM = {"optimizer": "Adam", "beta_1": 0.5, "d_rate": 1e-3, "g_rate": 1e-3, "batch_size": 64}

RECIPES = {
    "began": {**SMALL, **ADAM, "gan": "BEGAN", "arguments": {"gamma": 0.9, "lambda_k": 0.01}},
    "ebgan": {**SMALL, **ADAM, "gan": "EBGAN", "arguments": {"margin": 10.0, "pt_weight": 0.1}},
    "magan": {**SMALL, **ADAM, "gan": "MAGAN", "arguments": {"latents": "normal"}},
    "lsgan": {
        **CRITIC,
        **ADAM,
        "gan": "LeastSquaresGAN",
        "arguments": {},
        "network_arguments": {"filters": 16, "nonnegative": False, "latent_dim": 64},
        "d_rate": 2e-4,
    },
    "ls_gan": {
        **CRITIC,
        **ADAM,
        "gan": "LossSensitiveGAN",
        "arguments": {"delta_weight": 2e-3},
        "d_rate": 5e-4,
        "g_rate": 5e-4,
    },
}


def build(recipe, channels=1):
    """Returns a compiled GAN of a recipe's settings, for images of so many channels."""
    shape = recipe["image_size"], recipe["image_size"], channels
    network = getattr(networks, recipe["network"])
    generator, discriminator = network(image_shape=shape, **recipe["network_arguments"])
    gan = getattr(keras_egan, recipe["gan"])(
        generator, discriminator, generator_average=0.999, **recipe["arguments"]
    )
    optimizer = getattr(keras.optimizers, recipe["optimizer"])
    gan.compile(*(optimizer(recipe[rate], recipe["beta_1"]) for rate in ("d_rate", "g_rate")))
    return gan


def padded(images, recipe):
    """Returns 28x28 images with the border that a recipe's networks need."""
    border = (recipe["image_size"] - 28) // 2
    return np.pad(images, ((0, 0), (border, border), (border, border), (0, 0)))


def cropped(images):
    """Returns images without the border of `padded`."""
    border = (images.shape[1] - 28) // 2
    return images[:, border : border + 28, border : border + 28]
