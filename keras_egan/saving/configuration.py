"""A GAN's configuration: its constructor's arguments by name, and the GAN made from them."""

import inspect
from typing import Any

import keras

from keras_egan._version import __version__
from keras_egan.saving.hyperparameter import Hyperparameter

_VERSION = "keras_egan_version"
"""The entry of a configuration that is no argument: which version wrote it."""

PLAIN = (bool, int, float, str, type(None))

SETTINGS = ("d_steps", "updates", "latents")
"""Arguments of every GAN that are set as attributes if its class does not take them."""

OF_THE_BASE = ("latent_dim", "generator_average", "augment", "num_classes", "seed", "name")
"""Arguments of every GAN that are stored even if they were not given."""

ATTRIBUTES = {"energy": "energy_name"}
"""Attributes of arguments whose own names are methods."""


def given(cls: type, kwargs: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of a constructor's declared arguments, and of other arguments given."""
    variadic = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
    named = [p.name for p in _parameters(cls) if p.kind not in variadic]
    return tuple(dict.fromkeys((*named, *kwargs)))


def _parameters(cls):
    return [*inspect.signature(cls.__init__).parameters.values()][1:]


def _accepts(cls, name):
    return any(p.name == name or p.kind is p.VAR_KEYWORD for p in _parameters(cls))


def _values(gan):
    of_the_base = (name for name in OF_THE_BASE if _accepts(type(gan), name))
    for name in dict.fromkeys((*gan._given, *of_the_base, *SETTINGS)):
        try:
            value = getattr(gan, ATTRIBUTES.get(name, name))
        except AttributeError:
            raise ValueError(
                f"{type(gan).__name__} must store its argument `{name}`. Set `self.{name}`, or "
                "give it the base's name for it, such as `generator`, or define `get_config`."
            ) from None
        yield name, value


def arguments_of(gan: Any) -> dict[str, Any]:
    """Return the arguments that make a GAN like this one, serialized, at their current values.

    Each is read from the attribute of its name, so that a subclass needs no further code.
    """
    return {
        name: attribute.configured(gan)
        if isinstance(attribute := getattr(type(gan), name, None), Hyperparameter)
        else keras.saving.serialize_keras_object(value)
        for name, value in _values(gan)
    }


def config_of(gan: Any) -> dict[str, Any]:
    """Return `arguments_of` a GAN, and the version of this package, for `get_config`."""
    return {**arguments_of(gan), _VERSION: __version__}


def settings_of(gan: Any) -> dict[str, Any]:
    """Return the arguments that are plain values: constants of a compiled step."""
    return {name: value for name, value in _values(gan) if isinstance(value, PLAIN)}


def make(cls: type, config: dict[str, Any], custom_objects: dict | None = None) -> Any:
    """Make a GAN, with new networks, from the result of `config_of`."""
    arguments = {
        name: keras.saving.deserialize_keras_object(value, custom_objects=custom_objects)
        if isinstance(value, (dict, list))
        else value
        for name, value in config.items()
        if name != _VERSION
    }
    later = {n: arguments.pop(n) for n in SETTINGS if n in arguments and not _accepts(cls, n)}
    gan = cls(**arguments)
    for name, value in later.items():
        setattr(gan, name, value)
    return gan


def compile_arguments_of(gan: Any) -> dict[str, Any]:
    """Return the arguments of `compile`, with serialized optimizers."""
    if not gan.compiled:
        return {}
    optimizer = keras.saving.serialize_keras_object(gan.optimizer)
    return {"optimizer": optimizer, **gan._compile_arguments}


def compile_from(gan: Any, config: dict[str, Any]) -> None:
    """Compile a GAN with the result of `compile_arguments_of`."""
    arguments = dict(config)
    pair = keras.saving.deserialize_keras_object(arguments.pop("optimizer"))
    gan.compile(pair.d_optimizer, pair.g_optimizer, **arguments)
