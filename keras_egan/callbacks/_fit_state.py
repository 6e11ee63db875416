"""What callbacks may ask of a running `fit`."""

from collections.abc import Mapping
from typing import Any

__all__ = ["FitState"]


class FitState:
    """Where a running `fit` is: a GAN's `fit_state`, which `fit` brings up to date.

    Keep it in `on_epoch_begin`, and read it from there within an epoch: on JAX each reading of a
    callback's `model` has Keras bring all weights back into the model.

    Attributes:
        epoch_start: the number of training steps done when the epoch began, an int, set before
            `on_epoch_begin`. The step of a batch is `epoch_start + batch`, also in an epoch that a
            backup resumes in the middle.
        step: the number of training steps done, an int.
        phase: which of the GAN's `phases` the present step is compiled for, a string.
        logs: the newest step's metrics by their names, scalars that are still on the device: Keras
            waits for them only where a callback has `on_train_batch_end`. Empty before the first
            step and after training.

    Example: a metric every hundred steps, for which the device waits no more often.

    ```python
    class Energies(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.fit_state = self.model.fit_state

        def on_train_batch_begin(self, batch, logs=None):
            state = self.fit_state
            if state.step % 100 == 0 and state.logs:
                print(state.step, float(state.logs["real_energy"]))
    ```
    """

    def __init__(self) -> None:
        self.epoch_start = 0
        self.step = 0
        self.phase = ""
        self.logs: Mapping[str, Any] = {}
        # Of a `fit` that was interrupted, its fingerprint's values as it began and as it was left.
        self.interrupted: dict[str, tuple[Any, Any]] = {}
