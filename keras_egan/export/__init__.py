"""The generator in the formats that production runs, on every backend."""

from keras_egan.export._arguments import FORMATS
from keras_egan.export._export import export

__all__ = ["FORMATS", "export"]
