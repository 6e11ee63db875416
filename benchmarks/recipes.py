"""Settings of each GAN for MNIST: those that `quality.py` trains with.

Those that end in `_paper` are the papers' own, but for the width of BEGAN's, LSGAN's and LS-GAN's
networks, which CPUs can only train when it is cut. `d_rate` and `g_rate` are learning rates, and
with a `decay` of `"cosine"` both fall to 0 over the training.
"""

import keras
import numpy as np

import keras_egan
from keras_egan import networks

SMALL = {"network": "dcgan_autoencoder", "network_arguments": {"filters": 20}, "image_size": 28}
CRITIC = {"network": "loss_sensitive", "image_size": 32, "network_arguments": {"filters": 16}}


def _rates(rate):
    return {"d_rate": rate, "g_rate": rate}


ADAM = {"optimizer": "Adam", "beta_1": 0.5, **_rates(4e-3), "batch_size": 64, "decay": None}

RECIPES = {
    "began": {**SMALL, **ADAM, "gan": "BEGAN", "arguments": {"gamma": 0.9, "lambda_k": 0.05}},
    "ebgan": {
        **SMALL,
        **ADAM,
        "gan": "EBGAN",
        "arguments": {"margin": 7.0, "pt_weight": 0.1, "latents": "normal"},
    },
    "magan": {**SMALL, **ADAM, "gan": "MAGAN", "arguments": {"latents": "normal"}},
    "least_squares": {
        **CRITIC,
        **ADAM,
        "gan": "LeastSquaresGAN",
        "arguments": {},
        "network_arguments": {"filters": 16, "nonnegative": False, "latent_dim": 64},
        "d_rate": 8e-4,
    },
    "loss_sensitive": {
        **CRITIC,
        **ADAM,
        "gan": "LossSensitiveGAN",
        "arguments": {"delta_weight": 2e-3},
        "network_arguments": {"filters": 16, "nonnegative": False},
        **_rates(2e-3),
    },
    "began_paper": {
        "gan": "BEGAN",
        "arguments": {},
        "network": "began",
        "network_arguments": {"filters": 16},
        "image_size": 32,
        **ADAM,
        **_rates(1e-4),
        "beta_1": 0.9,
        "batch_size": 16,
    },
    "ebgan_paper": {
        "gan": "EBGAN",
        "arguments": {"margin": 10.0, "pt_weight": 0.1, "latents": "normal"},
        "network": "ebgan_mlp",
        "network_arguments": {},
        "image_size": 32,
        **ADAM,
        **_rates(1e-3),
    },
    "magan_paper": {
        "gan": "MAGAN",
        "arguments": {"latents": "normal"},
        "network": "magan_mnist",
        "network_arguments": {},
        "image_size": 28,
        **ADAM,
        **_rates(5e-4),
        "optimizer": "Adamax",
    },
    "least_squares_paper": {
        "gan": "LeastSquaresGAN",
        "arguments": {},
        "network": "least_squares_dcgan",
        "network_arguments": {"filters": 16},
        "image_size": 32,
        **ADAM,
        **_rates(2e-4),
    },
    "loss_sensitive_paper": {
        **CRITIC,
        "gan": "LossSensitiveGAN",
        "arguments": {"delta_weight": 2e-4},
        **ADAM,
        **_rates(1e-4),
    },
}


def build(recipe, steps, channels=1):
    """Returns a GAN compiled for so many steps, of a recipe's settings, for so many channels.

    Several channels are as many independent images: embeddings are as many times as long, and
    margins, which are those of a norm, are multiplied by the root of their number.
    """
    shape = recipe["image_size"], recipe["image_size"], channels
    network_arguments = dict(recipe["network_arguments"])
    if recipe["network"] != "magan_mnist":  # which is for 28x28 and one channel alone
        network_arguments["image_shape"] = shape
    if recipe["network"] == "dcgan_autoencoder":
        network_arguments["embedding_dim"] = channels * recipe["network_arguments"].get(
            "embedding_dim", 32
        )
    arguments = dict(recipe["arguments"])
    if "margin" in arguments:
        arguments["margin"] *= channels**0.5
    generator, discriminator = getattr(networks, recipe["network"])(**network_arguments)
    gan = getattr(keras_egan, recipe["gan"])(
        generator, discriminator, generator_average=0.999, **arguments
    )
    optimizer = getattr(keras.optimizers, recipe["optimizer"])
    rates = recipe["d_rate"], recipe["g_rate"]
    if recipe["decay"] == "cosine":
        rates = [keras.optimizers.schedules.CosineDecay(rate, steps) for rate in rates]
    gan.compile(*(optimizer(rate, recipe["beta_1"]) for rate in rates))
    return gan


def padded(images, recipe):
    """Returns 28x28 images with the border that a recipe's networks need."""
    border = (recipe["image_size"] - 28) // 2
    return np.pad(images, ((0, 0), (border, border), (border, border), (0, 0)))


def cropped(images):
    """Returns images without the border of `padded`."""
    border = (images.shape[1] - 28) // 2
    return images[:, border : border + 28, border : border + 28]
