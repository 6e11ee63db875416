"""What a backend's module need not have of its own."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras
from keras.ops import conv, conv_transpose  # noqa: F401, what JAX has of its own

no_grad = nullcontext


def apply(optimizer: keras.Optimizer, grads: Sequence[Any], variables: Sequence[Any]) -> None:
    """Updates variables with one optimizer, built for them."""
    optimizer.apply(grads, variables)


def device_of(variables: Sequence[Any]) -> AbstractContextManager:
    """Returns a context in which tensors are made where variables are, in any thread."""
    return nullcontext()


def require(condition: Any, message: str) -> Any:
    """Raises a `ValueError` unless a condition on a shape holds; returns 1 if it cannot, else 0."""
    if not condition:
        raise ValueError(message)
    return 0.0


def synchronize(model: keras.Model) -> None:
    """Gives variables their values while `fit` runs; here they always have them."""


def host() -> AbstractContextManager:
    """Returns a context in which random numbers are drawn where their seeds lie."""
    return nullcontext()


def sent(tensors: Any) -> Any:
    """Returns tensors that were drawn in `host`, on the device."""
    return tensors


def random_state() -> Any:
    """Returns the state of random numbers that no Keras variable fixes; None without any."""


def set_random_state(state: Any) -> None:
    """Sets what `random_state` returned."""
