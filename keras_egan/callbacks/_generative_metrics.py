"""Metrics of the generator's samples while it learns, in `fit`'s logs."""

import math
import warnings
from collections.abc import Sequence
from typing import Any

import keras

from keras_egan import checks
from keras_egan.backend import processes
from keras_egan.datasets.loaders import batches_of
from keras_egan.metrics import GenerativeMetric, ReferenceMetric

__all__ = ["GenerativeMetrics"]


class GenerativeMetrics(keras.callbacks.Callback):
    """Measures samples against a reference after epochs, and puts the figures into the logs.

    It measures after the first epoch of a training, so that every epoch has the figures, and after
    each epoch whose number is divisible by `every`; epochs in between repeat the last figures.
    A repeated figure is no improvement, so `ModelCheckpoint` saves measured epochs only. Place
    this callback before those that monitor its figures, and give them a `mode`. `EarlyStopping`
    and `ReduceLROnPlateau` count all epochs: give them a `patience` of several times `every`.
    A training that `Backup` resumes goes on with the figures that it had.

    The latents are the same each time, so that a figure changes with the weights only, and
    `gan.sample(samples, seed=seed)` are the samples that it was computed from. Metrics that are
    `labelled` need a GAN with `num_classes`, and labels in the reference. A metric that cannot be
    computed after an epoch, because samples are NaN or of too few classes, is NaN in the logs; a
    warning says why, the first time, and training goes on. All samples are in memory at once.
    Metrics of the same extractor share its features. Neither the model's weights nor its seeds are
    touched. Where several processes train together, the first measures, and all have its figures.

    Args:
        reference: real images: an array or anything finite that `fit` takes, in batches. It is
            gone through once, when the first training begins; `(images, labels)` for metrics that
            are `labelled`. None where the metrics need no real
            images, or have them already.
        metrics: a list of metrics, such as `[metrics.FrechetDistance(extractor)]`. A metric's
            figure has its name as the key; those of a metric with several figures have the keys
            that its `result` documents.
        every: how many epochs there are from one measurement to the next.
        samples: how many samples are drawn. Most figures depend on it.
        batch_size: how many images go through an extractor at once.
        seed: an integer, from 0 up, that fixes the latents.

    Raises:
        ValueError: if a number is not whole or is too small, or an item of `metrics` is none; when
            training begins, if a metric is without real images; after an epoch, if two figures
            have the same key.

    Example:

    ```python
    distance = metrics.FrechetDistance(extractor=classifier_features)
    gan.fit(
        images,
        epochs=20,
        callbacks=[
            callbacks.GenerativeMetrics(test_images, [distance], every=2, samples=5000),
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
        every: int = 1,
        samples: int = 1000,
        batch_size: int = 64,
        seed: int = 0,
    ):
        super().__init__()
        checks.whole_number(1, every=every, samples=samples, batch_size=batch_size)
        checks.whole_number(0, seed=seed)
        self.metrics = list(metrics)
        for metric in self.metrics:
            if not isinstance(metric, GenerativeMetric):
                raise ValueError(
                    "`metrics` must be a list of `keras_egan.metrics.GenerativeMetric`s, such as "
                    f"`FrechetDistance`; got {metric!r}."
                )
        self.every = int(every)
        self.samples = int(samples)
        self.batch_size = int(batch_size)
        self.seed = int(seed)
        self.reference = reference
        self._measured = False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._figures: dict[str, float] | None = None
        self._keys: dict[str, list[str]] = {}  # of each metric's figures
        self._warned: set[str] = set()
        processes.first(self._measure_reference)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self._figures is None or (epoch + 1) % self.every == 0:
            self._figures = processes.first(self._measure)
        if clash := self._figures.keys() & logs.keys():
            raise ValueError(
                f"`metrics` report {', '.join(sorted(clash))}, which is in the logs already. Give "
                "the metric another `name`."
            )
        # Keras passes this dict on to the callbacks after this one, and to the history.
        logs.update(self._figures)

    def get_state(self) -> dict[str, Any]:
        """Returns the last figures."""
        return {"figures": self._figures}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes what `get_state` returned."""
        self._figures = state["figures"]

    def _measure_reference(self):
        named = [metric.name for metric in self.metrics if metric.labelled]
        if named and not self.model.labels:
            raise ValueError(
                f"{named[0]} is of samples and the classes that were asked for; this GAN has none. "
                "Make it with `num_classes=`, or leave the metric out."
            )
        relative = [metric for metric in self.metrics if isinstance(metric, ReferenceMetric)]
        if self.reference is not None and not self._measured:
            for metric in relative:
                metric.reset_real()
            labelled = any(metric.labelled for metric in relative)
            shape = getattr(self.model, "image_shape", None)  # other models may sample too
            form = shape, self.batch_size, "reference", labelled
            for images, *labels in batches_of(self.reference, *form):
                features: dict[int, Any] = {}
                for metric in relative:
                    extracted = self._extracted(metric, images, features)
                    metric.accumulate_real(extracted, *(labels if metric.labelled else ()))
            self._measured = True  # the metrics have it from now on
        for metric in relative:
            if not metric.real.count:
                raise ValueError(
                    f"{metric.name} needs real images, but `reference` is None or empty. Pass real "
                    "images as `reference`."
                )

    def _measure(self):
        samples = self.model.sample(self.samples, seed=self.seed, batch_size=self.batch_size)
        labels = getattr(self.model, "labels", None)
        labels = labels and labels.drawn(self.samples, None, self.seed)  # those of the samples
        features: dict[int, Any] = {}
        figures: dict[str, float] = {}
        for metric in self.metrics:
            result = self._result(metric, samples, labels, features)
            if clash := figures.keys() & result.keys():
                raise ValueError(
                    f"Two of `metrics` report {', '.join(sorted(clash))}. Keep one of them."
                )
            figures |= result
        return figures

    def _result(self, metric, samples, labels, features):
        """Returns a metric's figures by their names, NaN where it cannot be computed."""
        metric.reset_state()
        try:
            extracted = self._extracted(metric, samples, features)
            metric.accumulate(extracted, *([labels] if metric.labelled else ()))
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
        """Returns the features of images, which metrics of one extractor share."""
        if metric.extractor is None:  # each has features of its own, and there is nothing to save
            return metric.extract(images, self.batch_size)
        extractor = id(metric.extractor)
        if extractor not in features:
            features[extractor] = metric.extract(images, self.batch_size)
        return features[extractor]
