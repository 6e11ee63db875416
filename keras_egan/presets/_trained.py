"""GANs that come trained, in files of the package."""

from importlib import resources

from keras_egan.gans.energy_gan import EnergyGAN
from keras_egan.presets import _presets
from keras_egan.saving import files

__all__ = ["load_trained", "trained"]

_FOLDER = resources.files(__package__).joinpath("trained")


def trained() -> list[str]:
    """Returns the names of the presets that come trained, which `keras_egan.load` takes.

    Their files have the running average of the generator's weights in the generator's place, and
    matrices in half precision.

    Example:

    ```python
    digits = keras_egan.load("began/mnist").sample(64)
    ```
    """
    return [name for name in _presets.names() if _file(name).is_file()]


def load_trained(name: str) -> EnergyGAN:
    """Returns one of them, compiled as its preset is. See `keras_egan.load`.

    Args:
        name: one of `trained()`.
    """
    with resources.as_file(_file(name)) as path:
        gan = files.open_model(path)
    _presets.compile_as(gan, _presets.get(name))
    return gan


def _file(name):
    return _FOLDER.joinpath(f"{name.replace('/', '_')}.keras")
