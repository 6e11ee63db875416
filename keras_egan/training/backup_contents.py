"""Parts of a backup: the variables of a GAN, and the states of loaders."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from keras import ops

from keras_egan.backend import distributed, processes
from keras_egan.datasets.loaders import described
from keras_egan.datasets.passes import Passes
from keras_egan.saving.packing import from_bytes, to_bytes
from keras_egan.saving.state import named_variables


def values(gan: Any) -> dict[str, np.ndarray]:
    """Return the values of a GAN's variables by their names in a backup."""
    return {f"variable/{name}": ops.convert_to_numpy(v) for name, v in named_variables(gan).items()}


def are_finite(values: Mapping[str, Any]) -> bool:
    """Return whether weights and optimizers are finite; controllers and metrics need not be."""
    parts = "generator", "discriminator", "d_optimizer", "g_optimizer"
    names = tuple(f"variable/{part}/" for part in parts)
    return all(np.isfinite(value).all() for name, value in values.items() if name.startswith(names))


def check_state(passes: Passes | None) -> None:
    """Raise a `ValueError` if a loader's state cannot be in a backup."""
    try:
        to_bytes(passes and passes.initial)
    except ValueError as error:
        raise ValueError(
            f"The state of `x`, {described(passes and passes.source)}, must hold numbers, strings, "
            "bytes, None, arrays of numbers, and lists, tuples and dicts of them with strings as "
            f"keys; got {error}. Change its `state_dict`, or train without `Backup`."
        ) from None


def data_states(passes: Passes | None, step: int) -> dict[str, np.ndarray]:
    """Return the states of all processes' loaders before a step, by their names in a backup."""
    if passes is None:
        return {}
    states = processes.gather_bytes(to_bytes(passes.states.get(step)))
    return {f"data/{index}": np.frombuffer(state, "uint8") for index, state in enumerate(states)}


def restore_data(passes: Passes | None, step: int, arrays: Mapping[str, Any]) -> bool:
    """Return whether the loader continues from its own state in a backup, before a step.

    It does not if the backup is that of another number of processes.
    """
    known = sum(name.startswith("data/") for name in arrays)
    if passes is None or known != distributed.process_count():
        return False
    state = from_bytes(arrays[f"data/{distributed.process_index()}"].tobytes())
    if state is not None:  # None if a new pass begins at the step
        passes.states = {step: state}
    return True
