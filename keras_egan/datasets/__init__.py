"""Datasets: batches of images, and mixtures of Gaussians."""

from keras_egan.datasets.batches import Batches, Ordered, Stream
from keras_egan.datasets.loading import image_shape, load
from keras_egan.datasets.mixtures import Mixture, grid, ring

__all__ = ["Batches", "Mixture", "Ordered", "Stream", "grid", "image_shape", "load", "ring"]
