"""What a callback may have beside Keras's methods."""

from typing import Protocol, runtime_checkable

__all__ = ["Flushable"]


@runtime_checkable
class Flushable(Protocol):
    """A callback that writes files of its own, and brings them up to date before a backup.

    `fit` calls `flush` on each callback that has it, before a `Backup`: whatever is not on disk
    then is lost if training is killed, for it goes on after that step.

    Four more things hold for every callback of `fit`. `model.epoch_start`, an int, is the training
    step at which the epoch began, set before `on_epoch_begin`. The step of a batch is
    `model.epoch_start + batch`, also in an epoch that a backup resumes in the middle. Attributes of
    plain numbers, strings, arrays and lists and dicts of them that have changed since the callback
    was made are in the backup, and come back once `on_train_begin` or, within an epoch,
    `on_epoch_begin` has been called; so keep clocks and what else is the process's own in objects.

    A callback hears of a step before the next one begins, for which the device has to wait. With a
    class attribute `async_safe = True`, which Keras looks for too, it may hear of it two steps
    later, in order and in the same thread, which `fit` makes use of where all callbacks have it
    that are told of steps; `model.tell_callbacks()` then tells them all that is known.

    Where several processes train together, each has all callbacks, but for those with a class
    attribute `first_process_only = True`, which the first has. One that writes files should be so.
    It may call `model.sample`, `energy` and `save`, which wait for no other process, but not
    `evaluate`.

    Example:

    ```python
    class Seconds(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.file = open("seconds.txt", "a")

        def on_epoch_begin(self, epoch, logs=None):
            self.start = self.model.epoch_start

        def on_train_batch_begin(self, batch, logs=None):
            print(self.start + batch, time.time(), file=self.file)

        def flush(self, step):
            self.file.flush()
    ```
    """

    def flush(self, step: int) -> None:
        """Brings what the callback writes up to date.

        Args:
            step: the number of training steps done, up to which all has to be on disk.
        """
