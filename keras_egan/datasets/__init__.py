"""Data: batches of images, and mixtures of Gaussians."""

from keras_egan.datasets.batches import Batches
from keras_egan.datasets.loading import image_shape, load
from keras_egan.datasets.mixtures import Mixture, grid, ring
from keras_egan.datasets.ordered import Ordered
from keras_egan.datasets.stream import Stream

__all__ = ["Batches", "Mixture", "Ordered", "Stream", "grid", "image_shape", "load", "ring"]
