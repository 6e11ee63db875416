"""Improved precision and recall: are samples like the data, and is all the data covered?"""

import keras
import numpy as np

from keras_egan import checks
from keras_egan.metrics._generative_metric import ReferenceMetric
from keras_egan.metrics.streams import Features, squared_distances, squared_radii


class PrecisionRecall(ReferenceMetric):
    """Precision and recall of generated samples, from balls around real and generated samples.

    The ball around a sample reaches to its k-th nearest neighbour, among real samples for a real
    one, among generated samples for a generated one. Precision is the share of generated samples
    inside a real sample's ball. Recall is the share of real samples inside a generated sample's
    ball. Both depend on the number of samples: use as many real as generated ones. The metric keeps
    the features of all samples.

    Args:
        extractor: as in `GenerativeMetric`.
        k: the rank of the neighbour that a ball reaches to; the sample itself does not count.
        name: the metric's name.

    Raises:
        ValueError: if `k` is below 1.

    Source: Kynkäänniemi et al., Improved precision and recall metric for assessing generative
    models, https://arxiv.org/abs/1904.06991.

    Example:

    ```python
    metric = PrecisionRecall(extractor=classifier_features)
    metric.update_real(test_images)
    metric.update_state(gan.sample(10_000, seed=0))
    metric.result()  # {"precision": ..., "recall": ...}
    ```
    """

    statistics = Features

    def __init__(
        self, extractor: keras.Model | None = None, k: int = 3, name: str = "precision_recall"
    ):
        super().__init__(extractor, name)
        checks.whole_number(1, k=k)
        self.k = k

    def result(self) -> dict[str, float]:
        """Return a dict of two floats in [0, 1], `precision` and `recall`.

        Raises:
            ValueError: if there are `k` or fewer real or generated samples.
        """
        self._require_both(self.k + 1)
        real_radii = self.real.derive(lambda stream: squared_radii(stream.array, self.k))
        fake_radii = self.fake.derive(lambda stream: squared_radii(stream.array, self.k))
        recalled = np.zeros(self.real.count, bool)
        precise = 0
        for block, distances in squared_distances(self.fake.array, self.real.array):
            precise += (distances <= real_radii).any(axis=1).sum()
            recalled |= (distances <= fake_radii[block, None]).any(axis=0)
        return {"precision": float(precise / self.fake.count), "recall": float(recalled.mean())}
