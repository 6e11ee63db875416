"""Hyper-parameters that change during training."""

import math
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_egan import checks
from keras_egan.saving.hyperparameter import hyperparameters


class Schedule(keras.callbacks.Callback):
    """Set a hyper-parameter of a GAN, such as EBGAN's margin, by the training step.

    Learning rates belong to the optimizers: give those a
    `keras.optimizers.schedules.LearningRateSchedule`.

    Args:
        attribute: the hyper-parameter's name, such as `"margin"`, `"gamma"` or `"pt_weight"`.
        function: takes the number of training steps done, an int, and returns the value, as a
            `LearningRateSchedule` does.
        every: number of training steps between changes; by default, one epoch. 1 adds overhead to
            each step on JAX.

    Raises:
        ValueError: if `function` cannot be called or `every` is not a whole number from 1 up; when
            training begins, if the GAN has no such hyper-parameter; during training, if a value is
            out of its range.

    Example: a margin that decays towards 0, as in section 4.2 of https://arxiv.org/abs/1609.03126
    (the paper gives no rate; this one is ours).

    ```python
    decay = keras.optimizers.schedules.ExponentialDecay(10.0, decay_steps=1000, decay_rate=0.9)
    gan.fit(images, epochs=20, callbacks=[Schedule("margin", decay, every=100)])
    ```
    """

    def __init__(self, attribute: str, function: Callable[[int], Any], every: int | None = None):
        super().__init__()
        if not callable(function):
            raise ValueError(
                "`function` must take the number of training steps and return a value; got "
                f"{function!r}."
            )
        self.attribute = attribute
        self.function = function
        self.every = checks.optional_whole(1, every=every)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        names = sorted(hyperparameters(self.model))
        if self.attribute not in names:
            known = f"only {', '.join(map(repr, names))}" if names else "nor any other"
            raise ValueError(
                f"{type(self.model).__name__} has no hyper-parameter {self.attribute!r} for "
                f"`Schedule` to set, {known}."
            )
        self._set_at: int | None = None

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._start = self.model.fit_state.epoch_start
        if not self.every:
            self._set(self._start)

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.every:
            self._set((self._start + batch) // self.every * self.every)

    def _set(self, step):
        if step == self._set_at:
            return
        value = float(ops.convert_to_numpy(self.function(step)))
        if not math.isfinite(value):
            raise ValueError(f"`function` must return finite numbers; got {value} for step {step}.")
        setattr(self.model, self.attribute, value)
        self._set_at = step
