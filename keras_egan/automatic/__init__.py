"""Training that configures itself: look at the data, plan, train, watch, and report."""

from keras_egan.automatic._train import train

__all__ = ["train"]
