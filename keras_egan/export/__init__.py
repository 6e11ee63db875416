"""Export of generators to the formats of production, from every backend."""

from keras_egan.export._export import export
from keras_egan.export._formats import FORMATS

__all__ = ["FORMATS", "export"]
