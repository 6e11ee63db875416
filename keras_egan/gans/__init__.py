"""The GANs: `EnergyGAN`, and a module for each paper with its difference."""

from keras_egan.gans.began import BEGAN
from keras_egan.gans.began_cs import BEGANCS
from keras_egan.gans.ebgan import EBGAN
from keras_egan.gans.energy_gan import EnergyGAN
from keras_egan.gans.least_squares_gan import LeastSquaresGAN
from keras_egan.gans.loss_sensitive_gan import LossSensitiveGAN
from keras_egan.gans.magan import MAGAN
from keras_egan.gans.relativistic_gan import RelativisticGAN

__all__ = [
    "BEGAN",
    "BEGANCS",
    "EBGAN",
    "MAGAN",
    "EnergyGAN",
    "LeastSquaresGAN",
    "LossSensitiveGAN",
    "RelativisticGAN",
]
