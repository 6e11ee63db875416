"""Anomaly detection by energy: a score per image, and a map of its abnormal places."""

from keras_egan.anomaly._energy_detector import EnergyDetector
from keras_egan.anomaly._overlay import overlay

__all__ = ["EnergyDetector", "overlay"]
