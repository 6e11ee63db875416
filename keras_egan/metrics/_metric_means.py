"""Running means of several scalars at once."""

from collections.abc import Iterable
from typing import Any

import keras
from keras import ops


class MetricMeans(keras.metrics.Metric):
    """The means of a GAN's losses and energies over an epoch by name, weighted by batch size.

    One vector holds all means, so that logging costs one small addition per step.
    """

    def __init__(self, names: Iterable[str], name: str = "metric_means"):
        super().__init__(name=name, dtype="float32")
        self.names = tuple(names)
        # All replicas hold the same values: a sum over them would count twice after a resume.
        first = {"initializer": "zeros", "dtype": "float32", "aggregation": "only_first_replica"}
        self.totals = self.add_variable(shape=(len(self.names),), name="totals", **first)
        self.samples = self.add_variable(shape=(), name="samples", **first)

    def update_state(self, values: Any, sample_weight: Any = 1.0) -> None:
        """Add the means over a batch of `sample_weight` samples, of shape `(len(names),)`."""
        # A Python number stays a number, because PyTorch sends tensors to the device.
        number = isinstance(sample_weight, (int, float))
        weight = sample_weight if number else ops.cast(sample_weight, "float32")
        self.totals.assign(self.totals.value + ops.cast(values, "float32") * weight)
        self.samples.assign(self.samples.value + weight)

    def result(self) -> dict[str, Any]:
        """Return the means so far by their names, 0 before the first batch."""
        means = self.totals / ops.maximum(self.samples, 1.0)
        return dict(zip(self.names, ops.unstack(means, len(self.names)), strict=True))
