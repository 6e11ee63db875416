"""The only module that asks which Keras backend runs.

`tensorflow.py`, `jax.py` and `torch.py` have the same functions and know nothing of GANs;
`common.py` has the defaults. The module of the running backend gives this one its names:

- `Steps`: a mixin that turns `self._training_step(data)` and `self._evaluation_step(data)`, written
  as if all variables could simply be assigned, into the `train_step` and `test_step` that the
  backend's Keras trainer calls. Outside the steps, no gradients are recorded.
- `synchronize(model)`: gives variables their current values while `fit` runs.
- `joint_gradients(objective, variables, model)`: the one primitive of differentiation.
  `objective()` returns a list of scalar losses and a dict of tensors. It may read and assign the
  variables of the model and its optimizer. Each loss is differentiated only by its own list of
  trainable variables. The results are one list of gradients per loss, with None for a variable that
  does not affect the loss, and the dict, detached. `gradients` takes a single loss.
- `input_gradient(function, inputs, model)`: the gradient of the function's sum, itself
  differentiable, for penalties. The function may also assign the model's variables.
- `jit(function)`: compiles a pure function of a list of tensors and of inputs, except on PyTorch;
  the result takes variables in place of the tensors. `gradient(function, inputs)` is the gradient
  of a pure function's sum.
- `no_grad()`: a context for computing without gradients. `inference(model)` also gives the model's
  weights as this process has them.
- `conv` and `conv_transpose`: those of `keras.ops`, in a form that is fast on the backend.

`distributed` does the same for functions of several devices and processes.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from keras_egan.extras import command

try:
    import keras
except ModuleNotFoundError as error:
    missing = (error.name or "").partition(".")[0]
    if missing not in ("tensorflow", "jax", "torch"):
        raise
    raise ImportError(
        f"Keras is set to the {missing!r} backend, which is not installed. Install it with "
        f"{command(missing)}, or set the environment variable KERAS_BACKEND to an installed "
        "backend: 'tensorflow', 'jax' or 'torch'."
    ) from error

name = keras.backend.backend()

if name not in ("tensorflow", "jax", "torch"):
    raise ImportError(
        "keras_egan needs the 'tensorflow', 'jax' or 'torch' backend; Keras is set to "
        f"{name!r}. Set the environment variable KERAS_BACKEND to one of the three."
    )

from keras import ops  # noqa: E402, after the check, because it imports Keras

from keras_egan.backend import common  # noqa: E402, likewise

_engine = import_module(f"{__name__}.{name}")


def __getattr__(attribute: str) -> Any:
    return getattr(_engine if hasattr(_engine, attribute) else common, attribute)


def gradients(
    objective: Callable[[], tuple[Any, Any]], variables: Sequence[Any], model: Any
) -> tuple[list[Any], Any]:
    """Return the gradients of one loss, the scalar that `objective` returns first."""

    def joint():
        loss, auxiliary = objective()
        return (loss,), auxiliary

    (grads,), auxiliary = _engine.joint_gradients(joint, (variables,), model)
    return grads, auxiliary


def lazily(due: Any, function: Callable[[], Any], model: Any) -> Any:
    """Return a function's scalar if a condition holds; if not, compute nothing and return 0.

    Assignments to variables in the function are dropped. On JAX a branch must be a pure function,
    and on TensorFlow replicas cannot agree on a value within one.
    """
    variables = model.variables + model.optimizer.variables

    def branch():
        # A scope does not inherit the values of the one around it, which JAX's steps run in.
        with keras.StatelessScope([(variable, variable.value) for variable in variables]):
            return function()

    return ops.cond(due, branch, lambda: ops.zeros(()))


def compiled(network: keras.Model) -> Callable[[Sequence[Any], Any], Any]:
    """Return a function of weights and inputs that runs a network in inference mode.

    It never touches the network's own weights, so that several threads may call it.
    """
    return _engine.jit(lambda weights, inputs: _output(network, weights, inputs))


def predictor(network: keras.Model) -> Callable[[Any], Any]:
    """Return a function that does what `predict_on_batch` does, without the other processes.

    From Keras 3.16 on, `predict_on_batch` waits for all processes of a PyTorch group:
    https://github.com/keras-team/keras/blob/master/keras/src/backend/torch/trainer.py
    """
    run = compiled(network)

    def predict(inputs):
        if not network.built:
            network(keras.tree.map_structure(lambda x: x[:1], inputs))
        return keras.tree.map_structure(ops.convert_to_numpy, run(network.weights, inputs))

    return predict


def compiled_gradient(
    variables: Callable[[], Sequence[Any]], objective: Callable[..., Any]
) -> Callable[..., Any]:
    """Return a function of values, inputs and targets: the objective's gradient by the inputs.

    The objective, of the inputs and the targets, is summed. It reads the values in place of
    those of `variables()`, and no other variables; it assigns none.
    """

    def differentiated(values, inputs, *targets):
        def function(x):
            with keras.StatelessScope(list(zip(variables(), values, strict=True))):
                return objective(x, *targets)

        return _engine.gradient(function, inputs)

    return _engine.jit(differentiated)


def _output(network, weights, inputs):
    with keras.StatelessScope(list(zip(network.weights, weights, strict=True))):
        return network(inputs, training=False)


@contextmanager
def inference(model: keras.Model) -> Iterator[None]:
    """A context for using a model's weights outside any step, without the other processes."""
    from keras_egan.backend import distributed  # here, because it needs a known backend

    variables = model.variables
    values = distributed.local_values(variables)
    scope = keras.StatelessScope(list(zip(variables, values, strict=True)))
    with __getattr__("no_grad")(), __getattr__("device_of")(variables), scope:
        yield
