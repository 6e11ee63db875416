"""Presets: their settings, the GANs built from them, and the pretrained GANs."""

import difflib
import inspect
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, NamedTuple

import keras

from keras_egan import networks
from keras_egan.gans.began import BEGAN
from keras_egan.gans.began_cs import BEGANCS
from keras_egan.gans.ebgan import EBGAN
from keras_egan.gans.energy_gan import EnergyGAN
from keras_egan.gans.least_squares_gan import LeastSquaresGAN
from keras_egan.gans.loss_sensitive_gan import LossSensitiveGAN
from keras_egan.gans.magan import MAGAN
from keras_egan.gans.relativistic_gan import RelativisticGAN
from keras_egan.image_format import feature_shape
from keras_egan.saving import files

_CLASSES = (BEGAN, BEGANCS, EBGAN, MAGAN, LeastSquaresGAN, LossSensitiveGAN, RelativisticGAN)
_GANS = {gan.__name__: gan for gan in _CLASSES}
_FOLDER = resources.files(__package__)


class Preset(NamedTuple):
    """The settings of one training.

    Attributes:
        about: the preset's purpose, as the end of a sentence.
        dataset: the images it was tuned on, a name that `datasets.load` takes, or None.
        gan: the name of the GAN's class.
        arguments: the GAN's further arguments.
        network: the name of the function in `keras_egan.networks` that makes both networks.
        network_arguments: that function's arguments, except the image shape.
        image_shape: the shape of one image, channels last.
        optimizer: the name of both optimizers' class in `keras.optimizers`.
        beta_1: both optimizers' `beta_1`.
        d_rate: the discriminator's learning rate.
        g_rate: the generator's learning rate.
        batch_size: the number of images per batch.
        epochs: the number of epochs.
        patience: the number of epochs without a lower `m_global` before both learning rates are
            halved, or None to keep them.
        beta_2: both optimizers' `beta_2`.
    """

    about: str
    dataset: str | None
    gan: str
    arguments: Mapping[str, Any]
    network: str
    network_arguments: Mapping[str, Any]
    image_shape: tuple[int, int, int]
    optimizer: str
    beta_1: float
    d_rate: float
    g_rate: float
    batch_size: int
    epochs: int
    patience: int | None
    beta_2: float = 0.999


def _presets() -> dict[str, dict[str, Any]]:
    text = _FOLDER.joinpath("presets.json").read_text("utf-8")
    found: dict[str, dict[str, Any]] = {}
    for name, settings in json.loads(text).items():
        found[name] = {**found.get(settings.pop("like", ""), {}), **settings}
    return found


def names() -> list[str]:
    """Return the names of all presets, such as `"began/digits"`: GAN and purpose."""
    return list(_presets())


def get(name: str) -> Preset:
    """Return the settings of a preset.

    Args:
        name: one of `names()`.

    Raises:
        ValueError: if there is no preset of that name.

    Example:

    ```python
    preset = presets.get("began/digits")
    gan = presets.build("began/digits")
    gan.fit(images, batch_size=preset.batch_size, epochs=preset.epochs)
    ```
    """
    known = _presets()
    if name not in known:
        raise unknown("`name` must be the name of a preset", name, [*known])
    return Preset(**known[name] | {"image_shape": tuple(known[name]["image_shape"])})


def unknown(must: str, name: Any, known: Sequence[str]) -> ValueError:
    """Return the error for an unknown name; it lists the known names."""
    near = difflib.get_close_matches(str(name), known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return ValueError(f"{must}: {', '.join(known)}; got {name!r}.{hint}")


def build(
    name: str,
    image_shape: Sequence[int] | None = None,
    *,
    network_arguments: Mapping[str, Any] | None = None,
    num_classes: int | None = None,
    d_rate: float | None = None,
    g_rate: float | None = None,
    **arguments: Any,
) -> EnergyGAN:
    """Return a preset's GAN, compiled and untrained.

    Args:
        name: one of `names()`.
        image_shape: the shape of one image in Keras's image data format; by default the preset's.
        network_arguments: a dict of network arguments to change.
        num_classes: the number of classes, for a conditional GAN, whose networks also take labels.
        d_rate: the discriminator's learning rate, a number or a schedule; by default the preset's.
        g_rate: the generator's learning rate, likewise.
        **arguments: arguments of the GAN to change, such as `seed=0`.

    Raises:
        ValueError: if there is no preset of that name, or its networks do not fit `image_shape`.

    Example:

    ```python
    gan = presets.build("began/digits", seed=0)
    gan.fit(images, batch_size=64, epochs=40)  # uint8, or floats in [-1, 1]
    ```
    """
    preset = get(name)
    if image_shape is None:
        image_shape = feature_shape(*preset.image_shape)
    make = getattr(networks, preset.network)
    given = {**preset.network_arguments, **(network_arguments or {})}
    if num_classes is not None:
        given["num_classes"] = arguments["num_classes"] = num_classes
    if "image_shape" in inspect.signature(make).parameters:
        given["image_shape"] = tuple(image_shape)
    elif tuple(image_shape) != preset.image_shape:
        raise ValueError(
            f"`image_shape` must be {preset.image_shape}, the only shape of `networks."
            f"{preset.network}` in {name!r}; got {tuple(image_shape)}. Omit it."
        )
    generator, discriminator = make(**given)
    gan = _GANS[preset.gan](generator, discriminator, **{**preset.arguments, **arguments})
    _compile(gan, preset, d_rate, g_rate)
    return gan


def trained() -> list[str]:
    """Return the names of the pretrained GANs, for `keras_egan.load`.

    Their files hold the exponential moving average of the generator's weights in place of the
    weights, and matrices in half precision.

    Example:

    ```python
    digits = keras_egan.load("began/mnist").sample(64)
    ```
    """
    return [name for name in names() if _file(name).is_file()]


def load_trained(name: str) -> EnergyGAN:
    """Load a pretrained GAN, one of `trained()`, compiled like its preset."""
    with resources.as_file(_file(name)) as path:
        gan = files.open_model(path)
    _compile(gan, get(name))
    return gan


def _file(name):
    return _FOLDER.joinpath("trained", f"{name.replace('/', '_')}.keras")


def _compile(gan, preset, d_rate=None, g_rate=None):
    optimizer = getattr(keras.optimizers, preset.optimizer)
    betas = {"beta_1": preset.beta_1, "beta_2": preset.beta_2}
    gan.compile(
        d_optimizer=optimizer(preset.d_rate if d_rate is None else d_rate, **betas),
        g_optimizer=optimizer(preset.g_rate if g_rate is None else g_rate, **betas),
    )
