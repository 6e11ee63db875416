"""Named settings that are known to work, from which a compiled GAN is built.

Some presets also have a pretrained GAN.
"""

from keras_egan.presets._presets import Preset, build, get, names, trained

__all__ = ["Preset", "build", "get", "names", "trained"]
