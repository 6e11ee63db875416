"""The position of a running `fit`, and the metrics of its steps."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from keras import ops

FETCHED = 100
"""The most steps whose metrics stay on the device."""


class FitState:
    """The position of a running `fit`: a GAN's `fit_state`, which `fit` keeps up to date.

    Store it in `on_epoch_begin`, and read the stored object within the epoch. On JAX, each access
    to a callback's `model` makes Keras copy all weights back into the model.

    Attributes:
        epoch_start: the number of training steps done when the epoch began, an int, set before
            `on_epoch_begin`. The step of a batch is `epoch_start + batch`, even in an epoch that a
            backup resumes in the middle.
        step: the number of training steps done, an int. With `steps_per_execution` above 1, it is
            that of whole executions, so an epoch's last may count a step too many.
        phase: the one of the GAN's `phases` that the present step is compiled for, a string.
        logs: the newest step's metrics by name, scalars that are still on the device. Keras waits
            for them only if a callback has `on_train_batch_end`. Empty before the first step and
            after training.

    Example: write the lowest energy to a file. The device waits only every hundred steps.

    ```python
    class Lowest(keras.callbacks.Callback):
        first_process_only = True

        def on_train_begin(self, logs=None):
            self.file, self.energy = open("lowest.txt", "a"), float("inf")

        def on_epoch_begin(self, epoch, logs=None):
            self.fit_state = self.model.fit_state

        def on_train_batch_begin(self, batch, logs=None):
            step, metrics = self.fit_state.step, self.fit_state.logs
            if step % 100 == 0 and metrics and float(metrics["real_energy"]) < self.energy:
                self.energy = float(metrics["real_energy"])
                print(step, self.energy, file=self.file)

        def get_state(self):
            return {"energy": self.energy}

        def set_state(self, state):
            self.energy = state["energy"]

        def flush(self, step):
            self.file.flush()
    ```
    """

    def __init__(self) -> None:
        self.epoch_start = 0
        self.step = 0
        self.phase = ""
        self.logs: Mapping[str, Any] = {}
        # The fingerprint of an interrupted `fit`: its values at the beginning and at the end.
        self.interrupted: dict[str, tuple[Any, Any]] = {}


class StepLogs:
    """The metrics of at most `held` newest steps; the device does not wait for each step."""

    def __init__(self, held: int):
        self._rows: deque[tuple[int, dict[str, float]]] = deque(maxlen=held)
        self._unfetched: list[tuple[int, Mapping[str, Any]]] = []

    def add(self, step: int, logs: Mapping[str, Any]) -> None:
        """Add a step's metrics, scalars by their names."""
        self._unfetched.append((step, logs))
        if len(self._unfetched) == FETCHED:
            self.fetch()

    def fetch(self) -> "deque[tuple[int, dict[str, float]]]":
        """Return the held pairs of a step and its metrics, floats, oldest first."""
        for step, logs in self._unfetched:
            metrics = {name: float(ops.convert_to_numpy(logs[name])) for name in sorted(logs)}
            self._rows.append((step, metrics))
        self._unfetched.clear()
        return self._rows

    def clear(self) -> None:
        """Forget all steps."""
        self._rows.clear()
        self._unfetched.clear()
