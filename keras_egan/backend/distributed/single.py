"""One device in one process: each function's default, and its documentation for all backends."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np

# Within a step.


def replica_share(count: Any) -> tuple[Any, Any]:
    """Return the index of a replica's first row in the global batch, and that batch's length.

    The replica has `count` rows. The index is always in the batch, even if the replica has no rows.
    """
    return 0, count


def replica_sum(value: Any) -> Any:
    """Return the sum over all replicas of a tensor, or of each tensor in a list."""
    return value


def replica_gather(rows: Any, count: Any) -> Any:
    """Return the first `count` rows of every replica, joined; gradients of all flow back."""
    return rows


def nonempty(images: Any) -> Any:
    """Return the images, or one padding row of zeros if the replica has none.

    The mean of no rows would be NaN.
    """
    return images


def several() -> bool:
    """Return whether other replicas also take this step, each with its own rows."""
    return False


# Between steps.


def process_index() -> int:
    """Return this process's index, from 0."""
    return 0


def process_count() -> int:
    """Return the number of processes that train together."""
    return 1


def broadcast(data: bytes) -> bytes:
    """Return the first process's `data` on all processes; all must call it."""
    return data


def gather(array: np.ndarray) -> np.ndarray:
    """Return all processes' arrays, of one shape and dtype, stacked; all must call it."""
    return array[None]


def alone() -> AbstractContextManager:
    """Return a context for work that one process does without the others."""
    return nullcontext()


def unify(variables: Sequence[Any]) -> None:
    """Give variables the first process's values on all processes."""


def local_values(variables: Sequence[Any]) -> list[Any]:
    """Return variables' values for computing on this process alone."""
    return [variable.value for variable in variables]


# From a global batch to a step.


def own_rows(total: int) -> slice:
    """Return the rows of a global batch that this process takes, out of `total`."""
    return slice(0, total)


def placed(batch: Any, total: int) -> Any:
    """Return this process's rows of a global batch of `total` rows, ready for its devices."""
    return batch


def divided(dataset: Any) -> Any:
    """Return a `tf.data.Dataset` of global batches with `placed` applied to each batch."""
    return dataset


def received(batch: Any) -> Any:
    """Return the original batch, given the result of `placed`."""
    return batch


def feeds() -> bool:
    """Return whether batches must be prepared for several devices or processes."""
    return False


def feeding(kind: str | None) -> AbstractContextManager:
    """Return a context for Keras's `fit`, or raise a `ValueError` if Keras cannot share out data.

    `kind` is the name of the data's type if each process has its own data, None if all share it.
    """
    return nullcontext()


def check() -> None:
    """Raise a `ValueError` that says what cannot train together, and what to use instead."""
