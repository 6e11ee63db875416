"""Data: batches of images, and mixtures of Gaussians."""

from keras_egan.datasets.batches import Batches
from keras_egan.datasets.images import image_shape, load
from keras_egan.datasets.mixtures import Mixture, grid, ring

__all__ = ["Batches", "Mixture", "grid", "image_shape", "load", "ring"]
