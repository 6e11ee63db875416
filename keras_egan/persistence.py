"""How a GAN is kept in files: whole, with what Keras leaves out, and read whole or not at all."""

import os
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_egan import files, processes
from keras_egan._keras_internals import seed_states

__all__ = [
    "changing_variables",
    "load_own_variables",
    "load_weights",
    "save",
    "save_own_variables",
    "save_weights",
]


def save(
    gan: Any,
    filepath: str | os.PathLike,
    overwrite: bool = True,
    zipped: bool | None = None,
    **kwargs: Any,
) -> None:
    """Saves all of the model, as `keras.Model.save`: whole, or not at all.

    Where several processes train together, the first saves it, and the others do not wait.

    Args:
        gan: the model.
        filepath: the file, whose name ends in `.keras`.
        overwrite: as in `keras.Model.save`.
        zipped: as in `keras.Model.save`; folders, and addresses such as `hf://`, are written by
            Keras in place.
        **kwargs: as in `keras.Model.save`.

    Raises:
        ValueError: if `filepath` ends otherwise.
        OSError: if it cannot be written; a full disk is named, with what is needed. An older
            file is then as it was.

    Example:

    ```python
    gan.save("began.keras")
    gan = keras_egan.load("began.keras")
    ```
    """
    processes.by_first(files.save, _of_keras(gan, "save"), filepath, overwrite, zipped, **kwargs)


def save_weights(
    gan: Any,
    filepath: str | os.PathLike,
    overwrite: bool = True,
    max_shard_size: float | None = None,
) -> None:
    """Saves all variables, as `keras.Model.save_weights`: whole, or not at all.

    Where several processes train together, the first saves them, and the others do not wait.

    Args:
        gan: the model.
        filepath: the file, whose name ends in `.weights.h5`. It gets a checksum, which
            `load_weights` holds it against.
        overwrite: as in `keras.Model.save_weights`.
        max_shard_size: as in `keras.Model.save_weights`; shards have no checksum.

    Raises:
        ValueError: if `filepath` ends otherwise.
        OSError: as in `save`.
    """
    save = _of_keras(gan, "save_weights")
    processes.by_first(files.save_weights, save, filepath, overwrite, max_shard_size)


def load_weights(gan: Any, filepath: str | os.PathLike, *args: Any, **kwargs: Any) -> None:
    """Loads weights, as `keras.Model.load_weights`; if that fails, all stay as they were.

    Args:
        gan: the model.
        filepath: a `.weights.h5` or `.keras` file of the same kind of model.
        *args: as in `keras.Model.load_weights`.
        **kwargs: as in `keras.Model.load_weights`.

    Raises:
        ValueError: if the file is damaged, or of another kind of model.
        OSError: if it cannot be read.
    """
    files.check(filepath)
    variables = gan.changing_variables
    kept = [ops.copy(variable) for variable in variables]
    try:
        keras.Model.load_weights(gan, filepath, *args, **kwargs)
    except BaseException:
        for variable, value in zip(variables, kept, strict=True):
            variable.assign(value)
        raise


def changing_variables(gan: Any) -> list[Any]:
    """All variables, the optimizers' and the running means' included."""
    parts = [gan, gan.running_means, gan.optimizer] if gan.compiled else [gan]
    return [variable for part in parts for variable in part.variables]


def save_own_variables(gan: Any, store: Any) -> None:
    """Saves the controller's state, the seeds and the running means, which Keras leaves out."""
    store["format"] = np.array(2)
    for name, variable in _own(gan).items():
        store[name] = ops.convert_to_numpy(variable)


def load_own_variables(gan: Any, store: Any) -> None:
    """Loads what `save_own_variables` saved, or what version 0.1.0 did."""
    keys = set(store.keys())
    if "format" not in keys:
        _load_0_1_0(gan, store)
        return
    for name, variable in _own(gan).items():
        if name in keys or not name.startswith("mean_"):
            variable.assign(store[name])


def _own(gan):
    return {**_weights(gan), **_seeds(gan), **_means(gan)}


def _weights(gan):
    own = {}
    keras.Model.save_own_variables(gan, own)
    hyperparameters = {id(v) for v in gan.hyperparameters.values()}
    names = {id(variable): name for name, variable in gan.states.items()}
    return {
        names.get(id(v), f"weight_{key}"): v
        for key, v in own.items()
        if id(v) not in hyperparameters
    }


def _seeds(gan):
    return {f"seed_{index}": seed for index, seed in enumerate(seed_states(gan))}


def _means(gan):
    means = gan.running_means.variables if gan.running_means else ()
    return {f"mean_{index}": v for index, v in enumerate(means)}


def _load_0_1_0(gan, store):
    """Loads what version 0.1.0 kept: numbered averages, step, order and controller in one row."""
    keys = set(store.keys())
    values = [store[str(index)][...] for index in range(sum(key.isdigit() for key in keys))]
    averages = len(gan.weight_average.values)
    gan.weight_average.load(values[:averages])
    gan.progress.load(*values[averages : averages + 2])
    states = list(gan.states.values())
    for variable, value in zip(states, values[averages + 2 :], strict=True):
        variable.assign(value)
    for name, variable in {**_seeds(gan), **_means(gan)}.items():
        if name in keys:
            variable.assign(store[name])


def _of_keras(gan, name):
    return getattr(keras.Model, name).__get__(gan)
