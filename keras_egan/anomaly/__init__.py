"""The energy as an anomaly detector: a score for an image, and a map of where it is odd."""

from keras_egan.anomaly._energy_detector import EnergyDetector
from keras_egan.anomaly._overlay import overlay

__all__ = ["EnergyDetector", "overlay"]
