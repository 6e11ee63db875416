"""What makes two trainings the same, so that one may go on from the other's backup."""

import warnings
import zlib
from collections.abc import Mapping, Sized
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_egan import configuration

__all__ = ["check_same", "fingerprint"]


def fingerprint(gan: Any, data: Any, steps: int | None) -> dict[str, Any]:
    """Returns what must be the same for a training to be the same, as JSON can hold it.

    Args:
        gan: the `EnergyGAN`, compiled, before it is restored.
        data: the images, as `Run` has them.
        steps: the steps of an epoch, if they are given.
    """
    facts: dict[str, Any] = {"GAN": type(gan).__name__}
    for name, value in configuration.arguments_of(gan).items():
        if name != "name" and not isinstance(value, (dict, list)):
            facts[f"`{name}`"] = value
    for side in ("generator", "discriminator"):
        variables = getattr(gan, side).variables
        facts[f"{side}'s weights"] = [list(variable.shape) for variable in variables]
    for side, optimizer in zip(("d", "g"), gan.optimizer.optimizers, strict=True):
        config = keras.saving.serialize_keras_object(optimizer)["config"]
        facts[f"`{side}_optimizer`"] = type(optimizer).__name__
        for name, value in config.items():
            if name != "name" and not isinstance(value, (dict, list)):
                facts[f"{side}_optimizer's `{name}`"] = value
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
    rates = [name for name in differing if name.endswith("`learning_rate`")]
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


def _shown(value):
    text = repr(value)
    return text if len(text) < 60 else f"{text[:57]}..."
