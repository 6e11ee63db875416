"""Keras metrics for generative models."""

from keras_egan.metrics.figure_means import FigureMeans

__all__ = ["FigureMeans"]
