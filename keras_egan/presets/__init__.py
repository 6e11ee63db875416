"""Settings that are known to work, by name: data, of which a compiled GAN is built.

Some come trained.
"""

from keras_egan.presets._presets import Preset, build, get, names, trained

__all__ = ["Preset", "build", "get", "names", "trained"]
