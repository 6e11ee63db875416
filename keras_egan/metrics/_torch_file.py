"""Reads a file of tensors that PyTorch wrote, without PyTorch."""

import pickle
import zipfile
from collections import OrderedDict
from typing import Any, BinaryIO, NamedTuple

import numpy as np

__all__ = ["read"]


def read(file: BinaryIO) -> dict[str, np.ndarray]:
    """Returns the arrays of a dict of tensors that `torch.save` wrote.

    The file holds a pickle, but runs nothing: of all that a pickle may call, four names are known
    here, and they make dicts and descriptions of tensors.

    Args:
        file: opened in binary mode; in the format that PyTorch has written since 1.6, a zip, or in
            that before, pickles with the numbers behind them.

    Returns:
        A dict from names to NumPy arrays, float32 or int64.

    Raises:
        ValueError: if the file is no such file, is cut short, or holds anything else.
    """
    try:
        tensors, storages = (_read_zip if zipfile.is_zipfile(file) else _read_pickles)(file)
        return {name: tensor.array(storages) for name, tensor in tensors.items()}
    except Exception as error:  # a damaged pickle may raise any
        raise ValueError(
            f"{file.name} is no file of tensors that PyTorch wrote: {error!r}. Download it again, "
            "or save a state dict of float32 tensors with `torch.save`."
        ) from error


class _Tensor(NamedTuple):
    storage: tuple
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self, storages: dict[str, bytes]) -> np.ndarray:
        _, dtype, key, *_ = self.storage
        size = np.dtype(dtype).itemsize
        strides = [size * stride for stride in self.strides]
        # NumPy refuses what reaches beyond the buffer.
        return np.ndarray(self.shape, dtype, storages[key], size * self.offset, strides)


class _Unpickler(pickle.Unpickler):
    """Knows the names that a dict of tensors needs."""

    def find_class(self, module: str, name: str) -> Any:
        known = {
            "collections.OrderedDict": OrderedDict,
            "torch._utils._rebuild_tensor_v2": self.tensor,
            "torch.FloatStorage": "<f4",
            "torch.LongStorage": "<i8",
        }
        if f"{module}.{name}" not in known:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return known[f"{module}.{name}"]

    def persistent_load(self, pid: tuple) -> tuple:
        return pid

    def tensor(self, storage, offset, shape, strides, *_) -> _Tensor:
        return _Tensor(storage, offset, shape, strides)


def _read_zip(file):
    with zipfile.ZipFile(file) as archive:
        (pickled,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
        with archive.open(pickled) as member:
            tensors = _Unpickler(member).load()
        folder = pickled.removesuffix("data.pkl")
        keys = {tensor.storage[2] for tensor in tensors.values()}
        return tensors, {key: archive.read(f"{folder}data/{key}") for key in keys}


def _read_pickles(file):
    file.seek(0)
    # A magic number, the protocol's version, the machine's sizes; then what was saved.
    *_, tensors, keys = (_Unpickler(file).load() for _ in range(5))
    sizes = {t.storage[2]: np.dtype(t.storage[1]).itemsize for t in tensors.values()}
    storages = {}
    for key in keys:
        count = int.from_bytes(file.read(8), "little")
        storages[key] = file.read(count * sizes[key])
    return tensors, storages
