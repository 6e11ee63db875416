"""Coverage of classes, and accuracy of requested classes, as a classifier sees them."""

from typing import Any

import numpy as np

from keras_egan.datasets.loaders import check_labels
from keras_egan.metrics._generative_metric import GenerativeMetric


class ClassAccuracy(GenerativeMetric):
    """The accuracy of a classifier on samples of a conditional GAN, given the requested classes.

    Args:
        extractor: as in `GenerativeMetric`, to probabilities or logits, one per class.
        name: the metric's name.

    Source: our own, like GAN-test in Shmelkov et al., How good is my GAN?,
    https://arxiv.org/abs/1807.09499.

    Example:

    ```python
    accuracy = ClassAccuracy(extractor=classifier)
    accuracy.update_state(gan.sample(1000, labels=7), np.full(1000, 7))
    accuracy.result()  # a float, from 0 to 1
    ```
    """

    labeled = True

    def accumulate(self, features: np.ndarray, labels: Any = None) -> None:
        labels = check_labels(labels, len(features), range(features.shape[1]))
        self._right += int((features.argmax(axis=1) == labels).sum())
        self._count += len(features)

    def reset_state(self) -> None:
        self._right, self._count = 0, 0

    def result(self) -> float:
        """Return the share of samples in their requested class, a float from 0 to 1.

        Raises:
            ValueError: if there are no samples.
        """
        self._require(self._count, 1)
        return self._right / self._count


class ModeCoverage(GenerativeMetric):
    """The number of a classifier's classes that samples cover, and how evenly.

    A sample belongs to the class with the largest probability; one sample covers a class.

    Args:
        extractor: as in `GenerativeMetric`, to probabilities or logits, one per class. Stacked
            MNIST needs a model that returns the outer product of the three channels' probabilities.
        name: the metric's name.

    Source: Lin et al., PacGAN, https://arxiv.org/abs/1712.04086: the modes and the KL of the
    stacked MNIST experiment.

    Example:

    ```python
    coverage = ModeCoverage(extractor=classifier)
    coverage.update_state(gan.sample(10_000, seed=0))
    coverage.result()  # {"modes": 10, "mode_kl": 0.02, "min_share": 0.07, "max_share": 0.13}
    coverage.shares  # array of shape (10,)
    ```
    """

    _counts: np.ndarray

    def accumulate(self, features: np.ndarray) -> None:
        """Add generated samples' probabilities of two or more classes."""
        classes = features.shape[1]
        if classes < 2:
            raise ValueError(
                f"ModeCoverage needs two or more classes, one per column; got {classes}. Give the "
                "classifier one output per class."
            )
        self._counts = self._counts + np.bincount(features.argmax(axis=1), minlength=classes)

    def reset_state(self) -> None:
        self._counts = np.zeros((), int)

    @property
    def shares(self) -> np.ndarray:
        """The share of each class among the samples, an array of shape `(classes,)`."""
        self._require(self._counts.sum(), 1)
        return self._counts / self._counts.sum()

    def result(self) -> dict[str, float]:
        """Return a dict of four numbers.

        `modes` is the number of covered classes. `mode_kl` is the divergence KL(shares || uniform)
        in nats, from 0 to log(classes). `min_share` and `max_share` are the smallest and the
        largest class share.

        Raises:
            ValueError: if there are no samples.
        """
        shares = self.shares
        covered = shares[shares > 0.0]
        return {
            "modes": len(covered),
            "mode_kl": float((covered * np.log(covered * len(shares))).sum()),
            "min_share": float(shares.min()),
            "max_share": float(shares.max()),
        }
