"""The PyTorch backend: variables are assigned in place, gradients come from `autograd.grad`."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras
import torch
from torch import no_grad

from keras_egan.backend.distributed.torch import replica_sum
from keras_egan.backend.keras_internals import flat_layers


class Steps:
    """Run the model's steps directly; record gradients only in `joint_gradients` and the like."""

    assigns_in_calls = False
    """Whether any layer assigns its weights when it is called."""

    def make_train_function(self, force=False):
        kind = keras.layers.SpectralNormalization
        self.assigns_in_calls = any(isinstance(layer, kind) for layer in flat_layers(self))
        super().make_train_function(force)

    def train_step(self, data):
        with no_grad():
            return self._training_step(data)

    def test_step(self, data):
        with no_grad():
            return self._evaluation_step(data)


def joint_gradients(objective: Callable, variables: Sequence, model: Any) -> tuple[list, Any]:
    tensors = [[variable.value for variable in group] for group in variables]
    with torch.enable_grad(), _mutation_allowed(model):
        losses, auxiliary = objective()
        grads: Any = [
            torch.autograd.grad(loss, group, allow_unused=True, retain_graph=loss is not losses[-1])
            for loss, group in zip(losses, tensors, strict=True)
        ]
    detached = {n: x.detach() if torch.is_tensor(x) else x for n, x in auxiliary.items()}
    return [_over_replicas(group) for group in grads], detached


def _over_replicas(grads):
    sums = iter(replica_sum([grad for grad in grads if grad is not None]))
    return [grad if grad is None else next(sums) for grad in grads]


def _mutation_allowed(model):
    # Such a layer is called more than once before gradients are computed. The context slows every
    # operation, so it is entered only for such layers.
    if getattr(model, "assigns_in_calls", False):
        return torch.autograd.graph.allow_mutation_on_saved_tensors()
    return nullcontext()


def input_gradient(function: Callable[[Any], Any], inputs: Any, model: Any) -> Any:
    learning = torch.is_grad_enabled()  # False in `evaluate`, which needs the gradient alone
    inputs = inputs.detach().requires_grad_()
    with torch.enable_grad():
        return torch.autograd.grad(function(inputs).sum(), inputs, create_graph=learning)[0]


def jit(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(weights, *inputs):
        tensors = [weight.value.detach() for weight in weights]
        with no_grad(), device_of(weights):
            return function(tensors, *keras.tree.map_structure(keras.ops.convert_to_tensor, inputs))

    return run


def gradient(function: Callable[[Any], Any], inputs: Any) -> Any:
    inputs = inputs.detach().requires_grad_()
    with torch.enable_grad():
        return torch.autograd.grad(function(inputs).sum(), inputs)[0]


def device_of(variables: Sequence[Any]) -> AbstractContextManager:
    # Keras's device and CUDA's current device hold only in the thread that chose them: in another
    # thread, new tensors would be on `cuda:0`.
    # https://docs.pytorch.org/docs/stable/notes/cuda.html
    return keras.device(str(variables[0].value.device)) if variables else nullcontext()


def host() -> AbstractContextManager:
    # The CPU, because Keras reads a seed's state for each draw, which would wait for a GPU:
    # https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/torch/random.py#L26
    # A seed generator that is used in this context must be created in it too.
    return keras.device("cpu")


def sent(tensors: Any) -> Any:
    # The tensors, of one dtype, are sent as one, and nothing waits for the device.
    leaves = keras.tree.flatten(tensors)
    joined = torch.cat([leaf.reshape(-1) for leaf in leaves])
    device = keras.ops.empty((0,)).device
    if device.type == "cuda":
        joined = joined.pin_memory()
    joined = joined.to(device, non_blocking=True)
    parts = joined.split([leaf.numel() for leaf in leaves])
    moved = [part.reshape(leaf.shape) for part, leaf in zip(parts, leaves, strict=True)]
    return keras.tree.pack_sequence_as(tensors, moved)


def random_state() -> Any:
    # The states that unseeded Dropout draws from, uint8: the CPU's, then Keras's device's.
    states = [torch.get_rng_state()]
    module, arguments = _device_module()
    if module:
        states.append(module.get_rng_state(*arguments))
    return torch.cat(states).numpy()


def set_random_state(state: Any) -> None:
    state = torch.as_tensor(state, dtype=torch.uint8)
    length = len(torch.get_rng_state())
    torch.set_rng_state(state[:length])
    module, arguments = _device_module()
    if module and len(state) - length == len(module.get_rng_state(*arguments)):
        module.set_rng_state(state[length:], *arguments)


def _device_module():
    """Return the module with the random state of Keras's device, such as `torch.cuda`, or None."""
    device = keras.ops.zeros(()).device
    module = torch.get_device_module(device)
    if not hasattr(module, "get_rng_state"):  # the CPU
        return None, ()
    return module, () if device.type == "mps" else (device,)  # MPS has a single device
