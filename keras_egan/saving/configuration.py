"""A GAN's configuration: its constructor's arguments, by name, and how it is made from them."""

import inspect
from typing import Any

import keras

from keras_egan.saving.hyperparameter import Hyperparameter

PLAIN = (bool, int, float, str, type(None))

SETTINGS = ("d_steps", "updates", "latents")
"""Arguments of every GAN that are set on it where its class does not take them."""

OF_THE_BASE = ("latent_dim", "generator_average", "augment", "num_classes", "seed", "name")
"""Arguments of every GAN that are kept even if they were not given."""

ATTRIBUTES = {"energy": "energy_name"}
"""The attributes of arguments whose names are methods."""


def given(cls: type, kwargs: dict[str, Any]) -> tuple[str, ...]:
    """Returns the names of a constructor's own arguments, and of further ones that it got."""
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
                f"`{name}` is an argument of {type(gan).__name__} that is kept nowhere: keep it as "
                f"`self.{name}`, or give the class a `get_config` of its own."
            ) from None
        yield name, value


def arguments_of(gan: Any) -> dict[str, Any]:
    """Returns the arguments that make a GAN like this one, serialized, at their present values.

    Each is read from the attribute of its name, so that a subclass need not say anything more.
    """
    return {
        name: attribute.configured(gan)
        if isinstance(attribute := getattr(type(gan), name, None), Hyperparameter)
        else keras.saving.serialize_keras_object(value)
        for name, value in _values(gan)
    }


def settings_of(gan: Any) -> dict[str, Any]:
    """Returns the arguments that are plain values, which are constants of a compiled step."""
    return {name: value for name, value in _values(gan) if isinstance(value, PLAIN)}


def make(cls: type, config: dict[str, Any], custom_objects: dict | None = None) -> Any:
    """Makes a GAN, with networks of its own, from what `arguments_of` returned."""
    arguments = {
        name: keras.saving.deserialize_keras_object(value, custom_objects=custom_objects)
        if isinstance(value, (dict, list))
        else value
        for name, value in config.items()
    }
    later = {n: arguments.pop(n) for n in SETTINGS if n in arguments and not _accepts(cls, n)}
    gan = cls(**arguments)
    for name, value in later.items():
        setattr(gan, name, value)
    return gan


def compile_arguments_of(gan: Any) -> dict[str, Any]:
    """Returns the arguments of `compile`, the optimizers serialized."""
    if not gan.compiled:
        return {}
    optimizer = keras.saving.serialize_keras_object(gan.optimizer)
    return {"optimizer": optimizer, **gan._compile_arguments}


def compile_from(gan: Any, config: dict[str, Any]) -> None:
    """Compiles a GAN with what `compile_arguments_of` returned."""
    arguments = dict(config)
    pair = keras.saving.deserialize_keras_object(arguments.pop("optimizer"))
    gan.compile(pair.d_optimizer, pair.g_optimizer, **arguments)
