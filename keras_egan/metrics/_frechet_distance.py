"""The Fréchet distance of two sets of features (FID, with Inception's), overall or per class."""

import math
import warnings

import numpy as np

from keras_egan.datasets.loaders import check_labels
from keras_egan.metrics._generative_metric import ReferenceMetric
from keras_egan.metrics.streams import Moments, Stream


class FrechetDistance(ReferenceMetric):
    """The squared Fréchet distance of the Gaussians that fit real and generated features.

    d^2 = |m - m'|^2 + tr(C + C' - 2 (C C')^(1/2)), with means m and unbiased covariances C. It is
    at least 0, and 0 for equal moments. Estimates are too large, the less so the more samples
    there are: compare only estimates from equally many samples. For any number of samples, the
    metric needs memory for three float64 matrices of shape `(features, features)`.

    Args:
        extractor: as in `GenerativeMetric`; `metrics.inception_v3()` for colour images.
        name: the metric's name.

    Source: Heusel et al., GANs trained by a two time-scale update rule,
    https://arxiv.org/abs/1706.08500.

    Example:

    ```python
    distance = FrechetDistance(extractor=classifier_features)
    distance.update_real(test_images)  # or once per batch
    distance.update_state(gan.sample(10_000, seed=0))
    distance.result()  # a float
    ```
    """

    statistics = Moments

    def result(self) -> float:
        """Return the distance, a float.

        Raises:
            ValueError: if there are fewer than 2 real or 2 generated samples.
        """
        self._require_both(2)
        return _distance(self.real, self.fake)


class _ByClass(Stream):
    """The moments of each class of a stream."""

    def __init__(self):
        super().__init__()
        self.classes = {}

    def add(self, features, labels=None):
        labels = check_labels(labels, len(features))
        super().add(features[labels != -1])  # -1 is an image without a label
        for label in {*labels.tolist()} - {-1}:
            self.classes.setdefault(label, Moments()).add(features[labels == label])


class ClassFrechetDistance(ReferenceMetric):
    """The Fréchet distance within each class: the mean over classes, and the worst class.

    It detects good samples of the wrong class, and a class whose samples are all alike.
    `FrechetDistance` misses both if the overall mixture is right. Compare only figures from equally
    many samples per class. Classes with fewer than 2 real or 2 generated samples are left out, and
    one warning names them. Real samples without a label, -1, are ignored.

    Args:
        extractor: as in `GenerativeMetric`, to features instead of probabilities.
        name: the metric's name.

    Source: Miyato and Koyama, cGANs with projection discriminator,
    https://arxiv.org/abs/1802.05637: the intra FID.

    Example:

    ```python
    distance = ClassFrechetDistance(extractor=classifier_features)
    distance.update_real(test_images, test_labels)
    labels = np.repeat(np.arange(10), 1000)
    distance.update_state(gan.sample(10_000, seed=0, labels=labels), labels)
    distance.result()  # {"class_frechet_distance": 21.5, "worst_class_frechet_distance": 40.3}
    ```
    """

    labeled = True
    statistics = _ByClass
    _left_out: tuple[int, ...] = ()

    @property
    def distances(self) -> dict[int, float]:
        """The distance within each class of the real samples, by its label.

        NaN for a class with fewer than 2 real or 2 generated samples.

        Raises:
            ValueError: if there are fewer than 2 real or 2 generated samples in all.
        """
        self._require_both(2)
        pairs = {k: (v, self.fake.classes.get(k)) for k, v in sorted(self.real.classes.items())}
        short = tuple(k for k, pair in pairs.items() if any(not m or m.count < 2 for m in pair))
        if short and short != self._left_out:
            warnings.warn(
                f"{self.name} leaves out the classes {', '.join(map(str, short))}, which have "
                "fewer than 2 real or 2 generated samples. Add samples of these classes.",
                stacklevel=2,
            )
        self._left_out = short
        return {k: math.nan if k in short else _distance(*pair) for k, pair in pairs.items()}

    def result(self) -> dict[str, float]:
        """Return the mean of the distances as `name`, and the worst one as `worst_name`.

        Both are NaN if no class has a distance.

        Raises:
            ValueError: as `distances`.
        """
        known = [found for found in self.distances.values() if not math.isnan(found)]
        known = known or [math.nan]
        return {self.name: float(np.mean(known)), f"worst_{self.name}": max(known)}


def _distance(real: Moments, fake: Moments) -> float:
    covariance = fake.covariance
    root = real.derive(_root)
    # C C' has the eigenvalues of the symmetric A^T C' A, where C = A A^T: all are real, and below 0
    # only by rounding. And tr(C) = tr(A A^T).
    eigenvalues = np.linalg.eigvalsh(root.T @ covariance @ root)
    overlap = np.sqrt(eigenvalues.clip(min=0.0)).sum()
    variances = np.square(root).sum() + np.trace(covariance)
    shift = np.square(real.mean - fake.mean).sum()
    return max(float(shift + variances - 2.0 * overlap), 0.0)


def _root(moments):
    """Return A with A A^T = C."""
    values, vectors = np.linalg.eigh(moments.covariance)
    return vectors * np.sqrt(values.clip(min=0.0))
