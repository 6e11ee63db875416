"""PyTorch: the processes of the default process group, each of which is one replica."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from keras import ops
from torch import distributed


def several() -> bool:
    return process_count() > 1


def replica_share(count: Any) -> tuple[Any, Any]:
    if process_count() == 1:
        return 0, count
    rows = gather(np.array(count, "int64")).tolist()
    return min(sum(rows[: process_index()]), sum(rows) - 1), sum(rows)


def replica_sum(value: Any) -> Any:
    if process_count() == 1:
        return value
    values = value if isinstance(value, list) else [value]
    joined = torch.cat([one.detach().reshape(-1).float() for one in values])  # one message for all
    distributed.all_reduce(joined)
    parts = joined.split([one.numel() for one in values])
    sums = [part.reshape(one.shape).to(one.dtype) for part, one in zip(parts, values, strict=True)]
    return sums if isinstance(value, list) else sums[0]


def replica_gather(rows: Any, count: Any) -> Any:
    return rows if process_count() == 1 else _Gather.apply(rows[:count])


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(context, rows):
        context.start, total = replica_share(len(rows))
        context.count = len(rows)
        joined = rows.new_zeros((total, *rows.shape[1:]))
        joined[context.start : context.start + context.count] = rows
        distributed.all_reduce(joined)  # not gathered: shares may differ in length
        return joined

    @staticmethod
    def backward(context, gradient):
        gradient = gradient.contiguous()
        distributed.all_reduce(gradient)
        return gradient[context.start : context.start + context.count]


def nonempty(images: Any) -> Any:
    return images if len(images) else images.new_zeros((1, *images.shape[1:]))


def process_index() -> int:
    return distributed.get_rank() if _grouped() else 0


def process_count() -> int:
    return distributed.get_world_size() if _grouped() else 1


def _grouped():
    return distributed.is_available() and distributed.is_initialized()


def broadcast(data: bytes) -> bytes:
    if process_count() == 1:
        return data
    length = torch.tensor([len(data)], device=_device())
    distributed.broadcast(length, 0)
    buffer = torch.zeros(int(length), dtype=torch.uint8)
    if process_index() == 0:
        buffer = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    buffer = buffer.to(_device())
    distributed.broadcast(buffer, 0)
    return buffer.cpu().numpy().tobytes()


def gather(array: np.ndarray) -> np.ndarray:
    if process_count() == 1:
        return array[None]
    own = torch.as_tensor(array, device=_device())
    found = [torch.empty_like(own) for _ in range(process_count())]
    distributed.all_gather(found, own)
    return torch.stack(found).cpu().numpy()


def _device():
    return "cuda" if distributed.get_backend() == "nccl" else "cpu"


def unify(variables: Sequence[Any]) -> None:
    if process_count() == 1:
        return
    arrays = [ops.convert_to_numpy(variable) for variable in variables]
    data = broadcast(b"".join(array.tobytes() for array in arrays))
    for variable, array in zip(variables, arrays, strict=True):
        own, data = data[: array.nbytes], data[array.nbytes :]
        variable.assign(np.frombuffer(own, array.dtype).reshape(array.shape).copy())


def own_rows(total: int) -> slice:
    index, count = process_index(), process_count()
    return slice(total * index // count, total * (index + 1) // count)


def feeds() -> bool:
    return process_count() > 1
