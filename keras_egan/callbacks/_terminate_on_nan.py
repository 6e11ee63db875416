"""The end of a training that has gone wrong."""

import math
from collections.abc import Iterable
from queue import PriorityQueue
from typing import Any

import keras

from keras_egan import processes
from keras_egan.backend import distributed

__all__ = ["TerminateOnNaN", "watching_all_figures"]


class TerminateOnNaN(keras.callbacks.TerminateOnNaN):
    """Ends training when a figure is NaN or infinite, whichever it is.

    Keras's own looks for a figure called `loss`, which no GAN here has; `fit` puts this one in its
    place. It does not make Keras wait for the device at every step, so that the training may end
    a few steps after the one that it names; where several processes train together, at the end of
    that epoch.

    Args:
        raise_error: whether to raise a `RuntimeError`, rather than to end as if all epochs were
            over.

    Raises:
        RuntimeError: while training, if `raise_error` is set.

    Example:

    ```python
    gan.fit(images, epochs=20, callbacks=[TerminateOnNaN(), Backup("run/backup", every=1000)])
    ```
    """

    async_safe = True

    def __init__(self, raise_error: bool = False):
        super().__init__(raise_error)
        self._found: PriorityQueue[tuple[int, str]] = PriorityQueue()
        self._underway: set[int] = set()

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._found = PriorityQueue()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._start = self.model.epoch_start
        self._underway.clear()

    # Called from another thread, where neither the model may be touched nor an error is seen.
    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        bad = [f"{name} is {value}" for name, value in logs.items() if not math.isfinite(value)]
        if bad:
            self._found.put((self._start + batch + 1, ", ".join(bad)))
        # The batch is the last of several steps an execution.
        self._underway.discard(max((n for n in tuple(self._underway) if n <= batch), default=batch))

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if distributed.process_count() == 1:  # else they have to end at the same step
            self._end_if_found()
        self._underway.add(batch)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._underway.clear()  # Keras has waited for all of them
        self._end_if_found()

    def _end_if_found(self):
        if self._found.empty() or self.model.stop_training:
            return
        first = self._found.queue[0][0]
        if any(self._start + batch + 1 < first for batch in tuple(self._underway)):
            return  # one before may have been the first
        step, figures = self._found.get()
        message = f"After step {step}, {figures}: training ends."
        if self.raise_error:
            raise RuntimeError(message)
        processes.say(message)
        self.model.stop_training = True


def watching_all_figures(
    callbacks: Iterable[keras.callbacks.Callback],
) -> list[keras.callbacks.Callback]:
    """Returns callbacks with this module's `TerminateOnNaN` in the place of Keras's own."""
    keras_own = keras.callbacks.TerminateOnNaN
    return [TerminateOnNaN(c.raise_error) if type(c) is keras_own else c for c in callbacks]
