"""Defaults of the functions that a backend's module may define itself."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras
from keras.ops import conv, conv_transpose  # noqa: F401, JAX has its own

no_grad = nullcontext


def apply(optimizer: keras.Optimizer, grads: Sequence[Any], variables: Sequence[Any]) -> None:
    """Update variables with one optimizer that is built for them."""
    optimizer.apply(grads, variables)


def device_of(variables: Sequence[Any]) -> AbstractContextManager:
    """Return a context that creates tensors on the device of the variables, in any thread."""
    return nullcontext()


def require(condition: Any, message: str) -> Any:
    """Raise a `ValueError` unless a condition on a shape holds.

    Where it cannot raise, it returns 1 if the condition fails; else it returns 0.
    """
    if not condition:
        raise ValueError(message)
    return 0.0


def synchronize(model: keras.Model) -> None:
    """Give variables their current values while `fit` runs; here they always have them."""


def host() -> AbstractContextManager:
    """Return a context that draws random numbers on the device of their seeds."""
    return nullcontext()


def sent(tensors: Any) -> Any:
    """Move tensors that were drawn in `host` to the device."""
    return tensors


def random_state() -> Any:
    """Return the state of random numbers that no Keras variable holds, or None."""


def set_random_state(state: Any) -> None:
    """Restore the state that `random_state` returned."""
