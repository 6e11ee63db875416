"""Metrics of the generator's samples while it learns, in `fit`'s logs."""

import math
import warnings
from collections.abc import Sequence
from typing import Any

import keras

from keras_egan import checks
from keras_egan.backend import processes
from keras_egan.datasets.examples import batches_of
from keras_egan.metrics import GenerativeMetric, ReferenceMetric


class EvaluateSamples(keras.callbacks.Callback):
    """Compute metrics of samples after epochs, and add them to the logs.

    It measures after the first epoch, so that every epoch has the metrics. Then it measures after
    each epoch whose number is divisible by `every_epochs`. Epochs in between repeat the last
    values; `ModelCheckpoint` counts a repeat as no improvement. Place this callback before those
    that monitor its metrics, and give them a `mode`. `EarlyStopping` and `ReduceLROnPlateau` count
    all epochs: give them a `patience` of several times `every_epochs`.

    The latents are the same each time: the measured samples are `gan.sample(samples, seed=seed)`,
    all in memory at once. Metrics that are `labeled` need a GAN with `num_classes`, and labels in
    the reference. A metric that cannot be computed, because samples are NaN or of too few classes,
    is NaN in the logs; the first time, a warning says why. Metrics with the same extractor share
    its features. If several processes train together, the first measures and all get the values.

    Args:
        reference: real images: an array, or batches in any finite form that `fit` takes. They are
            read once, when the first training begins. `(images, labels)` for metrics that are
            `labeled`; None if the metrics need no real images, or have them already.
        metrics: a list of metrics, such as `[metrics.FrechetDistance(extractor)]`. A metric's key
            in the logs is its `name`; a `result` that is a dict gives its own keys.
        every_epochs: number of epochs between measurements.
        samples: number of samples to draw. Most metrics depend on it.
        batch_size: number of images per forward pass of an extractor.
        seed: an integer, from 0 up, that fixes the latents.

    Raises:
        ValueError: if a number is not whole or is too small, or an item of `metrics` is not a
            metric; when training begins, if a metric lacks real images; after an epoch, if two
            metrics have the same key.

    Example:

    ```python
    distance = metrics.FrechetDistance(extractor=classifier_features)
    gan.fit(
        images,
        epochs=20,
        callbacks=[
            callbacks.EvaluateSamples(test_images, [distance], every_epochs=2, samples=5000),
            keras.callbacks.ModelCheckpoint(
                "best.keras", monitor="frechet_distance", mode="min", save_best_only=True
            ),
        ],
    )
    ```
    """

    def __init__(
        self,
        reference: Any,
        metrics: Sequence[GenerativeMetric],
        every_epochs: int = 1,
        samples: int = 1000,
        batch_size: int = 64,
        seed: int = 0,
    ):
        super().__init__()
        checks.whole_number(1, every_epochs=every_epochs, samples=samples)
        checks.whole_number(1, batch_size=batch_size)
        checks.whole_number(0, seed=seed)
        self.metrics = list(metrics)
        for metric in self.metrics:
            if not isinstance(metric, GenerativeMetric):
                raise ValueError(
                    "`metrics` must be a list of `keras_egan.metrics.GenerativeMetric`s, such as "
                    f"`FrechetDistance`; got {metric!r}."
                )
        self.every_epochs = int(every_epochs)
        self.samples = int(samples)
        self.batch_size = int(batch_size)
        self.seed = int(seed)
        self.reference = reference
        self._measured = False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._results: dict[str, float] | None = None
        self._keys: dict[str, list[str]] = {}  # the keys of each metric's results
        self._warned: set[str] = set()
        processes.first(self._measure_reference)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self._results is None or (epoch + 1) % self.every_epochs == 0:
            self._results = processes.first(self._measure)
        if clash := self._results.keys() & logs.keys():
            raise ValueError(
                f"`metrics` report {', '.join(sorted(clash))}, which is in the logs already. Give "
                "the metric another `name`."
            )
        # Keras passes this dict on to the callbacks after this one, and to the history.
        logs.update(self._results)

    def get_state(self) -> dict[str, Any]:
        """Return the last results."""
        return {"results": self._results}

    def set_state(self, state: dict[str, Any]) -> None:
        self._results = state["results"]

    def _measure_reference(self):
        named = [metric.name for metric in self.metrics if metric.labeled]
        if named and not self.model.labels:
            raise ValueError(
                f"{named[0]} needs samples of requested classes, but this GAN has no classes. "
                "Make it with `num_classes=`, or leave the metric out."
            )
        relative = [metric for metric in self.metrics if isinstance(metric, ReferenceMetric)]
        if self.reference is not None and not self._measured:
            for metric in relative:
                metric.reset_real()
            labeled = any(metric.labeled for metric in relative)
            shape = getattr(self.model, "image_shape", None)  # other models may sample too
            form = shape, self.batch_size, "reference", labeled
            for images, *labels in batches_of(self.reference, *form):
                features: dict[int, Any] = {}
                for metric in relative:
                    extracted = self._extracted(metric, images, features)
                    metric.accumulate_real(extracted, *(labels if metric.labeled else ()))
            self._measured = True  # the metrics keep the reference
        for metric in relative:
            if not metric.real.count:
                raise ValueError(
                    f"{metric.name} needs real images, but `reference` is None or empty. Pass real "
                    "images as `reference`."
                )

    def _measure(self):
        samples = self.model.sample(self.samples, seed=self.seed, batch_size=self.batch_size)
        labels = getattr(self.model, "labels", None)
        labels = labels and labels.drawn(self.samples, None, self.seed)  # the samples' labels
        features: dict[int, Any] = {}
        results: dict[str, float] = {}
        for metric in self.metrics:
            result = self._result(metric, samples, labels, features)
            if clash := results.keys() & result.keys():
                raise ValueError(
                    f"Two of `metrics` report {', '.join(sorted(clash))}. Keep one of them."
                )
            results |= result
        return results

    def _result(self, metric, samples, labels, features):
        """Return a metric's results by their names, NaN if they cannot be computed."""
        metric.reset_state()
        try:
            extracted = self._extracted(metric, samples, features)
            metric.accumulate(extracted, *([labels] if metric.labeled else ()))
            result = metric.result()
        except ValueError as error:
            if metric.name not in self._warned:
                self._warned.add(metric.name)
                warnings.warn(
                    f"{metric.name} is NaN after this epoch, and training goes on: {error}",
                    stacklevel=2,
                )
            return dict.fromkeys(self._keys.get(metric.name, [metric.name]), math.nan)
        result = result if isinstance(result, dict) else {metric.name: result}
        self._keys[metric.name] = [*result]
        return result

    def _extracted(self, metric, images, features):
        """Return the features of images, computed once for all metrics of an extractor."""
        key = id(metric if metric.extractor is None else metric.extractor)
        if key not in features:
            features[key] = metric.extract(images, self.batch_size)
        return features[key]
