"""Saving and loading of a GAN, completely or not at all, with the state that Keras leaves out."""

import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_egan import backend
from keras_egan.backend import processes
from keras_egan.backend.keras_internals import seed_states
from keras_egan.saving import files

_OF_COMPILE = "optimizer", "metrics"
_KINDS = "trainable", "non_trainable", *_OF_COMPILE
"""The kinds of variables in a state tree, as Keras has them."""


def add_variable(
    layer: keras.Layer,
    name: str,
    dtype: str = "float32",
    initial: float = 0,
    shape: Sequence[int] = (),
) -> Any:
    """Add a non-trainable variable to a layer, the same on every replica, and return it.

    Counts have the dtype `"int"`, which is int64 on TensorFlow. TensorFlow keeps int32 variables on
    the host, where XLA on a GPU cannot read them.
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
    """Save the whole model as `keras.Model.save` does, but completely or not at all.

    Arguments are those of `keras.Model.save`. If several processes train together, the first one
    saves, and the others do not wait. Keras writes folders, and addresses such as `hf://`, in
    place.

    Raises:
        ValueError: if `filepath` does not end in `.keras`.
        OSError: if the file cannot be written; for a full disk, the message says how many bytes
            are needed and free. An older file stays.

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
    """Save all variables as `keras.Model.save_weights` does, but completely or not at all.

    Arguments are those of `keras.Model.save_weights`. The first process saves, as in `save`. Keras
    writes shards in place.

    Raises:
        ValueError: if `filepath` does not end in `.weights.h5`.
        OSError: as in `save`.
    """
    save, size = keras.Model.save_weights.__get__(gan), {"max_shard_size": max_shard_size}
    in_shards = max_shard_size is not None
    processes.by_first(files.save, save, filepath, ".weights.h5", overwrite, in_shards, **size)


def load_weights(gan: Any, filepath: str | os.PathLike, *args: Any, **kwargs: Any) -> None:
    """Load weights as `keras.Model.load_weights` does; if that fails, no weight changes.

    Raises:
        ValueError: if the file holds another kind of model.
        OSError: if the file cannot be read.
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
    """Return all variables that training changes, by names that are the same in every process.

    Keras numbers unnamed layers consecutively in a process, so that the paths of their variables
    differ between processes.
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


def get_state_tree(gan: Any, value_format: str = "backend_tensor") -> dict[str, dict[str, Any]]:
    """Return all variables as `keras.Model.get_state_tree` does, with the seeds and the average.

    `keras.callbacks.OrbaxCheckpoint` stores them. The names are the same in every process. Keras's
    are the variables' paths, which differ in a model made from its configuration, so that Keras
    would restore a part of a GAN only, and say nothing.

    Raises:
        ValueError: if `value_format` is unknown.
    """
    if value_format not in ("backend_tensor", "numpy_array"):
        raise ValueError(
            f"`value_format` must be 'backend_tensor' or 'numpy_array'; got {value_format!r}."
        )
    backend.synchronize(gan)
    gan._weight_average.renew(gan.step)
    tree: dict[str, dict[str, Any]] = {f"{kind}_variables": {} for kind in _KINDS}
    for name, variable in named_variables(gan).items():
        as_array = value_format == "numpy_array"
        value = ops.convert_to_numpy(variable) if as_array else variable.value
        tree[f"{_kind(name, variable)}_variables"][name.replace("/", ".")] = value
    return tree


def set_state_tree(gan: Any, state_tree: Mapping[str, Mapping[str, Any]]) -> None:
    """Set all variables from the result of `get_state_tree`; its optimizers may be missing.

    Raises:
        ValueError: if the state is that of another kind of GAN.
    """
    backend.synchronize(gan)
    given = {name: value for part in state_tree.values() for name, value in part.items()}
    variables = {name.replace("/", "."): v for name, v in named_variables(gan).items()}
    differing = sorted(n for n in given.keys() ^ variables.keys() if _kind(n) not in _OF_COMPILE)
    shared = sorted(given.keys() & variables.keys())
    differing += [name for name in shared if np.shape(given[name]) != variables[name].shape]
    if differing:
        raise ValueError(
            "The state must be of a GAN with these networks and settings; it differs in "
            f"{', '.join(differing[:5])}. Load it with `keras_egan.load`."
        )
    for name in shared:  # copied, because JAX refuses one buffer for variables of two GANs
        value = ops.convert_to_tensor(given[name], variables[name].dtype)
        variables[name].assign(ops.copy(value))
    gan._weight_average.known = gan._weight_average.excerpt(gan.step)


def _kind(name, variable=None):
    if name.startswith(("d_optimizer", "g_optimizer")):
        return "optimizer"
    if name.startswith("mean_"):
        return "metrics"
    return "trainable" if variable is not None and variable.trainable else "non_trainable"


def save_own_variables(gan: Any, store: Any) -> None:
    """Store the controller's state, the seeds and the running means, which Keras leaves out."""
    average = gan._weight_average
    average.renew(gan.step)
    for name, variable in _own(gan).items():
        store[name] = ops.convert_to_numpy(variable)
    if average:
        store["averaged"] = average.excerpt(gan.step)
    if gan.compiled:
        store["optimizer_sizes"] = _optimizer_sizes(gan)


def load_own_variables(gan: Any, store: Any) -> None:
    """Load the state that `save_own_variables` stored."""
    keys = set(store.keys())
    for name, variable in _own(gan).items():
        if name in keys or not name.startswith("mean_"):  # only a compiled GAN has saved means
            variable.assign(store[name])
    # Without an excerpt of the averaged weights, the average starts anew.
    gan._weight_average.known = store["averaged"][...] if "averaged" in keys else np.zeros(0)
    if gan.compiled and "optimizer_sizes" in keys:
        found, expected = store["optimizer_sizes"][...], _optimizer_sizes(gan)
        for side, one, other in zip("dg", found, expected, strict=True):
            if one != other:
                warnings.warn(
                    f"`{side}_optimizer` starts anew, because the saved optimizer's state does not "
                    "fit: other layers are trainable than when the saved GAN was compiled.",
                    stacklevel=2,
                )


def _optimizer_sizes(gan):
    return np.array([len(optimizer.variables) for optimizer in (gan.d_optimizer, gan.g_optimizer)])


def _own(gan):
    """Return the part of `named_variables` that Keras does not save."""
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
