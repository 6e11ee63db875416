"""The running average of a generator's weights."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
from keras import ops

__all__ = ["WeightAverage"]


class WeightAverage(keras.layers.Layer):
    """The part of a GAN that averages its generator's weights, in variables of its own.

    Keras's `use_ema` puts the averages into the weights when `fit` ends, and training cannot go
    on from where it was; these stay beside the weights, and are saved with them.

    Args:
        network: the generator.
        decay: the average's decay, between 0 and 1; None for no average.

    Raises:
        ValueError: if `decay` is out of its range.

    Example:

    ```python
    average = WeightAverage(generator, decay=0.999)
    average.update(step=0)
    ```
    """

    def __init__(self, network: keras.Model, decay: float | None):
        super().__init__(name="weight_average")
        if decay is not None and (isinstance(decay, (bool, str)) or not 0 < decay < 1):
            raise ValueError(
                f"`generator_average` must lie between 0 and 1, or be None; got {decay!r}. "
                "0.999 is usual."
            )
        self.decay = decay
        averaged = list(network.weights if decay else ())
        # Within functions, because Keras would track lists of variables as this layer's own.
        self.averaged = lambda: averaged
        self.weights_of_network = lambda: network.weights
        self.values = []
        for index, variable in enumerate(averaged):
            average = self.add_weight(
                name=f"average_{index}",
                shape=variable.shape,
                initializer="zeros",
                dtype=variable.dtype,
                trainable=False,
                autocast=False,
                aggregation="only_first_replica",
            )
            average.assign(ops.copy(variable))  # JAX takes no buffer for two variables
            self.values.append(average)
        self.built = True

    def __bool__(self) -> bool:
        return bool(self.values)

    def pairs(self) -> list[tuple[Any, Any]]:
        """Returns the network's weights, each with its average.

        A weight that came later, as by `enable_lora`, has no average and is paired with itself.

        Raises:
            ValueError: if the network has lost a weight that is averaged, as by `quantize`.
        """
        averages = dict(zip(map(id, self.averaged()), self.values, strict=True))
        pairs = [(v, averages.pop(id(v), v)) for v in self.weights_of_network()]
        if averages:
            raise ValueError(
                "The average is of weights that `generator` has no more, as after `quantize`: "
                "pass `average=False` to use the weights that it has."
            )
        return pairs

    def update(self, step: Any) -> None:
        """Takes the weights into the average.

        Args:
            step: how many training steps came before, a scalar.
        """
        if not self:
            return
        # As TensorFlow's ExponentialMovingAverage: less weight on the first, untrained weights.
        step = ops.cast(step, "float32")
        decay = ops.minimum(self.decay, (1.0 + step) / (10.0 + step))
        for variable, average in self.pairs():
            if average is variable:
                continue
            if variable.trainable:
                kept = ops.cast(decay, average.dtype)
                average.assign(kept * average + (1.0 - kept) * ops.cast(variable, average.dtype))
            else:
                average.assign(variable)

    def load(self, values: Sequence[Any]) -> None:
        """Takes averages from a file of version 0.1.0."""
        for average, value in zip(self.values, values, strict=True):
            average.assign(value)

    def load_own_variables(self, store: Any) -> None:
        if len(store.keys()) or not self:  # else a file of version 0.1.0, see `load`
            super().load_own_variables(store)

    @contextmanager
    def swapped_in(self) -> Iterator[None]:
        """Gives the network its averaged weights for a while.

        Raises:
            ValueError: if there is no average.
        """
        if not self:
            raise ValueError("There is no average: make the model with `generator_average=0.999`.")
        pairs = self.pairs()
        kept = [ops.copy(variable) for variable, _ in pairs]
        try:
            for variable, average in pairs:
                variable.assign(ops.copy(average))
            yield
        finally:
            for (variable, _), value in zip(pairs, kept, strict=True):
                variable.assign(value)
