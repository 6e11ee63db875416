"""The Fréchet distance of two sets of features (FID, with Inception's)."""

import keras
import numpy as np

from keras_egan.metrics._generative_metric import ReferenceMetric
from keras_egan.metrics.streams import Moments

__all__ = ["FrechetDistance", "distance"]


class FrechetDistance(ReferenceMetric):
    """The squared Fréchet distance of the Gaussians that fit real and generated features.

    d^2 = |m - m'|^2 + tr(C + C' - 2 (C C')^(1/2)), with means m and unbiased covariances C; at
    least 0, and 0 for equal moments. Estimates are too large by an amount that shrinks with the
    number of samples: compare those of equally many only. Needs memory for three float64 matrices
    of shape `(features, features)`, for any number of samples.

    Args:
        extractor: as in `GenerativeMetric`; `metrics.inception_v3()` for colour images.
        name: the metric's name.

    Source: Heusel et al., GANs trained by a two time-scale update rule,
    https://arxiv.org/abs/1706.08500.

    Example:

    ```python
    distance = FrechetDistance(extractor=classifier_features)
    distance.update_real(test_images)  # again with more, where they come in batches
    distance.update_state(gan.sample(10_000, seed=0))
    distance.result()  # a float
    ```
    """

    statistics = Moments

    def __init__(self, extractor: keras.Model | None = None, name: str = "frechet_distance"):
        super().__init__(extractor, name)

    def result(self) -> float:
        """Returns the distance, a float.

        Raises:
            ValueError: if there are fewer than 2 real or 2 generated samples.
        """
        self._require_both(2)
        return distance(self.real, self.fake)


def distance(real: Moments, fake: Moments) -> float:
    """Returns the squared Fréchet distance of two Gaussians, of 2 samples or more each."""
    covariance = fake.covariance
    root = real.derive(_root)
    # C C' has the eigenvalues of the symmetric A^T C' A, where C = A A^T: all real, none below 0
    # except by rounding. And tr(C) = tr(A A^T).
    eigenvalues = np.linalg.eigvalsh(root.T @ covariance @ root)
    overlap = np.sqrt(eigenvalues.clip(min=0.0)).sum()
    variances = np.square(root).sum() + np.trace(covariance)
    shift = np.square(real.mean - fake.mean).sum()
    return max(float(shift + variances - 2.0 * overlap), 0.0)


def _root(moments):
    """Returns A with A A^T = C."""
    values, vectors = np.linalg.eigh(moments.covariance)
    return vectors * np.sqrt(values.clip(min=0.0))
