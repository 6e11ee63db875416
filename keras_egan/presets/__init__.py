"""Settings that are known to work, by name: a GAN, its networks and its optimizers.

`presets.json` holds them: `like` names the preset whose settings hold where one has none itself.
"""

from keras_egan.presets._presets import Preset, build, get, names

__all__ = ["Preset", "build", "get", "names"]
