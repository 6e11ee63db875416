"""The one place that asks which Keras backend runs.

`tensorflow.py`, `jax.py` and `torch.py` mirror one another and know nothing of GANs; what they need
not have of their own is in `common.py`. The one that runs gives this module its names:

- `Steps`, a mixin that turns `self._training_step(data)` and `self._evaluation_step(data)`, written
  as if all variables could simply be assigned, into the `train_step` and `test_step` that the
  backend's Keras trainer calls. Outside of the steps nothing is recorded for differentiation.
- `synchronize(model)`, which gives variables their values while `fit` runs.
- `joint_gradients(objective, variables, model)`, the one primitive of differentiation.
  `objective()` returns a list of scalar losses and a dict of tensors, and may read and assign the
  variables of the model and its optimizer. Each loss is differentiated by a list of trainable
  variables of its own, and by nothing else. The result is a list of gradients for each loss, None
  where a variable has no part, and the dict, detached. `gradients` takes a single loss.
- `input_gradient(function, inputs, model)`, the gradient of the function's sum, itself
  differentiable, for penalties. The function may assign the model's variables too.
- `jit(function)`, which compiles a pure function of a list of tensors and of inputs, except on
  PyTorch; the result takes variables in place of the tensors. `gradient(function, inputs)` is the
  gradient of a pure function's sum.
- `no_grad()`, a context for computing outside of any step. `inference(model)` also gives the
  model's weights as this process has them.
- `conv` and `conv_transpose`, as `keras.ops` has them, in a form that the backend is quick at.

`distributed` is the same for what several devices and processes do together.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

try:
    import keras
except ModuleNotFoundError as error:
    missing = (error.name or "").partition(".")[0]
    if missing not in ("tensorflow", "jax", "torch"):
        raise
    raise ImportError(
        f"Keras is set to the {missing!r} backend, which is not installed. Install it with "
        f"`pip install 'keras_egan[{missing}]'`, or set the environment variable KERAS_BACKEND "
        "to one that is installed: 'tensorflow', 'jax' or 'torch'."
    ) from error

name = keras.backend.backend()

if name not in ("tensorflow", "jax", "torch"):
    raise ImportError(
        f"keras_egan trains on the 'tensorflow', 'jax' and 'torch' backends; Keras is set to "
        f"{name!r}. Set the environment variable KERAS_BACKEND to one of the three."
    )

from keras_egan.backend import common  # noqa: E402, imports Keras, whose backend is known now

_engine = import_module(f"{__name__}.{name}")


def __getattr__(attribute: str) -> Any:
    return getattr(_engine if hasattr(_engine, attribute) else common, attribute)


def gradients(
    objective: Callable[[], tuple[Any, Any]], variables: Sequence[Any], model: Any
) -> tuple[list[Any], Any]:
    """Differentiates one loss, a scalar that `objective` returns first."""

    def joint():
        loss, auxiliary = objective()
        return (loss,), auxiliary

    (grads,), auxiliary = _engine.joint_gradients(joint, (variables,), model)
    return grads, auxiliary


def compiled(network: keras.Model) -> Callable[[Sequence[Any], Any], Any]:
    """Returns a function of weights and inputs that runs a network in inference mode.

    It touches none of the network's own weights, so that several threads may call it.
    """
    return _engine.jit(lambda weights, inputs: _output(network, weights, inputs))


def compiled_gradient(
    variables: Callable[[], Sequence[Any]], objective: Callable[..., Any]
) -> Callable[..., Any]:
    """Returns a function of values, inputs and targets: the objective's gradient by the inputs.

    The objective, of the inputs and the targets, is summed. It reads the values in the place of
    what `variables` returns, and no other variables; it assigns none.
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
    """Lets a model's weights be used outside of any step, and need no other process."""
    from keras_egan.backend import distributed  # here, because it takes the backend to be known

    variables = model.variables
    values = distributed.local_values(variables)
    scope = keras.StatelessScope(list(zip(variables, values, strict=True)))
    with __getattr__("no_grad")(), __getattr__("device_of")(variables), scope:
        yield
