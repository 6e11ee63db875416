"""Running means of several scalars at once."""

from collections.abc import Iterable
from typing import Any

import keras
from keras import ops


class MetricMeans(keras.metrics.Metric):
    """The means of a GAN's losses and energies over an epoch, weighted by batch size.

    One vector holds all metrics, so that logging costs one small addition a step.

    Args:
        names: the names of the metrics, a sequence of strings.
        name: the metric's name.

    Example:

    ```python
    means = MetricMeans(["d_loss", "g_loss"])
    means.update_state([1.0, 3.0], sample_weight=16)
    means.update_state([4.0, 3.0], sample_weight=8)
    means.result()  # {"d_loss": 2.0, "g_loss": 3.0}
    ```
    """

    def __init__(self, names: Iterable[str], name: str = "metric_means"):
        super().__init__(name=name, dtype="float32")
        self.names = tuple(names)
        # The same on all replicas: summed, they would count twice where one goes on from a backup.
        first = {"initializer": "zeros", "dtype": "float32", "aggregation": "only_first_replica"}
        self.totals = self.add_variable(shape=(len(self.names),), name="totals", **first)
        self.samples = self.add_variable(shape=(), name="samples", **first)

    def update_state(self, values: Any, sample_weight: Any = 1.0) -> None:
        """Adds the metrics of a batch.

        Args:
            values: the metrics' means over the batch, a tensor of shape `(len(names),)`.
            sample_weight: the number of samples in the batch, a scalar.
        """
        # A Python number stays one, because PyTorch sends tensors to the device.
        number = isinstance(sample_weight, (int, float))
        weight = sample_weight if number else ops.cast(sample_weight, "float32")
        self.totals.assign(self.totals.value + ops.cast(values, "float32") * weight)
        self.samples.assign(self.samples.value + weight)

    def result(self) -> dict[str, Any]:
        """Returns a dict from each metric's name to its mean so far, 0 before the first batch."""
        means = self.totals / ops.maximum(self.samples, 1.0)
        return dict(zip(self.names, ops.unstack(means, len(self.names)), strict=True))
