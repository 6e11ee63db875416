"""The exponential moving average of a generator's weights."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_egan import backend
from keras_egan.backend.distributed import local_values
from keras_egan.saving.state import add_variable


class WeightAverage(keras.layers.Layer):
    """The part of a GAN that averages its generator's weights, in its own variables.

    Keras's `use_ema` puts the averages into the weights when `fit` ends, and training cannot go on.

    If anything except training changes the weights, such as `generator.load_weights`, the average
    restarts from the new weights at the next `sample`, export, file or training. To notice it, the
    end of a training keeps an excerpt of the weights, which is compared later. After a user's own
    loop over `gan.train_step`, which also changes the step, the average continues. A generator
    whose variables were replaced, by `quantize` or `enable_lora`, has no average.
    """

    def __init__(self, network: keras.Model, decay: float | None):
        super().__init__(name="weight_average")
        if decay is not None and (isinstance(decay, (bool, str)) or not 0 < decay < 1):
            raise ValueError(
                f"`generator_average` must be in (0, 1), or None; got {decay!r}. 0.999 is usual."
            )
        self.decay = decay
        # A function, because Keras would track a list's variables as this layer's own.
        self.weights_of_network = lambda: network.weights
        self.values = []
        for index, variable in enumerate(network.weights if decay else ()):
            name, shape = f"average_{index}", variable.shape
            average = add_variable(self, name, variable.dtype, shape=shape)
            average.assign(ops.copy(variable))  # JAX refuses one buffer for two variables
            self.values.append(average)
        self.known: np.ndarray | None = self.excerpt(0) if self.values else None
        self.built = True

    def __bool__(self) -> bool:
        return bool(self._pairs())

    def _pairs(self):
        """Return each average and its weight; none if the network now has other weights."""
        weights = self.weights_of_network() if self.values else []
        return list(zip(self.values, weights)) if len(weights) == len(self.values) else []  # noqa: B905

    def update(self, step: Any) -> None:
        """Move the average towards the weights, after `step` earlier training steps."""
        pairs = self._pairs()
        if not pairs:
            return
        # As TensorFlow's ExponentialMovingAverage: less weight on the first, untrained weights.
        step = ops.cast(step, "float32")
        warming = (1.0 + step) / (10.0 + step)
        decay = ops.minimum(self.decay * ops.ones_like(warming), warming)
        for average, variable in pairs:
            if variable.trainable:
                kept = ops.cast(decay, average.dtype)
                average.assign(kept * average + (1.0 - kept) * ops.cast(variable, average.dtype))
            else:
                average.assign(variable)

    def excerpt(self, step: Any) -> np.ndarray:
        """Return the step and some values of each weight, which identify the weights.

        Sums would not do, because their rounding would differ from that in another backend's file.
        """
        arrays = map(ops.convert_to_numpy, local_values(self.weights_of_network()))
        some = [array.ravel()[:: 1 + array.size // 16].astype("float64") for array in arrays]
        return np.concatenate([[int(ops.convert_to_numpy(step))], *some])

    def renew(self, step: Any) -> None:
        """Restart from the weights, unless they are those that training left at this step."""
        pairs, known = self._pairs(), self.known
        if not pairs or known is None:
            return
        now = self.excerpt(step)
        trained = known[:1] != now[:1]  # since then, in any way
        if len(known) != len(now) or not (trained or np.array_equal(known, now, equal_nan=True)):
            for average, variable in pairs:
                average.assign(ops.copy(variable))
        self.known = now

    @contextmanager
    def learning(self, gan: Any) -> Iterator[None]:
        """Return a context in which a GAN's weights may change, as in training."""
        if not self:
            yield
            return
        self.renew(gan.step)
        self.known = None  # threads that sample meanwhile use the average as it is
        try:
            yield
        finally:
            with suppress(Exception):  # a failed step on JAX may leave no weights to read
                backend.synchronize(gan)
                self.known = self.excerpt(gan.step)

    def load_own_variables(self, store: Any) -> None:
        if len(store.keys()) or not self:  # else a file of a GAN without average: see `renew`
            super().load_own_variables(store)

    @contextmanager
    def swapped_in(self) -> Iterator[None]:
        """Return a context in which the network has its averaged weights."""
        pairs = self._pairs()
        if not pairs:
            raise ValueError("There is no average. Make the model with `generator_average=0.999`.")
        kept, known = [ops.copy(variable) for _, variable in pairs], self.known
        self.known = None
        try:
            for average, variable in pairs:
                variable.assign(ops.copy(average))
            yield
        finally:
            for (_, variable), value in zip(pairs, kept, strict=True):
                variable.assign(value)
            self.known = known
