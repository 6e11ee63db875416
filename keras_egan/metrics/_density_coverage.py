"""Density and coverage: precision and recall that single outliers cannot decide."""

import keras
import numpy as np

from keras_egan import checks
from keras_egan.metrics._generative_metric import ReferenceMetric
from keras_egan.metrics.streams import Features, squared_distances, squared_radii


class DensityCoverage(ReferenceMetric):
    """Density and coverage of generated samples, from balls around real samples.

    The ball around a real sample reaches to its k-th nearest neighbour among real samples. Density
    is the mean number of balls that a generated sample is in, divided by k: near 1 for equal
    distributions, above 1 if samples lie where the data is dense. Coverage is the share of balls
    with a generated sample inside, from 0 to 1. Unlike those of `PrecisionRecall`, neither uses
    balls around generated samples, which one outlier can make large. Coverage grows with the number
    of generated samples. The metric keeps the features of all samples.

    Args:
        extractor: as in `GenerativeMetric`.
        k: the rank of the neighbour that a ball reaches to; the sample itself does not count.
        name: the metric's name.

    Raises:
        ValueError: if `k` is below 1.

    Source: Naeem et al., Reliable fidelity and diversity metrics for generative models,
    https://arxiv.org/abs/2002.09797, equations 3 to 5; `prdc` 0.2 gives the same numbers, except
    that a sample on the edge of a ball, where features are equal, is outside there.

    Example:

    ```python
    metric = DensityCoverage(extractor=classifier_features)
    metric.update_real(test_images)
    metric.update_state(gan.sample(10_000, seed=0))
    metric.result()  # {"density": ..., "coverage": ...}
    ```
    """

    statistics = Features

    def __init__(
        self, extractor: keras.Model | None = None, k: int = 5, name: str = "density_coverage"
    ):
        super().__init__(extractor, name)
        checks.whole_number(1, k=k)
        self.k = k

    def result(self) -> dict[str, float]:
        """Return a dict of two floats, `density` and `coverage`.

        Raises:
            ValueError: if there are `k` or fewer real samples, or no generated ones.
        """
        self._require(self.real.count, self.k + 1, "real", "update_real")
        self._require(self.fake.count, 1)
        radii = self.real.derive(lambda stream: squared_radii(stream.array, self.k))
        covered = np.zeros(self.real.count, bool)
        inside = 0
        for _, distances in squared_distances(self.fake.array, self.real.array):
            within = distances <= radii
            inside += int(within.sum())
            covered |= within.any(axis=0)
        density = inside / (self.k * self.fake.count)
        return {"density": float(density), "coverage": float(covered.mean())}
