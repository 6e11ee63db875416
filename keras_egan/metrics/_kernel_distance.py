"""The kernel distance of two sets of features (KID, with Inception's)."""

import keras
import numpy as np

from keras_egan import checks
from keras_egan.metrics._generative_metric import ReferenceMetric
from keras_egan.metrics.streams import Features, row_blocks


class KernelDistance(ReferenceMetric):
    """The squared maximum mean discrepancy under the kernel (x.y / d + 1)^3, unbiased.

    Its expectation does not depend on the number of samples, and is 0 for equal distributions, so
    estimates may be below 0. Real and generated samples are each shuffled with a fixed seed and cut
    into disjoint subsets. The spread over subsets gives the standard error. The metric keeps the
    features of all samples.

    Args:
        extractor: as in `GenerativeMetric`, to d features; `metrics.inception_v3()` for colour
            images.
        subsets: number of subsets, 2 or more.
        seed: an integer, 0 or more, that fixes the subsets.
        name: the metric's name.

    Raises:
        ValueError: if `subsets` is not a whole number from 2 up, or `seed` not one from 0 up.

    Source: Bińkowski et al., Demystifying MMD GANs, https://arxiv.org/abs/1801.01401. The paper and
    torch-fidelity draw new subsets each time: the expectation is the same, the spread differs.

    Example:

    ```python
    distance = KernelDistance(extractor=classifier_features)
    distance.update_real(test_images)
    distance.update_state(gan.sample(10_000, seed=0))
    distance.result()  # {"kernel_distance": ..., "kernel_distance_error": ...}
    ```
    """

    statistics = Features

    def __init__(
        self,
        extractor: keras.Model | None = None,
        subsets: int = 10,
        seed: int = 0,
        name: str = "kernel_distance",
    ):
        super().__init__(extractor, name)
        checks.whole_number(2, subsets=subsets)
        checks.whole_number(0, seed=seed)
        self.subsets = subsets
        self.seed = seed

    def result(self) -> dict[str, float]:
        """Return a dict: the mean over the subsets as `name`, its standard error as `name_error`.

        Raises:
            ValueError: if there are fewer than 2 real or 2 generated samples per subset.
        """
        self._require_both(2 * self.subsets)
        reals = self.real.derive(lambda stream: self._cut(stream, self.seed))
        fakes = self.fake.derive(lambda stream: self._cut(stream, self.seed + 1))
        estimates = []
        for (real, real_mean), (fake, fake_mean) in zip(reals, fakes, strict=True):
            between = _kernel_sum(_rows(self.real, real), _rows(self.fake, fake))
            estimates.append(real_mean + fake_mean - 2.0 * between / (len(real) * len(fake)))
        error = np.std(estimates, ddof=1) / np.sqrt(self.subsets)
        return {self.name: float(np.mean(estimates)), f"{self.name}_error": float(error)}

    def _cut(self, stream, seed):
        """Return each subset's indices, and the mean of its kernel off the diagonal."""
        order = np.random.default_rng(seed).permutation(stream.count)
        return [
            (subset, _mean_within(_rows(stream, subset)))
            for subset in np.array_split(order, self.subsets)
        ]


def _rows(stream, indices):
    return stream.array[indices].astype("float64")


def _mean_within(x):
    diagonal = _cubed(np.square(x).sum(axis=1) / x.shape[1] + 1.0).sum()
    return (_kernel_sum(x, x) - diagonal) / (len(x) * (len(x) - 1))


def _kernel_sum(x, y):
    blocks = row_blocks(len(x), len(y))
    return sum(_cubed(x[block] @ y.T / x.shape[1] + 1.0).sum() for block in blocks)


def _cubed(values):
    return values * values * values
