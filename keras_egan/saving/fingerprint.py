"""Fingerprints of trainings: a training may resume a backup whose fingerprint is equal."""

import re
import warnings
import zlib
from collections.abc import Iterator, Mapping, Sized
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_egan.saving.configuration import PLAIN, arguments_of

_WITHOUT_EFFECT = ("build_config", "module", "name", "registered_name", "seed", "shared_object_id")
"""Parts of a serialized object that may differ.

Keras numbers names consecutively in a process, and a backup holds the states of seeds.
"""


def fingerprint(gan: Any, data: Any, steps: int | None) -> dict[str, Any]:
    """Return, as plain JSON values, everything that a resumed training must have in common.

    The GAN must be compiled and not yet restored; `data` is as in `Run`.
    """
    metadata: dict[str, Any] = {"GAN": type(gan).__name__}
    for side in ("generator", "discriminator"):
        variables = getattr(gan, side).variables
        metadata[f"{side}'s weights"] = [list(variable.shape) for variable in variables]
    for name, value in arguments_of(gan).items():
        if name != "name":
            metadata |= _described(name, value)
    for side in ("d_optimizer", "g_optimizer"):
        config = keras.saving.serialize_keras_object(getattr(gan, side))
        metadata |= _described(side, config)
    metadata["`steps_per_epoch`"] = steps
    for name in ("batch_size", "shuffle"):
        metadata[f"`{name}`"] = getattr(data, name, None)
    samples, labels = getattr(data, "samples", None), getattr(data, "labels", None)
    metadata["number of images"] = len(samples) if isinstance(samples, Sized) else None
    some = samples[:: max(1, len(samples) // 64)] if isinstance(samples, np.ndarray) else None
    for name, array in (("images", some), ("labels", labels)):
        if array is not None:
            metadata[name] = f"checksum {zlib.crc32(array.tobytes()):08x}"
    return metadata


def check_same(before: Mapping[str, Any], now: Mapping[str, Any], folder: Path) -> None:
    """Raise a `ValueError` that names the differences if a training is not that of a backup.

    Learning rates may differ, with a warning: the backup's rates are used.
    """
    differences = []
    for name in {**before, **now}:
        old, new = before.get(name), now.get(name)
        is_rate = re.search(r"[`.]learning_rate`$", name)
        if old != new and is_rate and isinstance(old, float) and isinstance(new, float):
            warnings.warn(
                f"{name} is {new:g}, but the backup in {folder} began with {old:g}; training "
                "resumes with the backup's rate. To change it, set `learning_rate` in a callback.",
                stacklevel=4,
            )
        elif old != new:
            differences.append(f"{name} was {_shown(old)} and is {_shown(new)}")
    if differences:
        raise ValueError(
            f"{folder} holds the backup of another training: {'; '.join(differences[:5])}. To "
            "resume it, restore the old values. To train anew, use another folder or delete the "
            "backup."
        )


def _described(name, value):
    """Return an argument's plain values by name, such as "generator's `layers.0.units`"."""
    return {
        f"{name}'s `{path}`" if path else f"`{name}`": leaf for path, leaf in _leaves(value, "", {})
    }


def _leaves(value: Any, path: str, numbers: dict[str, int]) -> Iterator[tuple[str, Any]]:
    """Yield the paths and plain values in a part of a serialized object.

    `numbers` maps the names of the model's layers to their indices. Keras numbers names
    consecutively in a process, so if a list names a layer, as `keras_history` does, its index is
    compared instead.
    """
    if isinstance(value, dict):
        kind, config = value.get("class_name"), value.get("config", {})
        if kind == "__lambda__" or not isinstance(config, dict):  # only a function's name counts
            yield path, f"{kind} {config if isinstance(config, str) else ''}".strip()
            return
        if str(kind).endswith("DTypePolicy"):
            yield path, config.get("name")
            return
        if kind is not None:
            yield path, kind
            value = config | {k: v for k, v in value.items() if k not in ("class_name", "config")}
        inner = numbers
        if isinstance(value.get("layers"), list):
            inner = {_name(layer): index for index, layer in enumerate(value["layers"])}
        for key, item in value.items():
            if key not in _WITHOUT_EFFECT:
                # An inner model is called with outputs of the outer model's layers.
                known = numbers if key == "inbound_nodes" else inner
                yield from _leaves(item, f"{path}.{key}" if path else key, known)
    elif isinstance(value, (list, tuple)) and not all(isinstance(x, PLAIN) for x in value):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}.{index}", numbers)
    elif isinstance(value, (list, tuple)):
        yield path, [numbers.get(item, item) for item in value]
    else:
        yield path, value


def _name(layer):
    return layer.get("name") or layer.get("config", {}).get("name")


def _shown(value):
    text = repr(value)
    return text if len(text) < 60 else f"{text[:57]}..."
