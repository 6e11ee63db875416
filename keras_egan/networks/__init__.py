"""The papers' networks, one module per paper, and their shared parts.

Each function returns a generator and a discriminator, Keras models ready for a GAN. Discriminators
are auto-encoders, except in `least_squares_*`, `loss_sensitive`, `mlp` and `residual`. Those are
critics, which return `(batch, 1)`.
"""

from keras_egan.networks._autoencoder import Autoencoder
from keras_egan.networks._began import began
from keras_egan.networks._convnet import convnet
from keras_egan.networks._dcgan import dcgan_autoencoder
from keras_egan.networks._ebgan import ebgan, ebgan_mlp, ebgan_small
from keras_egan.networks._least_squares import least_squares_dcgan, least_squares_vgg
from keras_egan.networks._loss_sensitive import loss_sensitive
from keras_egan.networks._magan import magan_celeba, magan_cifar10, magan_mnist
from keras_egan.networks._mlp import mlp
from keras_egan.networks._residual import residual

__all__ = [
    "Autoencoder",
    "began",
    "convnet",
    "dcgan_autoencoder",
    "ebgan",
    "ebgan_mlp",
    "ebgan_small",
    "least_squares_dcgan",
    "least_squares_vgg",
    "loss_sensitive",
    "magan_celeba",
    "magan_cifar10",
    "magan_mnist",
    "mlp",
    "residual",
]
