"""The PyTorch backend: variables are assigned in place, gradients come from `autograd.grad`."""

import torch
from torch import distributed, no_grad

__all__ = [
    "Steps",
    "apply",
    "input_gradient",
    "no_grad",
    "replica_share",
    "replica_sum",
    "require",
    "value_and_grad",
]


class Steps:
    """Runs the model's steps as they are written, recording gradients only where asked for."""

    def train_step(self, data):
        with no_grad():
            return self.training_step(data)

    def test_step(self, data):
        with no_grad():
            return self.evaluation_step(data)


def value_and_grad(objective, variables, model):
    """Differentiates a loss; see `keras_egan.backend.jax.value_and_grad`."""
    tensors = [variable.value for variable in variables]
    with torch.enable_grad():
        loss, auxiliary = objective()
    grads = torch.autograd.grad(loss, tensors, allow_unused=True)
    if _distributed():
        grads = [None if grad is None else replica_sum(grad) for grad in grads]
    return {name: value.detach() for name, value in auxiliary.items()}, list(grads)


def input_gradient(function, inputs, model):
    """Differentiates by an input; see `keras_egan.backend.jax.input_gradient`."""
    inputs = inputs.detach().requires_grad_()
    return torch.autograd.grad(function(inputs).sum(), inputs, create_graph=True)[0]


def apply(optimizer, grads, variables):
    """Updates variables with one optimizer, built for them."""
    optimizer.apply(grads, variables)


def replica_share(batch):
    """Returns the first row and the length of the global batch that `batch` rows are part of."""
    if not _distributed():
        return 0, batch
    rows = [None] * distributed.get_world_size()
    distributed.all_gather_object(rows, batch)
    return sum(rows[: distributed.get_rank()]), sum(rows)


def replica_sum(value):
    """Returns the sum of `value` over all processes."""
    if not _distributed():
        return value
    total = value.detach().clone()
    distributed.all_reduce(total)
    return total


def require(condition, message):
    """Raises a `ValueError` unless a condition on a shape holds; shapes are always known here."""
    if not condition:
        raise ValueError(message)


def _distributed():
    return distributed.is_available() and distributed.is_initialized()
