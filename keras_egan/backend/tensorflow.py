"""The TensorFlow backend: variables are assigned in place, gradients come from a tape."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from contextlib import nullcontext as no_grad
from types import MethodType
from typing import Any

import keras
import tensorflow as tf

from keras_egan._keras_internals import Built, adam_moments

__all__ = [
    "Steps",
    "apply",
    "compiled",
    "compiled_gradient",
    "device_of",
    "fuse_adam",
    "input_gradient",
    "joint_gradients",
    "no_grad",
    "random_state",
    "require",
    "set_random_state",
]


class Steps(Built):
    """Runs the model's steps as they are written."""

    feed: Iterator[Any] | None = None
    """Batches in memory that training takes from here, and not from Keras's `tf.data` pipeline.

    The pipeline's thread and Python's own wait for one another, which takes a
    seventh of a small step.
    """

    def make_train_function(self, force=False):
        made = self.train_function
        super().make_train_function(force)
        by_keras = self.train_function
        if by_keras is made:
            return

        # A graph for each size of batch, which TensorFlow need not work out at each step then; nor
        # which graph it is, for which it compares all variables.
        graphs = {}

        @tf.function(autograph=False, jit_compile=self.jit_compile)
        def step(batch):
            return self.train_step(batch)

        def train(iterator):
            if self.feed is None or not isinstance(iterator, tf.data.Iterator):
                return by_keras(iterator)  # of `train_on_batch`, a generator
            batch = next(self.feed)
            kind = tuple((array.shape, array.dtype) for array in batch)
            batch = tuple(map(tf.convert_to_tensor, batch))
            if kind not in graphs:
                graphs[kind] = step.get_concrete_function(batch)
            return graphs[kind](batch)

        self.train_function = train

    def take_from(self, batches):
        """Chooses what training takes its batches from.

        Args:
            batches: an iterable of batches in memory, of which a step takes one; None for Keras's.
        """
        several = isinstance(self.variables[0].value, tf.distribute.DistributedValues)
        direct = self.steps_per_execution == 1 and not self.run_eagerly and not several
        self.feed = iter(batches) if direct and batches is not None else None

    def train_step(self, data):
        return self.training_step(data)

    def test_step(self, data):
        return self.evaluation_step(data)

    def synchronize(self):
        """Does nothing: variables always have their values."""


def joint_gradients(
    objective: Callable[[], tuple[Sequence[Any], Any]],
    variables: Sequence[Sequence[Any]],
    model: Any,
) -> tuple[list[list[Any]], Any]:
    """Differentiates losses; see `keras_egan.backend.jax.joint_gradients`."""
    tensors = [[variable.value for variable in group] for group in variables]
    with tf.GradientTape(persistent=len(tensors) > 1, watch_accessed_variables=False) as tape:
        tape.watch(tensors)
        losses, auxiliary = objective()
    grads = [tape.gradient(*pair) for pair in zip(losses, tensors, strict=True)]
    # Where a gradient needs no value of the losses, such as that of a critic's last layer, the
    # graph's optimizers forget that weights are to be read before they are updated.
    with tf.control_dependencies(losses):
        return [list(map(_dense_copy, group)) for group in grads], auxiliary


def _dense_copy(grad):
    # A copy, for only new operations take a dependency. And dense, for an embedding's has each row
    # as often as the batch, and Keras's optimizers would square each.
    return None if grad is None else tf.identity(tf.convert_to_tensor(grad))


def input_gradient(function: Callable[[Any], Any], inputs: Any, model: Any) -> Any:
    """Differentiates by an input; see `keras_egan.backend.jax.input_gradient`."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(inputs)
        total = tf.reduce_sum(function(inputs))
    return tape.gradient(total, inputs)


def apply(
    optimizer: keras.optimizers.Optimizer, grads: Sequence[Any], variables: Sequence[Any]
) -> None:
    """Updates variables with one optimizer, built for them."""
    optimizer.apply(grads, variables)


def fuse_adam(optimizer: keras.optimizers.Adam) -> None:
    """Has Adam without AMSGrad update each large variable by one operation.

    Each of Keras's dozen goes through memory of the variable's size.
    """
    optimizer.update_step = MethodType(_adam_step, optimizer)


def _adam_step(optimizer, gradient, variable, learning_rate):
    if variable.shape.num_elements() < 2**15:  # takes no less time, among other small operations
        type(optimizer).update_step(optimizer, gradient, variable, learning_rate)
        return
    m, v = (moment.value for moment in adam_moments(optimizer, variable))
    values = optimizer.beta_1, optimizer.beta_2, optimizer.iterations + 1, learning_rate, gradient
    values = (tf.cast(tf.convert_to_tensor(value), variable.dtype) for value in values)
    beta_1, beta_2, step, rate, grad = values
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=m.handle,
        v=v.handle,
        beta1_power=beta_1**step,
        beta2_power=beta_2**step,
        lr=rate,
        beta1=beta_1,
        beta2=beta_2,
        epsilon=optimizer.epsilon,
        grad=grad,
    )


def compiled(network: keras.Model) -> Callable[[Sequence[Any], Any], Any]:
    """Makes a function of given weights; see `keras_egan.backend.jax.compiled`."""

    @tf.function(reduce_retracing=True)
    def run(weights, inputs):
        with keras.StatelessScope(list(zip(network.weights, weights, strict=True))):
            return network(inputs, training=False)

    return lambda weights, inputs: run(
        [tf.convert_to_tensor(weight) for weight in weights],
        keras.tree.map_structure(tf.convert_to_tensor, inputs),
    )


def compiled_gradient(
    network: keras.Model, objective: Callable[[Any, Any], Any]
) -> Callable[[Sequence[Any], Any, Any], tuple[Any, Any]]:
    """Makes a function of gradients; see `keras_egan.backend.jax.compiled_gradient`."""

    @tf.function(reduce_retracing=True)
    def gradient(weights, inputs, targets):
        with (
            tf.GradientTape(watch_accessed_variables=False) as tape,
            keras.StatelessScope(list(zip(network.weights, weights, strict=True))),
        ):
            tape.watch(inputs)
            values = objective(network(inputs, training=False), targets)
        return tape.gradient(values, inputs), values

    return lambda weights, inputs, targets: gradient(
        *tf.nest.map_structure(tf.convert_to_tensor, (list(weights), inputs, targets))
    )


def device_of(variables: Sequence[Any]) -> nullcontext:
    """Does nothing: TensorFlow copies what is on another device."""
    return nullcontext()


def require(condition: Any, message: str) -> None:
    """Raises a `ValueError` unless a condition on a shape holds.

    Where a graph knows the shape only when it runs, an `InvalidArgumentError` comes then.
    """
    if tf.is_tensor(condition):
        tf.debugging.Assert(condition, [message])
    elif not condition:
        raise ValueError(message)


def random_state() -> Any:
    """Returns None: all random numbers of Keras's layers come from their seed generators."""


def set_random_state(state: Any) -> None:
    """Does nothing; see `random_state`."""
