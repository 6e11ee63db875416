"""The JAX backend: steps are pure functions of the model's state, run in a `StatelessScope`."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import keras

from keras_egan.backend.distributed.jax import local_values
from keras_egan.backend.jax_convolutions import conv, conv_transpose  # noqa: F401, backend.conv
from keras_egan.backend.keras_internals import built_for


class Steps:
    """Run the model's steps on the state that Keras's trainer passes; return the new state."""

    def train_step(self, state, data):
        return _run(self._training_step, self._trained(), state, data)

    def test_step(self, state, data):
        return _run(self._evaluation_step, self._evaluated(), state, data)

    def make_train_function(self, force=False):
        made = self.train_function
        super().make_train_function(force)
        if self.train_function is not made:
            self.train_function = _putting_back(self.train_function, self._trained)

    def make_test_function(self, force=False):
        made = self.test_function
        super().make_test_function(force)
        if self.test_function is not made:
            self.test_function = _putting_back(self.test_function, self._evaluated)

    def _trained(self):
        trainable, non_trainable, metrics = self._evaluated()
        return trainable, non_trainable, self.optimizer.variables, metrics

    def _evaluated(self):
        return self.trainable_variables, self.non_trainable_variables, self.metrics_variables


def _putting_back(function, groups):
    """Return a compiled step that gives variables their values back if it fails.

    Keras takes the values out of the model before the first step, and loses them if tracing that
    step fails or is interrupted:
    https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/jax/trainer.py#L452
    """

    def step(state, data):
        try:
            return function(state, data)
        except StopIteration:  # the end of the data
            raise
        except BaseException:
            for variables, values in zip(groups(), state, strict=True):
                for variable, value in zip(variables, values, strict=True):
                    if not value.is_deleted():
                        variable.assign(value)
            raise

    return step


def synchronize(model: keras.Model) -> None:
    model.jax_state_sync()


def _run(step, groups, state, data):
    pairs = [zip(*pair, strict=True) for pair in zip(groups, state, strict=True)]
    pairs = [pair for group in pairs for pair in group]
    with keras.StatelessScope(pairs) as scope:
        logs = step(data)
    return logs, tuple([scope.get_current_value(v) for v in group] for group in groups)


def joint_gradients(objective: Callable, variables: Sequence, model: Any) -> tuple[list, Any]:
    unique = list({id(variable): variable for group in variables for variable in group}.values())
    state = model.variables + model.optimizer.variables
    pure, finish = _pure(lambda _: objective(), state, unique)
    values = [variable.value for variable in unique]
    _, linear, returned = jax.linearize(pure, values, has_aux=True)
    grads = []
    for index, group in enumerate(variables):
        # One transposition per loss, so that nothing is computed for the other losses.
        transpose = jax.linear_transpose(lambda tangents, i=index: linear(tangents)[i], values)
        (found,) = transpose(jax.numpy.ones(()))
        by_id = dict(zip(map(id, unique), found, strict=True))
        grads.append([by_id[id(variable)] for variable in group])
    return grads, finish(returned)


def input_gradient(function: Callable[[Any], Any], inputs: Any, model: Any) -> Any:
    pure, finish = _pure(lambda x: (jax.numpy.sum(function(x)), None), model.variables)
    gradient, returned = jax.grad(pure, has_aux=True)(inputs)
    finish(returned)
    return gradient


def _pure(function, state, variables=()):
    """Return `function` as a pure function of the values of `variables`, and a function `finish`.

    `state` has all variables that `function` may read or assign. The pure function also returns the
    auxiliary structure and the values that `function` left in the state. `finish` takes both,
    assigns the values and returns the structure.
    """
    given = {id(variable) for variable in variables}
    others = [v for v in state if id(v) not in given]
    # A scope does not inherit the values of the enclosing scope, so they are passed here.
    current = [(variable, variable.value) for variable in others]

    def pure(argument):
        mapping = [*zip(variables, argument, strict=True)] if variables else []
        with keras.StatelessScope(mapping + current, collect_losses=True) as scope:
            result, auxiliary = function(argument)
        return result, (auxiliary, [scope.get_current_value(v) for v in others])

    def finish(returned):
        auxiliary, updates = returned
        for variable, value in zip(others, updates, strict=True):
            variable.assign(value)
        return auxiliary

    return pure, finish


def apply(optimizer: keras.Optimizer, grads: Sequence[Any], variables: Sequence[Any]) -> None:
    # The stateless call, because JAX traces the branches of a `LossScaleOptimizer` as pure
    # functions. It needs all variables that the optimizer was built for; some may be frozen since.
    if len(variables) < len(built_for(optimizer)):
        optimizer.apply(grads, variables)
        return
    state = [variable.value for variable in optimizer.variables]
    values = [variable.value for variable in variables]
    values, state = optimizer.stateless_apply(state, grads, values)
    for variable, value in zip([*variables, *optimizer.variables], [*values, *state], strict=True):
        variable.assign(value)


def jit(function: Callable[..., Any]) -> Callable[..., Any]:
    run = jax.jit(function)
    return lambda weights, *inputs: run(local_values(weights), *inputs)


def gradient(function: Callable[[Any], Any], inputs: Any) -> Any:
    return jax.grad(lambda inputs: jax.numpy.sum(function(inputs)))(inputs)
