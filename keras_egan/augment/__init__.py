"""Differentiable augmentation of all images that a discriminator sees, data and fakes alike."""

from keras_egan.augment._diff_augment import DiffAugment

__all__ = ["DiffAugment"]
