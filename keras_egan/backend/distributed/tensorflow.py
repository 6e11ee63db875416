"""TensorFlow: the replicas of a `tf.distribute.MirroredStrategy`, all in one process."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf


def several() -> bool:
    return _replicas() is not None


def replica_share(count: Any) -> tuple[Any, Any]:
    context = _replicas()
    if context is None:
        return 0, count
    rows = context.all_gather(tf.reshape(count, [1]), axis=0)
    total = tf.reduce_sum(rows)
    start = tf.reduce_sum(rows[: context.replica_id_in_sync_group])
    return tf.minimum(start, total - 1), total


def replica_sum(value: Any) -> Any:
    context = _replicas()
    return value if context is None else context.all_reduce(tf.distribute.ReduceOp.SUM, value)


def replica_gather(rows: Any, count: Any) -> Any:
    context = _replicas()
    return rows if context is None else context.all_gather(rows[:count], axis=0)


def nonempty(images: Any) -> Any:
    if _replicas() is None:
        return images
    missing = tf.maximum(1 - tf.shape(images)[0], 0)
    shape = images.shape
    images = tf.pad(images, [[0, missing]] + [[0, 0]] * (len(shape) - 1))
    return tf.ensure_shape(images, [None, *shape[1:]])


def _replicas():
    """Return the context of one of several replicas, or None."""
    context = tf.distribute.get_replica_context()
    return None if context is None or context.num_replicas_in_sync == 1 else context


def local_values(variables: Sequence[Any]) -> list[Any]:
    return [tf.convert_to_tensor(variable) for variable in variables]


def check() -> None:
    strategy = tf.distribute.get_strategy()
    if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        raise ValueError(
            "Keras 3 cannot train under tf.distribute.MultiWorkerMirroredStrategy, not even a "
            "plain `keras.Model` (https://github.com/keras-team/keras/issues/20585). Use "
            "MirroredStrategy for the devices of one machine; for several machines, JAX or PyTorch."
        )
    if keras.distribution.distribution() is not None:
        raise ValueError(
            "`keras.distribution` has no effect on TensorFlow: only one device would train. Use "
            "tf.distribute.MirroredStrategy, or the JAX backend."
        )
