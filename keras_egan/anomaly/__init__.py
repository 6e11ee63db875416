"""Anomaly detection by energy: a score per image, and a map of its abnormal places."""

from keras_egan.anomaly._energy_detector import EnergyDetector
from keras_egan.anomaly._figures import DetectorFigures, aupro, evaluate
from keras_egan.anomaly._mvtec import Inspection, load_mvtec
from keras_egan.anomaly._overlay import overlay

__all__ = [
    "DetectorFigures",
    "EnergyDetector",
    "Inspection",
    "aupro",
    "evaluate",
    "load_mvtec",
    "overlay",
]
