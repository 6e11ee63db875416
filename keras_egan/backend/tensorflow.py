"""The TensorFlow backend: variables are assigned in place, gradients come from a tape."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import tensorflow as tf

from keras_egan.backend.keras_internals import Built


class Steps(Built):
    """Run the model's steps directly."""

    def train_step(self, data):
        return self._training_step(data)

    def test_step(self, data):
        return self._evaluation_step(data)


def joint_gradients(objective: Callable, variables: Sequence, model: Any) -> tuple[list, Any]:
    tensors = [[variable.value for variable in group] for group in variables]
    with tf.GradientTape(persistent=len(tensors) > 1, watch_accessed_variables=False) as tape:
        tape.watch(tensors)
        losses, auxiliary = objective()
    grads = [tape.gradient(*pair) for pair in zip(losses, tensors, strict=True)]
    # Some gradients need no value of the losses, such as that of a critic's last layer. For these,
    # graph optimization would not keep the reads of weights before their updates.
    with tf.control_dependencies(losses):
        return [list(map(_dense_copy, group)) for group in grads], auxiliary


def _dense_copy(grad):
    # A copy, because only new operations take a dependency. Dense, because an embedding's gradient
    # has one row per use of a label, and Keras's optimizers would square each row separately.
    return None if grad is None else tf.identity(tf.convert_to_tensor(grad))


def input_gradient(function: Callable[[Any], Any], inputs: Any, model: Any) -> Any:
    return gradient(function, inputs)


def jit(function: Callable[..., Any]) -> Callable[..., Any]:
    run = tf.function(function, reduce_retracing=True)
    return lambda weights, *inputs: run(
        list(map(tf.convert_to_tensor, weights)),
        *keras.tree.map_structure(tf.convert_to_tensor, inputs),
    )


def gradient(function: Callable[[Any], Any], inputs: Any) -> Any:
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(inputs)
        values = function(inputs)
    return tape.gradient(values, inputs)


def require(condition: Any, message: str) -> Any:
    # If a graph knows the shape only when it runs, it then raises an `InvalidArgumentError`. XLA
    # silently drops assertions (https://www.tensorflow.org/xla/known_issues).
    if tf.is_tensor(condition):
        tf.debugging.Assert(condition, [message])
        return tf.cast(tf.logical_not(condition), "float32")
    if not condition:
        raise ValueError(message)
    return 0.0
