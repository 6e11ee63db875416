"""How a GAN is kept in files: whole, with the state that Keras leaves out, or not at all."""

import os
import warnings
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_egan.backend import processes
from keras_egan.backend.keras_internals import seed_states
from keras_egan.saving import files


def add_variable(
    layer: keras.Layer,
    name: str,
    dtype: str = "float32",
    initial: float = 0,
    shape: Sequence[int] = (),
) -> Any:
    """Returns a new variable of a layer, which no gradient changes, the same on every replica.

    The dtype of a count is `"int"`, which is int64 on TensorFlow: it keeps int32 variables on the
    host, and XLA on a GPU reads none from there.
    https://github.com/tensorflow/tensorflow/issues/53192
    """
    return layer.add_weight(
        name=name,
        shape=shape,
        initializer=keras.initializers.Constant(initial),
        dtype=dtype,
        trainable=False,
        autocast=False,
        aggregation="only_first_replica",
    )


def save(
    gan: Any,
    filepath: str | os.PathLike,
    overwrite: bool = True,
    zipped: bool | None = None,
    **kwargs: Any,
) -> None:
    """Saves all of the model, as `keras.Model.save` with its arguments: whole, or not at all.

    Where several processes train together, the first saves it, and the others do not wait. Keras
    writes folders, and addresses such as `hf://`, in place.

    Raises:
        ValueError: if `filepath` does not end in `.keras`.
        OSError: if it cannot be written, and how much a full disk lacks. An older file stays.

    Example:

    ```python
    gan.save("began.keras")
    gan = keras_egan.load("began.keras")
    ```
    """
    save, kwargs["zipped"] = keras.Model.save.__get__(gan), zipped
    processes.by_first(files.save, save, filepath, ".keras", overwrite, zipped is False, **kwargs)


def save_weights(
    gan: Any,
    filepath: str | os.PathLike,
    overwrite: bool = True,
    max_shard_size: float | None = None,
) -> None:
    """Saves all variables, as `keras.Model.save_weights` with its arguments: whole, or not at all.

    The first process saves, as in `save`. Keras writes shards in place.

    Raises:
        ValueError: if `filepath` does not end in `.weights.h5`.
        OSError: as in `save`.
    """
    save, size = keras.Model.save_weights.__get__(gan), {"max_shard_size": max_shard_size}
    in_shards = max_shard_size is not None
    processes.by_first(files.save, save, filepath, ".weights.h5", overwrite, in_shards, **size)


def load_weights(gan: Any, filepath: str | os.PathLike, *args: Any, **kwargs: Any) -> None:
    """Loads weights, as `keras.Model.load_weights`; if that fails, all stay as they were.

    Raises:
        ValueError: if the file is of another kind of model.
        OSError: if it cannot be read.
    """
    files.check_size(filepath)
    average, training = gan._weight_average, gan._training_state
    kept = [(variable, ops.copy(variable)) for variable in named_variables(gan).values()]
    known, random_state = average.known, training.random_state
    try:
        keras.Model.load_weights(gan, filepath, *args, **kwargs)
    except BaseException:
        for variable, value in kept:
            variable.assign(value)
        average.known, training.random_state = known, random_state
        raise


def named_variables(gan: Any) -> dict[str, Any]:
    """Returns all variables that training changes, by names that are the same in every process.

    Keras numbers layers that have no name of their own through a whole process, so that the paths
    of their variables differ between processes.
    """
    owners = {
        "generator": gan.generator,
        "discriminator": gan.discriminator,
        "average": gan._weight_average,
        "training": gan._training_state,
        "gan": gan,  # labels, augmentation, and layers of a subclass
    }
    if gan.compiled:
        owners |= {"d_optimizer": gan.d_optimizer, "g_optimizer": gan.g_optimizer}
    state = {**gan._hyperparameters, **_own(gan)}
    named = set(map(id, state.values()))
    for part, owner in owners.items():
        for index, variable in enumerate(owner.variables):
            if id(variable) not in named:
                state[f"{part}/{index}"] = variable
                named.add(id(variable))
    return state


def save_own_variables(gan: Any, store: Any) -> None:
    """Saves the controller's state, the seeds and the running means, which Keras leaves out."""
    average = gan._weight_average
    average.renew(gan.step)
    for name, variable in _own(gan).items():
        store[name] = ops.convert_to_numpy(variable)
    if average:
        store["averaged"] = average.excerpt(gan.step)
    if gan.compiled:
        store["optimizer_sizes"] = _optimizer_sizes(gan)


def load_own_variables(gan: Any, store: Any) -> None:
    """Loads what `save_own_variables` saved."""
    keys = set(store.keys())
    for name, variable in _own(gan).items():
        if name in keys or not name.startswith("mean_"):  # a model may not have been compiled
            variable.assign(store[name])
    # Without an excerpt of the averaged weights the average begins anew.
    gan._weight_average.known = store["averaged"][...] if "averaged" in keys else np.zeros(0)
    if gan.compiled and "optimizer_sizes" in keys:
        found, expected = store["optimizer_sizes"][...], _optimizer_sizes(gan)
        for side, one, other in zip("dg", found, expected, strict=True):
            if one != other:
                warnings.warn(
                    f"`{side}_optimizer` begins anew: other layers are trainable than when the GAN "
                    "in the file was compiled, so that the optimizer's state there does not fit.",
                    stacklevel=2,
                )


def _optimizer_sizes(gan):
    return np.array([len(optimizer.variables) for optimizer in (gan.d_optimizer, gan.g_optimizer)])


def _own(gan):
    """Returns the part of `named_variables` that Keras does not save by itself."""
    weights: dict[str, Any] = {}
    keras.Model.save_own_variables(gan, weights)
    in_configuration = set(map(id, gan._hyperparameters.values()))
    names = {id(variable): name for name, variable in gan._states.items()}
    own = {
        names.get(id(variable), f"weight_{key}"): variable
        for key, variable in weights.items()
        if id(variable) not in in_configuration
    }
    own |= {f"seed_{index}": seed for index, seed in enumerate(seed_states(gan))}
    means = gan._running_means.variables if gan._running_means else ()
    return own | {f"mean_{index}": mean for index, mean in enumerate(means)}
