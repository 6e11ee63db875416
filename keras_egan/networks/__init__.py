"""The papers' networks, one module a paper, and what they share.

Each function returns a generator and a discriminator, ready for a GAN.
"""

from keras_egan.networks.autoencoder import Autoencoder
from keras_egan.networks.began import began
from keras_egan.networks.dcgan import dcgan_autoencoder
from keras_egan.networks.layers import VanishingResidual

__all__ = ["Autoencoder", "VanishingResidual", "began", "dcgan_autoencoder"]
