"""Coverage of the components of a Gaussian mixture, and the quality of samples."""

from typing import Any

import keras
import numpy as np

from keras_egan import checks
from keras_egan.metrics._generative_metric import GenerativeMetric
from keras_egan.metrics.streams import row_blocks


class MixtureCoverage(GenerativeMetric):
    """The number of captured modes of a Gaussian mixture, and the share of high-quality samples.

    A sample is of high quality if it lies within 3 standard deviations of the nearest mode's
    centre; it then captures this mode. In two dimensions the mixture itself has a share of
    1 - exp(-4.5) = 0.9889: a larger share means that the variance is too small. The protocol uses
    2,500 samples.

    Args:
        centers: the modes' centres, an array of shape `(modes, dimensions)`.
        stddev: the standard deviation of each mode in each dimension, a positive number.
        extractor: as in `GenerativeMetric`; usually None, because the samples are points.
        name: the metric's name.

    Raises:
        ValueError: if an argument is out of its range.

    Source: Lin et al., PacGAN, https://arxiv.org/abs/1712.04086, the protocol of the experiments
    on 2D-ring and 2D-grid.

    Example:

    ```python
    coverage = MixtureCoverage(*keras_egan.datasets.ring())
    coverage.update_state(gan.sample(2500, seed=0))
    coverage.result()  # {"modes": 8, "high_quality": 0.95}
    ```
    """

    def __init__(
        self,
        centers: Any,
        stddev: float,
        extractor: keras.Model | None = None,
        name: str = "mixture_coverage",
    ):
        self.centers = np.asarray(centers, "float64")
        if self.centers.ndim != 2 or not self.centers.size:
            raise ValueError(
                f"`centers` must have shape (modes, dimensions); got {self.centers.shape}."
            )
        checks.above_zero(stddev=stddev)
        self.stddev = stddev
        super().__init__(extractor, name)
        self._shape = self.centers.shape[1:]

    def accumulate(self, features: np.ndarray) -> None:
        modes = len(self.centers)
        for block in row_blocks(len(features), self.centers.size):
            differences = features[block, None] - self.centers
            distances = np.square(differences).sum(axis=-1)
            near = distances.min(axis=1) < (3.0 * self.stddev) ** 2
            self._counts += np.bincount(distances.argmin(axis=1)[near], minlength=modes)
        self._samples += len(features)

    def reset_state(self) -> None:
        self._samples = 0
        self._counts = np.zeros(len(self.centers), int)

    def result(self) -> dict[str, float]:
        """Return `modes`, the number of captured modes, and `high_quality`, a share in [0, 1].

        Raises:
            ValueError: if there are no samples.
        """
        self._require(self._samples, 1)
        return {
            "modes": int(np.count_nonzero(self._counts)),
            "high_quality": float(self._counts.sum() / self._samples),
        }
