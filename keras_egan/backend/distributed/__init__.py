"""Cooperation of several devices and processes, on the running backend.

A replica is a device that takes a part of each batch; a process may have several. `single.py`
documents each function and implements it for one device. `tensorflow.py`, `jax.py` and `torch.py`
implement the functions that several devices need.
"""

from importlib import import_module
from typing import Any

import keras
from keras import ops

from keras_egan.backend.distributed import single
from keras_egan.backend.keras_internals import flat_layers

_engine = import_module(f"{__name__}.{keras.backend.backend()}")


def __getattr__(attribute: str) -> Any:
    return getattr(_engine if hasattr(_engine, attribute) else single, attribute)


def merge_statistics(model: keras.Model, count: Any, total: Any) -> None:
    """Average moving statistics over all rows, because each replica uses only its own rows."""
    if not __getattr__("several")():
        return
    layers = [x for x in flat_layers(model) if isinstance(x, keras.layers.BatchNormalization)]
    variables = [variable for layer in layers for variable in layer.non_trainable_variables]
    if variables:
        if isinstance(total, int):  # else PyTorch would send both numbers to the device as tensors
            weight = count / total
        else:
            weight = ops.cast(count, "float32") / ops.cast(total, "float32")
        merged = _engine.replica_sum([weight * ops.cast(v, "float32") for v in variables])
        for variable, value in zip(variables, merged, strict=True):
            variable.assign(value)
