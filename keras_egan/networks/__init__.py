"""The papers' networks, one module a paper, and what they share.

Each function returns a generator and a discriminator, ready for a GAN. Discriminators are
auto-encoders; those of `lsgan_*`, `ls_gan` and `mlp` are critics, which return `(batch, 1)`.
"""

from keras_egan.networks._convnet import convnet
from keras_egan.networks._upsampled_conv2d import UpsampledConv2D
from keras_egan.networks.autoencoder import Autoencoder
from keras_egan.networks.began import began
from keras_egan.networks.dcgan import dcgan_autoencoder
from keras_egan.networks.ebgan import ebgan, ebgan_mlp, ebgan_small
from keras_egan.networks.layers import VanishingResidual
from keras_egan.networks.ls_gan import ls_gan
from keras_egan.networks.lsgan import lsgan_dcgan, lsgan_vgg
from keras_egan.networks.magan import magan_celeba, magan_cifar10, magan_mnist
from keras_egan.networks.mlp import mlp

__all__ = [
    "Autoencoder",
    "UpsampledConv2D",
    "VanishingResidual",
    "began",
    "convnet",
    "dcgan_autoencoder",
    "ebgan",
    "ebgan_mlp",
    "ebgan_small",
    "ls_gan",
    "lsgan_dcgan",
    "lsgan_vgg",
    "magan_celeba",
    "magan_cifar10",
    "magan_mnist",
    "mlp",
]
