"""What several devices and processes do together, on the backend that runs.

`tensorflow.py`, `jax.py` and `torch.py` mirror one another. A replica is a device that takes a part
of each batch; a process may have several. Where there is one of either, all of these cost nothing.

Within a step:

- `replica_share(count)`, which rows of the global batch a replica has.
- `replica_sum(value)`, the sum over all replicas.
- `replica_gather(rows, count)`, all replicas' rows, itself differentiable.
- `nonempty(images)`, a row for a replica that has none.
- `merge_statistics(model, count, total)`, the same moving statistics on all replicas.

Between steps:

- `process_index()` and `process_count()`.
- `broadcast(data)` and `gather(array)`, which all processes have to call.
- `alone()`, a context for what one process does without the others.
- `unify(variables)`, the first process's values on all.
- `local_values(variables)`, values to compute with on this process alone.
- `own_rows(total)`, `placed(batch, total)`, `divided(dataset)`, `received(batch)`, `feeds()` and
  `feeding(kind)`: how a global batch comes to a step.
- `check()`, an error by name for what cannot train together.
"""

from importlib import import_module
from typing import Any

import keras

_engine = import_module(f"{__name__}.{keras.backend.backend()}")


def __getattr__(attribute: str) -> Any:
    return getattr(_engine, attribute)
