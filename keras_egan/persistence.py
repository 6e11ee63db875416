"""What a GAN's files hold beside what Keras puts into them."""

import keras
import numpy as np
from keras import ops

__all__ = ["load_own_variables", "load_weights", "save_own_variables"]


def load_weights(self, filepath, *args, **kwargs):
    """Loads weights, as `keras.Model.load_weights`; if that fails, all stay as they were.

    Args:
        filepath: a `.weights.h5` or `.keras` file of the same kind of model.
        *args: as in `keras.Model.load_weights`.
        **kwargs: as in `keras.Model.load_weights`.
    """
    variables = self.changing_variables
    kept = [ops.copy(variable) for variable in variables]
    try:
        keras.Model.load_weights(self, filepath, *args, **kwargs)
    except BaseException:
        for variable, value in zip(variables, kept, strict=True):
            variable.assign(value)
        raise


def save_own_variables(self, store):
    """Saves the controller's state, the seeds and the running means, which Keras leaves out."""
    store["format"] = np.array(2)
    for name, variable in _own(self).items():
        store[name] = ops.convert_to_numpy(variable)


def load_own_variables(self, store):
    """Loads what `save_own_variables` saved, or what version 0.1.0 did."""
    keys = set(store.keys())
    if "format" not in keys:
        _load_0_1_0(self, store)
        return
    for name, variable in _own(self).items():
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
    seeds = [v for v in gan.non_trainable_variables if v.name == "seed_generator_state"]
    return {f"seed_{index}": seed for index, seed in enumerate(seeds)}


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
