"""One device in one process: what each function is where a backend's module has none of its own."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

# Within a step.


def replica_share(count: Any) -> tuple[Any, Any]:
    """Returns the first row and the length of the global batch that `count` rows are part of.

    The first row is one of the batch, also of a replica that has none.
    """
    return 0, count


def replica_sum(value: Any) -> Any:
    """Returns the sum of a tensor, or of each of a list, over all replicas."""
    return value


def replica_gather(rows: Any, count: Any) -> Any:
    """Returns the first `count` rows of each replica, joined; gradients come back from all."""
    return rows


def nonempty(images: Any) -> Any:
    """Returns images, or one of zeros where the replica has none: the mean of no rows is NaN."""
    return images


def several() -> bool:
    """Returns whether other replicas take this step too, each with its own rows."""
    return False


# Between steps.


def process_index() -> int:
    """Returns this process's number, from 0."""
    return 0


def process_count() -> int:
    """Returns how many processes train together."""
    return 1


def broadcast(data: bytes) -> bytes:
    """Returns the first process's `data`, whatever the others give; all have to call it."""
    return data


def gather(array: np.ndarray) -> np.ndarray:
    """Returns all processes' arrays, of one shape and dtype, stacked; all have to call it."""
    return array[None]


def alone() -> AbstractContextManager:
    """Returns a context for what one process does without the others."""
    return nullcontext()


def unify(variables: Sequence[Any]) -> None:
    """Gives variables the first process's values on all."""


def local_values(variables: Sequence[Any]) -> list[Any]:
    """Returns variables' values, to compute with on this process alone."""
    return [variable.value for variable in variables]


# How a global batch comes to a step.


def own_rows(total: int) -> slice:
    """Returns which rows of a global batch this process takes."""
    return slice(0, total)


def placed(batch: Any, total: int) -> Any:
    """Returns this process's rows of a global batch of `total`, ready for its devices."""
    return batch


def divided(dataset: Any) -> Any:
    """Returns a `tf.data.Dataset` of what `placed` makes of global batches."""
    return dataset


def received(batch: Any) -> Any:
    """Returns the batch that `placed` was given."""
    return batch


def feeds() -> bool:
    """Returns whether batches have to be made ready for several devices or processes."""
    return False


def feeding(kind: str | None) -> AbstractContextManager:
    """Returns a context for Keras's `fit`, or raises a `ValueError` if Keras cannot share data out.

    `kind` is what the data is if each process has been given its own; None if all share it.
    """
    return nullcontext()


def check() -> None:
    """Raises a `ValueError` that says what cannot train together, and what to use."""
