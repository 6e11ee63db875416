"""The Inception score: is each image clearly of one class, and are all classes there?"""

import keras
import numpy as np

from keras_egan import checks
from keras_egan.metrics._generative_metric import GenerativeMetric


class InceptionScore(GenerativeMetric):
    """The Inception score, exp E_x KL(p(y|x) || p(y)), of a classifier's probabilities.

    The score is 1 if every image gets the same probabilities. It is at most the number of classes,
    if every image is certainly of one class and all classes are equally frequent. The result is the
    mean over splits, and depends on the samples per split: usual are 10 splits of 5,000. Samples go
    to the splits in turn.

    Args:
        extractor: as in `GenerativeMetric`, to probabilities;
            `metrics.inception_v3(include_top=True)` for colour images.
        splits: number of splits, 1 or more.
        name: the metric's name.

    Source: Salimans et al., Improved techniques for training GANs,
    https://arxiv.org/abs/1606.03498.

    Example:

    ```python
    score = InceptionScore(extractor=classifier)
    score.update_state(gan.sample(50_000, seed=0))
    score.result()  # a float
    ```
    """

    def __init__(
        self, extractor: keras.Model | None = None, splits: int = 10, name: str = "inception_score"
    ):
        checks.whole_number(1, splits=splits)
        self.splits = splits
        super().__init__(extractor, name)

    def accumulate(self, features: np.ndarray) -> None:
        """Add generated samples' probabilities; raise a `ValueError` for other numbers."""
        probabilities = np.asarray(features, "float64")
        totals = probabilities.sum(axis=1)
        if probabilities.min() < 0.0 or np.abs(totals - 1.0).max() > 0.01:
            raise ValueError(
                "InceptionScore needs probabilities, at least 0 and with a sum of 1; got a minimum "
                f"of {probabilities.min():g} and sums from {totals.min():g} to {totals.max():g}. "
                "End the classifier with a softmax."
            )
        for split in range(self.splits):
            dealt = probabilities[(split - self._count) % self.splits :: self.splits]
            self._sizes[split] += len(dealt)
            self._sums[split] += dealt.sum(axis=0)
            self._negentropies[split] += _negentropy(dealt).sum()
        self._count += len(probabilities)

    def reset_state(self) -> None:
        self._count = 0
        self._sizes = np.zeros(self.splits)
        self._negentropies = np.zeros(self.splits)
        self._sums = [0.0] * self.splits

    def result(self) -> float:
        """Return the score, a float.

        Raises:
            ValueError: if there are fewer samples than splits.
        """
        self._require(self._count, self.splits)
        marginals = np.stack(self._sums) / self._sizes[:, None]
        divergences = self._negentropies / self._sizes - _negentropy(marginals)
        return float(np.exp(divergences).mean())


def _negentropy(probabilities):
    """Return sum_y p(y) log p(y), where 0 log 0 is 0."""
    logarithms = np.log(np.where(probabilities > 0.0, probabilities, 1.0))
    return (probabilities * logarithms).sum(axis=-1)
