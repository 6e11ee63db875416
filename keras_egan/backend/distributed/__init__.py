"""What several devices and processes do together, on the backend that runs.

A replica is a device that takes a part of each batch; a process may have several. `single.py` says
what each function does, and does it for one device. `tensorflow.py`, `jax.py` and `torch.py` have
their own of those that several devices need.
"""

from importlib import import_module
from typing import Any

import keras

from keras_egan.backend.distributed import single

_engine = import_module(f"{__name__}.{keras.backend.backend()}")


def __getattr__(attribute: str) -> Any:
    return getattr(_engine if hasattr(_engine, attribute) else single, attribute)
