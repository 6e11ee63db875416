"""JAX: the devices of a `keras.distribution`, over which `jit` spreads the global batch.

Within a step, an array is already the global batch, so the step's functions are in `single.py`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import keras
import numpy as np


def process_index() -> int:
    return jax.process_index()


def process_count() -> int:
    return jax.process_count()


def broadcast(data: bytes) -> bytes:
    if process_count() == 1:
        return data
    from jax.experimental import multihost_utils  # here, because importing it is slow

    length = int(multihost_utils.broadcast_one_to_all(np.array(len(data), "int32")))
    buffer = np.zeros(length, "uint8")
    if process_index() == 0:
        buffer = np.frombuffer(data, "uint8")
    return np.asarray(multihost_utils.broadcast_one_to_all(buffer)).astype("uint8").tobytes()


def gather(array: np.ndarray) -> np.ndarray:
    if process_count() == 1:
        return array[None]
    from jax.experimental import multihost_utils

    return np.asarray(multihost_utils.process_allgather(array))


@contextmanager
def alone() -> Iterator[None]:
    # Under a distribution, JAX compares new variables on all processes.
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)


def local_values(variables: Sequence[Any]) -> list[Any]:
    # From this process's first device, if each device has all values.
    values = [variable.value for variable in variables]
    spread = keras.distribution.distribution() is not None
    if spread and all(value.is_fully_replicated for value in values):
        return [value.addressable_data(0) for value in values]
    return values


def own_rows(total: int) -> slice:
    rows = _rows_of_device(total) * _local_devices()
    start = min(process_index() * rows, total)
    return slice(start, min(start + rows, total))


def placed(batch: Any, total: int) -> Any:
    """Return the batch padded to a divisible size, and a mark by which `received` cuts it again.

    All devices take the same number of rows, so the last ones get padding rows of zeros. The mark
    is an array with one row per device, whose shape has the true number of rows: the step knows
    this number when it is compiled.
    """
    if keras.distribution.distribution() is None:
        return batch
    rows = _rows_of_device(total) * _local_devices()

    def padded(array):
        array = np.asarray(array)
        missing = rows - len(array)
        return np.pad(array, [(0, missing), *[(0, 0)] * (array.ndim - 1)]) if missing else array

    mark = np.zeros((_local_devices(), total), "bool")
    return keras.tree.map_structure(padded, batch), mark


def divided(dataset: Any) -> Any:
    # Unchanged, if each process has its own dataset. Keras itself divides only datasets with
    # batches of a fixed size that all devices share evenly.
    distribution = keras.distribution.distribution()
    if distribution is None or (process_count() > 1 and not distribution.auto_shard_dataset):
        return dataset
    import tensorflow as tf

    def part(*batch):
        total = tf.shape(batch[0])[0]
        rows = _rows_of_device(total) * _local_devices()

        def padded(array):
            array = array[process_index() * rows :][:rows]
            missing = [[0, rows - tf.shape(array)[0]]]
            return tf.pad(
                array, tf.concat([missing, tf.zeros((tf.rank(array) - 1, 2), tf.int32)], 0)
            )

        return tuple(map(padded, batch)), tf.zeros((_local_devices(), total), tf.bool)

    return dataset.map(part)


def received(batch: Any) -> Any:
    if not (isinstance(batch, tuple) and len(batch) == 2 and isinstance(batch[0], tuple)):
        return batch
    batch, mark = batch
    total = mark.shape[1]
    return keras.tree.map_structure(lambda a: a if len(a) == total else a[:total], batch)


def _rows_of_device(total):
    return -(-total // _devices())


def _devices():
    distribution = keras.distribution.distribution()
    return 1 if distribution is None else distribution.num_model_replicas


def _local_devices():
    return max(1, _devices() // process_count())


def feeds() -> bool:
    return keras.distribution.distribution() is not None


@contextmanager
def feeding(kind: str | None) -> Iterator[None]:
    # A distribution that takes data unchanged, because Keras shares out only `tf.data`:
    # https://github.com/keras-team/keras/blob/v3.15.1/keras/src/trainers/data_adapters/__init__.py#L36
    distribution = keras.distribution.distribution()
    if distribution is None or process_count() == 1:
        yield
        return
    if kind is not None and distribution.auto_shard_dataset:
        raise ValueError(
            f"Keras cannot share out the batches of a {kind} between processes. Give each process "
            "its own share, and set `keras.distribution.DataParallel(auto_shard_dataset=False)`; "
            "or give all of them an array or the result of `datasets.load`."
        )
    mesh = distribution.device_mesh
    with keras.distribution.DataParallel(mesh, auto_shard_dataset=False).scope():
        yield


def check() -> None:
    if process_count() == 1:
        return
    distribution = keras.distribution.distribution()
    if distribution is None:
        raise ValueError(
            f"{process_count()} processes need a distribution; without it each would train alone. "
            "Call `keras.distribution.set_distribution(keras.distribution.DataParallel())` "
            "before you build the networks."
        )
    if not isinstance(distribution, keras.distribution.DataParallel):
        raise ValueError(
            f"{type(distribution).__name__} over several processes is not supported, because "
            "each process saves and samples with whole weights. Use one process for all devices "
            "of a machine, or DataParallel."
        )
