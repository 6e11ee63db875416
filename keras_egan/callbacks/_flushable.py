"""What a callback may have beside Keras's methods."""

from typing import Protocol, runtime_checkable

__all__ = ["Flushable"]


@runtime_checkable
class Flushable(Protocol):
    """A callback that writes files of its own, and brings them up to date before a backup.

    `fit` calls `flush` on each callback that has it, before a `Backup`: rows that are not on disk
    then are lost if training is killed, because it resumes after that step.

    Callbacks are called as Keras calls them. Three more things hold in `fit`:

    - `model.fit_state` says at which step the training is: see `FitState`.
    - A callback with state has the methods `get_state()`, which returns it, and
      `set_state(state)`, which takes it back. A state is a number, a string, None, an array of
      numbers, or a list or dict of them with strings as keys. `Backup` saves it, and a resumed
      training calls `set_state` after `on_train_begin` or, within an epoch, after
      `on_epoch_begin`. A callback of another class than Keras's and these that has no `get_state`
      is named in a warning; one without state returns `{}`.
    - Where several processes train together, each has all callbacks, except those with a class
      attribute `first_process_only = True`, which the first process alone has. A callback that
      writes files should have it. It may call `model.sample`, `energy` and `save`, which wait for
      no other process, but not `evaluate`.

    Example:

    ```python
    class Slowest(keras.callbacks.Callback):
        first_process_only = True

        def on_train_begin(self, logs=None):
            self.file, self.seconds = open("slowest.txt", "a"), 0.0

        def on_train_batch_begin(self, batch, logs=None):
            self.begun = time.monotonic()

        def on_train_batch_end(self, batch, logs=None):
            seconds = time.monotonic() - self.begun
            if seconds > self.seconds:
                self.seconds = seconds
                print(self.model.fit_state.step, seconds, file=self.file)

        def get_state(self):
            return {"seconds": self.seconds}

        def set_state(self, state):
            self.seconds = state["seconds"]

        def flush(self, step):
            self.file.flush()
    ```
    """

    def flush(self, step: int) -> None:
        """Brings what the callback writes up to date.

        Args:
            step: the number of training steps done, up to which all has to be on disk.
        """
