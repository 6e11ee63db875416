"""The running average of a generator's weights."""

from contextlib import contextmanager

from keras import ops

__all__ = ["GeneratorAverage"]


class GeneratorAverage:
    """A part of a GAN's model: averages of the generator's weights, as variables of its own.

    Keras's `use_ema` puts the averages into the weights when `fit` ends, and training cannot go
    on from where it was; these stay beside the weights, and are saved with them.
    """

    def _start_average(self, decay):
        if decay is not None and not 0 < decay < 1:
            raise ValueError(
                f"`generator_average` must lie between 0 and 1, or be None; got {decay!r}. "
                "0.999 is usual."
            )
        self.generator_average = decay
        self.averages = []
        for index, variable in enumerate(self.generator.weights if decay else ()):
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
            self.averages.append(average)

    def _update_average(self):
        if not self.averages:
            return
        # As TensorFlow's ExponentialMovingAverage: less weight on the first, untrained weights.
        step = ops.cast(self.step, "float32")
        decay = ops.minimum(self.generator_average, (1.0 + step) / (10.0 + step))
        for average, variable in zip(self.averages, self.generator.weights, strict=True):
            if variable.trainable:
                kept = ops.cast(decay, average.dtype)
                average.assign(kept * average + (1.0 - kept) * ops.cast(variable, average.dtype))
            else:
                average.assign(variable)

    @contextmanager
    def averaged(self):
        """Gives the generator its averaged weights for a while.

        Raises:
            ValueError: if the model keeps no average.

        Example:

        ```python
        with gan.averaged():
            gan.generator.save("generator.keras")
        ```
        """
        if not self.averages:
            raise ValueError("There is no average: make the model with `generator_average=0.999`.")
        weights = self.generator.weights
        kept = [ops.copy(variable) for variable in weights]
        try:
            for variable, average in zip(weights, self.averages, strict=True):
                variable.assign(ops.copy(average))
            yield
        finally:
            for variable, value in zip(weights, kept, strict=True):
                variable.assign(value)
