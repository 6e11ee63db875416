"""The Fréchet distance of two sets of features (FID, with Inception's), in all or by class."""

import math
import warnings

import numpy as np

from keras_egan.datasets.loaders import check_labels
from keras_egan.metrics._generative_metric import ReferenceMetric
from keras_egan.metrics.streams import Moments, Stream


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

    def result(self) -> float:
        """Returns the distance, a float.

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
    """The mean over all classes of the Fréchet distance within each, and that of the worst class.

    It tells good samples of the wrong class, and a class whose samples are all alike, which
    `FrechetDistance` misses if the mixture of all is right. Compare figures of equally many
    samples per class only. Classes with fewer than 2 real or 2 generated samples are left out, and
    one warning names them. Real samples without a label, -1, are ignored.

    Args:
        extractor: as in `GenerativeMetric`, to features rather than to probabilities.
        name: the metric's name.

    Source: Miyato and Koyama, cGANs with projection discriminator,
    https://arxiv.org/abs/1802.05637: its intra FID.

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
                "fewer than 2 real or 2 generated samples. Give more samples of them.",
                stacklevel=2,
            )
        self._left_out = short
        return {k: math.nan if k in short else _distance(*pair) for k, pair in pairs.items()}

    def result(self) -> dict[str, float]:
        """Returns the mean and the worst of the distances, by `name` and `worst_` before it.

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
