"""A simulated second device for PyTorch, which importing this module makes Keras's device.

Tensors on `sim:0` hold their numbers in a CPU tensor of their own. As on CUDA, an operation on
tensors of both devices fails, and the device has its own random numbers. Copies and waits are
counted. Import it before Keras, with KERAS_BACKEND=torch.
"""

import collections
import contextlib
import os

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map
from torch.utils.backend_registration import (
    _DummyBackendModule,
    _setup_privateuseone_for_python_backend,
)

os.environ["KERAS_TORCH_DEVICE"] = "sim:0"

aten = torch.ops.aten
counts: collections.Counter = collections.Counter()
"""How often a tensor was copied "to" the device or "back", or Python waited for it."""

# These operations wait for the device, because their result's shape depends on numbers there.
WAITING = (aten.nonzero.default, aten.masked_select.default, aten._unique2.default)
INDEXING = (aten.index.Tensor, aten.index_put.default, aten.index_put_.default)


class Module(_DummyBackendModule):
    """The functions of `torch.sim`, like those of `torch.cuda`."""

    state = torch.Generator().manual_seed(1).get_state()

    def get_rng_state(self, device="sim"):
        return self.state.clone()

    def set_rng_state(self, state, device="sim"):
        self.state = state.clone()

    def manual_seed_all(self, seed):
        self.state = torch.Generator().manual_seed(seed).get_state()


class Simulated(torch.Tensor):
    """A tensor whose device is `sim:0`."""

    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, numbers):
        return torch.Tensor._make_wrapper_subclass(
            cls,
            numbers.shape,
            strides=numbers.stride(),
            storage_offset=numbers.storage_offset(),
            dtype=numbers.dtype,
            device="sim:0",
        )

    def __init__(self, numbers):
        self.numbers = numbers

    def __repr__(self):
        return f"Simulated({self.numbers})"

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        return computed(function, args, kwargs or {})


class Mode(TorchDispatchMode):
    """Handles operations that create tensors."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        return computed(function, args, kwargs or {})


def computed(function, args, kwargs):
    """Compute an operation on the CPU, and return its result on its device."""
    tensors = []
    tree_map(lambda x: tensors.append(x) if isinstance(x, torch.Tensor) else None, (args, kwargs))
    simulated = any(isinstance(tensor, Simulated) for tensor in tensors)
    if function in (aten._to_copy.default, aten.copy_.default):
        return copied(function, args, kwargs)
    if function in (aten.lift_fresh.default, aten.lift_fresh_copy.default):
        return args[0] if simulated else function(*args)
    if simulated:
        check(function, args, tensors)
    here = simulated
    if kwargs.get("device") is not None:
        here = torch.device(kwargs["device"]).type == "sim"
        kwargs = {**kwargs, "device": "cpu"}
    with drawing(function, kwargs) if here else contextlib.nullcontext():
        result = function(*tree_map(numbers_of, args), **tree_map(numbers_of, kwargs))
    if not here:
        return result
    written = written_to(function, args, kwargs)
    if written:  # in place, or by `out=`: the same tensors are returned
        return written[0] if len(written) == 1 else tuple(written)
    return tree_map(lambda x: Simulated(x) if isinstance(x, torch.Tensor) else x, result)


def copied(function, args, kwargs):
    """Copy between tensors or devices, and count the copies that cross."""
    if function is aten.copy_.default:
        target, source = args[:2]
        count(isinstance(source, Simulated), isinstance(target, Simulated))
        function(numbers_of(target), numbers_of(source))
        return target
    source, device = args[0], kwargs.get("device")
    there = isinstance(source, Simulated)
    here = there if device is None else torch.device(device).type == "sim"
    count(there, here)
    result = function(numbers_of(source), **{**kwargs, "device": "cpu"})
    return Simulated(result) if here else result


def count(source, target):
    if source != target:
        counts["to" if target else "back"] += 1


def check(function, args, tensors):
    """Fail where CUDA would, and count the operations that wait."""
    by_mask = function in INDEXING and any(
        isinstance(index, torch.Tensor) and index.dtype == torch.bool for index in args[1]
    )
    if function is aten._local_scalar_dense.default or function in WAITING or by_mask:
        counts["waits"] += 1
    for tensor in tensors:
        if not isinstance(tensor, Simulated) and tensor.dim() and function not in INDEXING:
            raise RuntimeError(
                "Expected all tensors to be on the same device, but found sim:0 and cpu: "
                f"{function} of a CPU tensor of shape {tuple(tensor.shape)}"
            )


@contextlib.contextmanager
def drawing(function, kwargs):
    """Draw random numbers from the device's own stream."""
    if torch.Tag.nondeterministic_seeded not in function.tags or kwargs.get("generator"):
        yield
        return
    module, kept = torch.sim, torch.get_rng_state()
    torch.set_rng_state(module.state)
    try:
        yield
    finally:
        module.state = torch.get_rng_state()
        torch.set_rng_state(kept)


def written_to(function, args, kwargs):
    """Return the tensors that an operation writes to and returns."""
    schema = function._schema
    writes = [
        given.alias_info is not None and given.alias_info.is_write for given in schema.returns
    ]
    if not writes or not all(writes):
        return []
    places = [*zip(schema.arguments, args, strict=False)]
    places += [(given, kwargs.get(given.name)) for given in schema.arguments[len(args) :]]
    return [x for given, x in places if given.alias_info and given.alias_info.is_write]


def numbers_of(x):
    return x.numbers if isinstance(x, Simulated) else x


class Generator(torch.Generator):
    """Keras makes a generator for each draw, on its device. PyTorch cannot define one in Python."""

    def __new__(cls, device="cpu"):
        return super().__new__(cls, "cpu")


_setup_privateuseone_for_python_backend("sim", backend_module=Module())
torch._C._set_only_lift_cpu_tensors(True)
torch.Generator = Generator
Mode().__enter__()
