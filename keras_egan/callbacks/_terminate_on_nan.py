"""The end of a training with metrics that are not finite."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

import keras

from keras_egan.backend import processes


class TerminateOnNaN(keras.callbacks.TerminateOnNaN):
    """End training when any metric is NaN or infinite.

    Keras's own callback checks only `loss`, which no GAN here has; `fit` replaces it by this one.
    Both wait for each step's metrics.

    Args:
        raise_error: whether to raise a `RuntimeError` instead of ending as after the last epoch.

    Raises:
        RuntimeError: during training, if `raise_error` is set.

    Example:

    ```python
    gan.fit(images, epochs=20, callbacks=[TerminateOnNaN(), Backup("run/backup", every=1000)])
    ```
    """

    def __init__(self, raise_error: bool = False):  # griffe reads it to build the reference
        super().__init__(raise_error)

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        bad = not_finite(logs)
        if not bad or self.model.stop_training:
            return
        message = f"After step {self.model.fit_state.step}, {', '.join(bad)}: training ends."
        if self.raise_error:
            raise RuntimeError(message)
        processes.say(message)
        self.model.stop_training = True


def not_finite(logs: Mapping[str, float]) -> list[str]:
    """Return the metrics that are NaN or infinite, such as `["d_loss is nan"]`."""
    return [f"{name} is {value}" for name, value in logs.items() if not math.isfinite(value)]


def watching_all_logs(
    callbacks: Iterable[keras.callbacks.Callback],
) -> list[keras.callbacks.Callback]:
    """Return the callbacks with Keras's own `TerminateOnNaN` replaced by this module's."""
    keras_own = keras.callbacks.TerminateOnNaN
    return [TerminateOnNaN(c.raise_error) if type(c) is keras_own else c for c in callbacks]
