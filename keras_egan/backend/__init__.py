"""The one place that asks which Keras backend runs.

`tensorflow.py`, `jax.py` and `torch.py` mirror one another and know nothing of GANs; what they need
not have of their own is in `common.py`. The one that runs gives this module its names:

- `Steps`, a mixin that turns `self._training_step(data)` and `self._evaluation_step(data)`, written
  as if all variables could simply be assigned, into the `train_step` and `test_step` that the
  backend's Keras trainer calls. Outside of the steps nothing is recorded for differentiation.
- `synchronize(model)`, which gives variables their values while `fit` runs.
- `joint_gradients(objective, variables, model)`, the one primitive of differentiation: gradients
  of several losses of one computation. `gradients` takes a single loss.
- `input_gradient(function, inputs, model)`, for penalties on the gradient by an input.
- `compiled(network)`, a function that runs a network with any weights, and
  `compiled_gradient(network, objective)`, one that differentiates it by its inputs.
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
    """Differentiates one loss, a scalar that `objective` returns first; see `joint_gradients`."""

    def joint():
        loss, auxiliary = objective()
        return (loss,), auxiliary

    (grads,), auxiliary = _engine.joint_gradients(joint, (variables,), model)
    return grads, auxiliary


@contextmanager
def inference(model: keras.Model) -> Iterator[None]:
    """Lets a model's weights be used outside of any step, and need no other process."""
    from keras_egan.backend import distributed  # here, because it takes the backend to be known

    variables = model.variables
    values = distributed.local_values(variables)
    scope = keras.StatelessScope(list(zip(variables, values, strict=True)))
    with __getattr__("no_grad")(), __getattr__("device_of")(variables), scope:
        yield
