"""Whether samples are of the classes that were asked for, as a classifier says."""

from typing import Any

import keras
import numpy as np

from keras_egan.datasets.loaders import check_labels
from keras_egan.metrics._generative_metric import GenerativeMetric


class ClassAccuracy(GenerativeMetric):
    """How often a classifier finds the class that a conditional GAN was asked for.

    Args:
        extractor: as in `GenerativeMetric`, to probabilities or logits, one a class.
        name: the metric's name.

    Source: our own, as GAN-test in Shmelkov et al., How good is my GAN?,
    https://arxiv.org/abs/1807.09499.

    Example:

    ```python
    accuracy = ClassAccuracy(extractor=classifier)
    accuracy.update_state(gan.sample(1000, labels=7), np.full(1000, 7))
    accuracy.result()  # a float, from 0 to 1
    ```
    """

    labelled = True

    def __init__(self, extractor: keras.Model | None = None, name: str = "class_accuracy"):
        super().__init__(extractor, name)
        self.reset_state()

    def accumulate(self, features: np.ndarray, labels: Any = None) -> None:
        labels = check_labels(labels, len(features), range(features.shape[1]))
        self._right += int((features.argmax(axis=1) == labels).sum())
        self._count += len(features)

    def reset_state(self) -> None:
        self._right, self._count = 0, 0

    def result(self) -> float:
        """Returns the share of the samples that are of their class, a float from 0 to 1.

        Raises:
            ValueError: if there are no samples.
        """
        self._require(self._count, 1)
        return self._right / self._count
