"""The running average of a generator's weights."""

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
    """The part of a GAN that averages its generator's weights, in variables of its own.

    Keras's `use_ema` puts the averages into the weights when `fit` ends, and training cannot go on.

    If something else than training changes the weights, such as `generator.load_weights`, the
    average begins anew from them at the next `sample`, export, file or training. To notice it, an
    excerpt of the weights is kept from the end of a training, and compared. After a loop of a
    user's own, of `gan.train_step`, which changes the step too, the average goes on.
    A generator that has got other variables, by `quantize` or `enable_lora`, has no average.
    """

    def __init__(self, network: keras.Model, decay: float | None):
        super().__init__(name="weight_average")
        if decay is not None and (isinstance(decay, (bool, str)) or not 0 < decay < 1):
            raise ValueError(
                f"`generator_average` must lie between 0 and 1, or be None; got {decay!r}. "
                "0.999 is usual."
            )
        self.decay = decay
        self.weights_of_network = lambda: network.weights  # a list would be tracked as our own
        self.values = []
        for index, variable in enumerate(network.weights if decay else ()):
            name, shape = f"average_{index}", variable.shape
            average = add_variable(self, name, variable.dtype, shape=shape)
            average.assign(ops.copy(variable))  # JAX takes no buffer for two variables
            self.values.append(average)
        self.known: np.ndarray | None = self.excerpt(0) if self.values else None
        self.built = True

    def __bool__(self) -> bool:
        return bool(self._pairs())

    def _pairs(self):
        """Returns each average and its weight; none if the network has other weights by now."""
        weights = self.weights_of_network() if self.values else []
        return list(zip(self.values, weights)) if len(weights) == len(self.values) else []  # noqa: B905

    def update(self, step: Any) -> None:
        """Takes the weights into the average, `step` training steps having come before."""
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
        """Returns the step and some values of each weight: what tells weights from others.

        Not sums, whose rounding would differ from that in a file of another backend.
        """
        arrays = map(ops.convert_to_numpy, local_values(self.weights_of_network()))
        some = [array.ravel()[:: 1 + array.size // 16].astype("float64") for array in arrays]
        return np.concatenate([[int(ops.convert_to_numpy(step))], *some])

    def renew(self, step: Any) -> None:
        """Begins anew from the weights, if they are not those that training left at this step."""
        pairs, known = self._pairs(), self.known
        if not pairs or known is None:
            return
        now = self.excerpt(step)
        trained = known[:1] != now[:1]  # since, by whatever it was
        if len(known) != len(now) or not (trained or np.array_equal(known, now, equal_nan=True)):
            for average, variable in pairs:
                average.assign(ops.copy(variable))
        self.known = now

    @contextmanager
    def learning(self, gan: Any) -> Iterator[None]:
        """Lets a GAN's weights change for a while, as training does it."""
        if not self:
            yield
            return
        self.renew(gan.step)
        self.known = None  # threads that sample meanwhile take the average as it is
        try:
            yield
        finally:
            with suppress(Exception):  # a step that fails on JAX may leave no weights to look at
                backend.synchronize(gan)
                self.known = self.excerpt(gan.step)

    def load_own_variables(self, store: Any) -> None:
        if len(store.keys()) or not self:  # else a file of a GAN without average: see `renew`
            super().load_own_variables(store)

    @contextmanager
    def swapped_in(self) -> Iterator[None]:
        """Gives the network its averaged weights for a while."""
        pairs = self._pairs()
        if not pairs:
            raise ValueError("There is no average: make the model with `generator_average=0.999`.")
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
