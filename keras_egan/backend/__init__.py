"""The one place that asks which Keras backend runs.

`tensorflow.py`, `jax.py` and `torch.py` mirror one another and know nothing of GANs. Each gives:

- `Steps`, a mixin that turns `self.training_step(data)` and `self.evaluation_step(data)`, written
  as if all variables could simply be assigned, into the `train_step` and `test_step` that the
  backend's Keras trainer calls, and gives `synchronize()`, after which variables have their values,
  and `take_from(batches)`, which spares batches in memory a detour.
  Outside of them nothing is recorded for differentiation.
- `joint_gradients(objective, variables, model)`, the one primitive of differentiation, of several
  losses of one computation; `gradients` is that of one.
- `input_gradient(function, inputs, model)`, for penalties on it.
- `apply(optimizer, grads, variables)`, which updates variables, and `fuse_adam(optimizer)`, after
  which Adam does so by the backend's own operation.
- `compiled(network)`, a function that runs a network with any weights, and
  `compiled_gradient(network, objective)`, one that differentiates it by its inputs.
- `no_grad()`, a context for computing outside of any step, and `inference(model)`, likewise, with a
  model's weights as this process has them.
- `conv` and `conv_transpose`, as `keras.ops` has them, in a form that is quick.
- `require(condition, message)`, an error where a batch has the wrong size.
- `random_state()` and `set_random_state(state)`, for random numbers that no Keras variable fixes.

`distributed` is the same for what several devices and processes do together;
`jax_convolutions` is JAX's alone.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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

if name == "tensorflow":
    from keras_egan.backend.tensorflow import (
        Steps,
        apply,
        compiled,
        compiled_gradient,
        fuse_adam,
        input_gradient,
        joint_gradients,
        no_grad,
        random_state,
        require,
        set_random_state,
    )
elif name == "jax":
    from keras_egan.backend.jax import (  # type: ignore[assignment]
        Steps,
        apply,
        compiled,
        compiled_gradient,
        fuse_adam,
        input_gradient,
        joint_gradients,
        no_grad,
        random_state,
        require,
        set_random_state,
    )
elif name == "torch":
    from keras_egan.backend.torch import (  # type: ignore[assignment]
        Steps,
        apply,
        compiled,
        compiled_gradient,
        fuse_adam,
        input_gradient,
        joint_gradients,
        no_grad,
        random_state,
        require,
        set_random_state,
    )
else:
    raise ImportError(
        f"keras_egan trains on the 'tensorflow', 'jax' and 'torch' backends; Keras is set to "
        f"{name!r}. Set the environment variable KERAS_BACKEND to one of the three."
    )

if name == "jax":
    from keras_egan.backend.jax_convolutions import conv, conv_transpose
else:
    from keras.ops import conv, conv_transpose  # type: ignore[no-redef]

__all__ = [
    "Steps",
    "apply",
    "compiled",
    "compiled_gradient",
    "conv",
    "conv_transpose",
    "fuse_adam",
    "gradients",
    "inference",
    "input_gradient",
    "joint_gradients",
    "name",
    "no_grad",
    "random_state",
    "require",
    "set_random_state",
]


def gradients(
    objective: Callable[[], tuple[Any, Any]], variables: Sequence[Any], model: Any
) -> tuple[list[Any], Any]:
    """Differentiates one loss, a scalar that `objective` returns first; see `joint_gradients`."""

    def joint():
        loss, auxiliary = objective()
        return (loss,), auxiliary

    (grads,), auxiliary = joint_gradients(joint, (variables,), model)
    return grads, auxiliary


@contextmanager
def inference(model: keras.Model) -> Iterator[None]:
    """Lets a model's weights be used outside of any step, and need no other process."""
    from keras_egan.backend import distributed  # here, for it takes the backend to be one of three

    variables = model.variables
    values = distributed.local_values(variables)
    with no_grad(), keras.StatelessScope(list(zip(variables, values, strict=True))):
        yield
