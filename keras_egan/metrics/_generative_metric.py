"""Base classes of metrics of generated samples, with the extractor and the state."""

import copy
import re
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_egan import backend, checks
from keras_egan.datasets import inputs
from keras_egan.metrics.streams import Stream


class GenerativeMetric(keras.metrics.Metric):
    """A metric of generated samples.

    The state is on the host in NumPy, in float64 if accuracy needs it, because JAX and some devices
    have no float64. So you compute metrics by hand or with `callbacks.EvaluateSamples`, never in a
    compiled training step. The result does not depend on the batches.

    A subclass defines `accumulate(features)`, or `accumulate(features, labels)` if it is `labeled`;
    `reset_state()`, which the constructor calls; and `result()`.

    Args:
        extractor: a Keras model from images to vectors of shape `(batch, features)`, called in
            inference mode; None if the samples are already such vectors.
        name: the metric's name and key in logs; by default from the class, such as `mode_coverage`.

    Example:

    ```python
    class Brightness(GenerativeMetric):
        def accumulate(self, features):
            self.total += features.mean(axis=1).sum(dtype="float64")
            self.count += len(features)

        def reset_state(self):
            self.total, self.count = 0.0, 0

        def result(self):
            return self.total / self.count


    brightness = Brightness(keras.Sequential([keras.layers.Flatten()]))
    ```
    """

    labeled = False
    """Whether samples and features need classes: `update_state(samples, labels)`."""

    def __init__(self, extractor: keras.Model | None = None, name: str | None = None):
        super().__init__(name=name or re.sub(r"\B([A-Z])", r"_\1", type(self).__name__).lower())
        self.extractor = extractor
        self._predict = backend.predictor(extractor) if extractor is not None else None
        self._shape: Any = None  # of one sample's features
        self.reset_state()

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """Copy the state, which Keras would read from a file, but share the extractor."""
        memo[id(self.extractor)] = self.extractor
        memo[id(self)] = new = object.__new__(type(self))
        new.__dict__.update(copy.deepcopy(vars(self), memo))
        return new

    def update_state(self, samples: Any, *labels: Any) -> None:
        """Add generated samples.

        Args:
            samples: images of shape `(batch, ...)`, uint8 or floats in [-1, 1], as from
                `gan.sample`; without an extractor, features of shape `(batch, features)`.
            *labels: for a metric that is `labeled`, the samples' classes, whole numbers of shape
                `(batch,)`.

        Raises:
            ValueError: if there are no samples, they are NaN, infinite or out of range, or their
                features have another shape than earlier ones.
        """
        self.accumulate(self.extract(samples), *labels)

    def accumulate(self, features: np.ndarray) -> None:
        """Add the features of generated samples, from `extract`."""
        raise NotImplementedError

    def reset_state(self) -> None:
        """Forget the generated samples."""

    def extract(self, samples: Any, batch_size: int = 64) -> np.ndarray:
        """Return features for `accumulate`, which metrics of the same extractor can share.

        Args:
            samples: as in `update_state`.
            batch_size: number of images per forward pass of the extractor, 1 or more.

        Returns:
            NumPy array of shape `(batch, features)`, float32 or float64.

        Raises:
            ValueError: as in `update_state`.
        """
        checks.whole_number(1, batch_size=batch_size)
        samples = ops.convert_to_numpy(samples)
        if not len(samples):
            raise ValueError(f"`samples` is empty: its shape is {samples.shape}.")
        inputs.check_values(samples)
        features = self._features(samples, batch_size)
        if not np.isfinite(features).all():
            raise ValueError(
                "The features hold NaN or infinite values: `extractor` overflows, or its weights "
                "are NaN."
            )
        if self._shape not in (None, features.shape[1:]):
            raise ValueError(
                f"The samples have features of shape {features.shape[1:]} each, but {self.name} "
                f"has been given {self._shape}. Use images of one size, and one extractor."
            )
        self._shape = features.shape[1:]
        # Half precision is too coarse for sums. The copy is safe from the caller's later changes.
        return features.astype(np.result_type(features.dtype, np.float32))

    def _features(self, samples, batch_size):
        if self.extractor is None:
            return _vectors(samples, "`samples`", "Pass images only with an `extractor`")
        starts = range(0, len(samples), batch_size)
        return np.concatenate([self._run(samples[i : i + batch_size]) for i in starts])

    def _run(self, images):
        images = inputs.scale(ops.convert_to_tensor(images), images.shape[1:])
        remedy = "End it with a layer such as Flatten or GlobalAveragePooling2D"
        return _vectors(self._predict(images), "`extractor`'s outputs", remedy)

    def _require(self, got, least, kind="generated", method="update_state"):
        if got < least:
            raise ValueError(
                f"{type(self).__name__} needs {least} or more {kind} samples; got {got}. "
                f"Pass them to `{method}`."
            )


class ReferenceMetric(GenerativeMetric):
    """A metric of generated samples compared with real ones.

    Real samples go to `update_real`, generated ones to `update_state`. `reset_state` forgets only
    the generated samples, so that one reference serves many generators; `reset_real` forgets the
    reference.

    A subclass defines `statistics` and `result()`.

    Args:
        extractor: as in `GenerativeMetric`.
        name: as in `GenerativeMetric`.

    Example:

    ```python
    from keras_egan.metrics.streams import Moments


    class MeanDistance(ReferenceMetric):
        statistics = Moments

        def result(self):
            return float(np.linalg.norm(self.real.mean - self.fake.mean))
    ```
    """

    statistics: type[Stream]
    """The statistics of each of the two streams of features: a class of `streams`."""

    real: Any
    fake: Any

    def __init__(self, extractor: keras.Model | None = None, name: str | None = None):
        super().__init__(extractor, name)
        self.reset_real()

    def update_real(self, samples: Any, *labels: Any) -> None:
        """Add real samples to the reference; arguments as in `update_state`."""
        self.accumulate_real(self.extract(samples), *labels)

    def accumulate_real(self, features: np.ndarray, *labels: Any) -> None:
        """Add the features of real samples; arguments as in `accumulate`."""
        self.real.add(features, *labels)

    def accumulate(self, features: np.ndarray, *labels: Any) -> None:
        self.fake.add(features, *labels)

    def reset_real(self) -> None:
        """Forget the reference."""
        self.real = self.statistics()

    def reset_state(self) -> None:
        self.fake = self.statistics()

    def _require_both(self, least):
        self._require(self.real.count, least, "real", "update_real")
        self._require(self.fake.count, least)


def _vectors(values, what, remedy):
    shape = getattr(values, "shape", None)
    if shape is None or len(shape) != 2:
        got = f"shape {shape}" if shape is not None else type(values).__name__
        raise ValueError(f"{what} must have shape (batch, features); got {got}. {remedy}.")
    return values
