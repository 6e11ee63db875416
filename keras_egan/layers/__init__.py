"""Keras layers of this package's networks; they save, load and export like any other layer."""

from keras_egan.layers._convolutions import Conv2D, Conv2DTranspose
from keras_egan.layers._upsampled_conv2d import UpsampledConv2D
from keras_egan.layers._vanishing_residual import VanishingResidual
from keras_egan.layers._within_class_normalization import WithinClassNormalization

__all__ = [
    "Conv2D",
    "Conv2DTranspose",
    "UpsampledConv2D",
    "VanishingResidual",
    "WithinClassNormalization",
]
