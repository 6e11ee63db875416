"""The Fréchet distance within each class."""

from typing import Any

import keras
import numpy as np

from keras_egan.datasets.loaders import check_labels
from keras_egan.metrics._frechet_distance import distance
from keras_egan.metrics._generative_metric import ReferenceMetric
from keras_egan.metrics.streams import Moments, Stream

__all__ = ["ClassFrechetDistance"]


class _ByClass(Stream):
    """The moments of each class of a stream."""

    def __init__(self):
        super().__init__()
        self.classes = {}

    def add(self, features, labels=None):
        labels = check_labels(labels, len(features))
        super().add(features)
        for label in np.unique(labels).tolist():
            self.classes.setdefault(label, Moments()).add(features[labels == label])


class ClassFrechetDistance(ReferenceMetric):
    """The mean over all classes of the Fréchet distance within each, and that of the worst class.

    Samples that are good and of the wrong class are far from the data here, as those of a class
    are that are all alike. `FrechetDistance` sees neither if the mixture of all is right. As
    there, compare figures of equally many samples a class only.

    Args:
        extractor: as in `FrechetDistance`.
        name: the metric's name.

    Source: Miyato and Koyama, cGANs with projection discriminator,
    https://arxiv.org/abs/1802.05637 (its intra FID, as recalled, not checked against the paper).

    Example:

    ```python
    distance = ClassFrechetDistance(extractor=classifier_features)
    distance.update_real(test_images, test_labels)
    labels = np.repeat(np.arange(10), 1000)
    distance.update_state(gan.sample(10_000, seed=0, labels=labels), labels)
    distance.result()  # {"class_frechet_distance": 21.5, "worst_class_frechet_distance": 40.3}
    ```
    """

    labelled = True
    statistics = _ByClass

    def __init__(self, extractor: keras.Model | None = None, name: str = "class_frechet_distance"):
        super().__init__(extractor, name)

    def accumulate(self, features: np.ndarray, labels: Any = None) -> None:
        self.fake.add(features, labels)

    def accumulate_real(self, features: np.ndarray, labels: Any = None) -> None:
        self.real.add(features, labels)

    @property
    def distances(self) -> dict[int, float]:
        """The distance within each class of the real samples, by its label.

        Raises:
            ValueError: if there are fewer than 2 real or 2 generated samples of a class.
        """
        self._require_both(2)
        found = {}
        for label, real in sorted(self.real.classes.items()):
            fake = self.fake.classes.get(label, Moments())
            self._require(real.count, 2, f"real, of class {label},", "update_real")
            self._require(fake.count, 2, f"generated, of class {label},")
            found[label] = distance(real, fake)
        return found

    def result(self) -> dict[str, float]:
        """Returns the mean and the worst of the distances, by `name` and `worst_` before it.

        Raises:
            ValueError: as `distances`.
        """
        found = [*self.distances.values()]
        return {self.name: float(np.mean(found)), f"worst_{self.name}": max(found)}
