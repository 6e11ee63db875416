"""Keras layers of the networks here: saved, loaded and exported as any other."""

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
