"""What makes two trainings the same, so that one may go on from the other's backup."""

import re
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sized
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_egan.saving import configuration

__all__ = ["check_same", "fingerprint"]

_WITHOUT_EFFECT = ("build_config", "module", "name", "registered_name", "seed", "shared_object_id")
"""Parts of a serialized object that may differ.

Keras counts names on in a process, and a backup holds the states of seeds.
"""

_REFERENCES = ("input_layers", "keras_history", "output_layers")
"""Parts of a serialized model that name its layers."""


def fingerprint(gan: Any, data: Any, steps: int | None) -> dict[str, Any]:
    """Returns what must be the same for a training to be the same, as JSON can hold it.

    Args:
        gan: the `EnergyGAN`, compiled, before it is restored.
        data: the images, as `Run` has them.
        steps: the steps of an epoch, if they are given.
    """
    facts: dict[str, Any] = {"GAN": type(gan).__name__}
    for side in ("generator", "discriminator"):
        variables = getattr(gan, side).variables
        facts[f"{side}'s weights"] = [list(variable.shape) for variable in variables]
    for name, value in configuration.arguments_of(gan).items():
        if name != "name":
            facts |= _described(name, value)
    for side, optimizer in zip(("d", "g"), gan.optimizer.optimizers, strict=True):
        config = keras.saving.serialize_keras_object(optimizer)
        facts |= _described(f"{side}_optimizer", config)
    facts["`steps_per_epoch`"] = steps
    for name in ("batch_size", "shuffle"):
        facts[f"`{name}`"] = getattr(data, name, None)
    samples = getattr(data, "samples", None)
    facts["number of images"] = len(samples) if isinstance(samples, Sized) else None
    if isinstance(samples, np.ndarray) and len(samples):
        some = samples[:: max(1, len(samples) // 64)]
        facts["images"] = f"checksum {zlib.crc32(some.tobytes()):08x}"
    given = getattr(data, "labels", None)
    if given is not None:
        facts["labels"] = f"checksum {zlib.crc32(given.tobytes()):08x}"
    return facts


def check_same(before: Mapping[str, Any], now: Mapping[str, Any], folder: Path) -> None:
    """Raises a `ValueError` that names how a training differs from that of a backup.

    Learning rates may differ, with a warning: the backup's are used.

    Args:
        before: the fingerprint in the backup.
        now: that of the present training.
        folder: where the backup is.
    """
    differing = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    rates = [
        name
        for name in differing
        if re.search(r"[`.]learning_rate`$", name)
        and all(isinstance(facts.get(name), float) for facts in (before, now))  # no schedule
    ]
    for name in rates:
        warnings.warn(
            f"{name} is {now[name]:g}, but training goes on from a backup in {folder}, with the "
            f"rate there, which began as {before[name]:g}. To change it, set "
            "`learning_rate` in a callback.",
            stacklevel=4,
        )
    found = [
        f"{name} was {_shown(before.get(name))} and is {_shown(now.get(name))}"
        for name in differing
        if name not in rates
    ]
    if found:
        raise ValueError(
            f"{folder} holds the backup of another training: {'; '.join(found[:5])}. Train with "
            "what it was made with, to go on from it; or give this training another folder; or "
            "delete the backup to begin anew."
        )


def _described(name, value):
    """Returns an argument's plain values by their names, such as "generator's `layers.0.units`"."""
    values = {}
    for path, leaf in _leaves(value):
        values[f"{name}'s `{path}`" if path else f"`{name}`"] = leaf
    return values


def _leaves(value: Any, path: str = "", numbers: Any = None) -> Iterator[tuple[str, Any]]:
    """Yields the plain values of a serialized object, and where in it they are.

    Args:
        value: the object or a part of it.
        path: where that is.
        numbers: the numbers of the model's layers, by their names.
    """
    if isinstance(value, dict):
        kind, config = value.get("class_name"), value.get("config", {})
        if kind == "__lambda__" or not isinstance(config, dict):  # of a function, only its name
            yield path, f"{kind} {config if isinstance(config, str) else ''}".strip()
            return
        if str(kind).endswith("DTypePolicy"):
            yield path, config.get("name")
            return
        if kind is not None:
            yield path, kind
            value = {
                **config,
                **{k: v for k, v in value.items() if k not in ("class_name", "config")},
            }
        inner = numbers
        if isinstance(value.get("layers"), list):
            inner = {_name(layer): index for index, layer in enumerate(value["layers"])}
        for key, item in value.items():
            if key not in _WITHOUT_EFFECT:
                # A model within a model is called with outputs of the outer one's layers.
                known = numbers if key == "inbound_nodes" else inner
                item = _numbered(item, known or {}) if key in _REFERENCES else item
                yield from _leaves(item, f"{path}.{key}" if path else key, known)
    elif isinstance(value, (list, tuple)) and not all(map(_is_plain, value)):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}.{index}", numbers)
    else:
        yield path, list(value) if isinstance(value, tuple) else value


def _name(layer):
    return layer.get("name") or layer.get("config", {}).get("name")


def _numbered(value, numbers):
    """Returns references to layers by their numbers, for Keras counts names on in a process."""
    if isinstance(value, (list, tuple)):
        return [_numbered(item, numbers) for item in value]
    if isinstance(value, dict):
        return {key: _numbered(item, numbers) for key, item in value.items()}
    return numbers.get(value, value)


def _is_plain(value):
    return isinstance(value, (bool, int, float, str, type(None)))


def _shown(value):
    text = repr(value)
    return text if len(text) < 60 else f"{text[:57]}..."
