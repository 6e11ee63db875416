"""Warnings of collapse and other faults while a GAN trains."""

import warnings
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_egan import backend, checks, energies
from keras_egan.callbacks._fit_state import StepLogs
from keras_egan.callbacks._symptoms import Evidence, Look, symptoms
from keras_egan.callbacks._terminate_on_nan import not_finite
from keras_egan.datasets.examples import first_images
from keras_egan.datasets.inputs import scaled
from keras_egan.saving.hyperparameter import hyperparameters

IMAGES = 64  # real images per check, and as many samples and held-out images
STEPS_HELD = 10_000

_NOT_FINITE = (
    "{}: the weights are damaged, for example by a learning rate that is too high or by data that "
    "are not finite; start again with lower rates, or with clipnorm=1.0 in both optimizers."
)


class Diagnosis(keras.callbacks.Callback):
    """Warn once of each fault of a GAN's training, with its start, its cause and a remedy.

    It checks the metrics of all steps since the last check, and compares samples with images of the
    data:

    - any GAN: metrics that are NaN or infinite, at once; samples that are all alike (by variance,
      distance to the nearest other, pulling-away term of the embeddings) or at the ends of their
      range; a network that no longer changes; a discriminator with the same energy for every image;
      with a `classifier`, more than nine of ten samples in one class;
    - BEGAN: k_t that stays at 0 or 1, swings between the two, or is still rising;
    - EBGAN: a margin below the energies of all fakes, or above all; MAGAN: a margin below all;
    - LS-GAN: a critic that is 0 everywhere;
    - with `held_out`, or with `augment="auto"`: a discriminator that has memorised its training
      images, which means an overfitting of more than 0.6.

    A symptom seen in `patience` consecutive checks is a finding: it gives a warning and an item of
    `findings`. The epoch's metric `diagnosis` is the number of findings. Callbacks placed after
    this one, such as `CSVLogger`, get it.

    Args:
        reference: images of the data, in any form that `fit` takes; `(images, labels)` for a GAN
            with `num_classes`. The first 64 are used.
        every: also check every so many training steps; by default, after each epoch alone.
        patience: number of consecutive checks that must see a symptom.
        stop: whether a finding ends the training.
        classifier: a Keras model from images to probabilities or logits of classes.
        held_out: images like the reference, in any form that `fit` takes, on which the GAN is not
            trained; the first 64 are used. The reference must then be images of its training.

    Attributes:
        findings: dicts with the keys `name`, `since` (the step of the first check that saw it),
            `step` (the step of the warning) and `sentence`.

    Raises:
        ValueError: if a number is not whole or is too small; when training begins, if `reference`
            or `held_out` has fewer than 2 images, or images that are not like the GAN's.

    Example:

    ```python
    gan.fit(images, epochs=20, callbacks=[callbacks.Diagnosis(images, stop=True)])
    ```
    """

    def __init__(
        self,
        reference: Any,
        every: int | None = None,
        patience: int = 3,
        stop: bool = False,
        classifier: keras.Model | None = None,
        held_out: Any = None,
    ):
        super().__init__()
        checks.whole_number(1, patience=patience)
        self.every = checks.optional_whole(1, every=every)
        self.patience = int(patience)
        self.stop = stop
        self._classify = backend.predictor(classifier) if classifier is not None else None
        self.findings: list[dict[str, Any]] = []
        self.reference = reference
        self.held_out = held_out
        self._held = StepLogs(STEPS_HELD)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.findings = []
        self._seen: dict[str, list[int]] = {}  # a symptom's first step, and how many checks saw it
        self._before: dict[str, np.ndarray] = {}  # the weights at the last check
        self._held.clear()
        self._images, self._labels = self._first(self.reference, "reference")
        self._unseen = None
        if self.held_out is not None:
            self._unseen = self._first(self.held_out, "held_out")

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._fit = self.model.fit_state
        self._taken = self._fit.step
        self._last = self._fit.epoch_start

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self._take()
        if self.every and self._taken // self.every > self._last // self.every:
            self._check(self._taken)
            self._last = self._taken

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._take()
        self._check(self._taken)
        # Keras passes this dict on to the callbacks after this one, and to the history.
        logs["diagnosis"] = float(len(self.findings))

    def get_state(self) -> dict[str, Any]:
        """Return the findings, the present symptoms, and the basis of the next check."""
        self._take()
        rows = self._held.fetch()
        names = rows[0][1] if rows else ()
        return {
            "findings": self.findings,
            "seen": self._seen,
            "last": self._last,
            "steps": np.array([step for step, _ in rows]),
            "logs": {name: np.array([logs[name] for _, logs in rows]) for name in names},
            "weights": self._before,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        self.findings, self._seen = state["findings"], state["seen"]
        self._last, self._before = state["last"], state["weights"]
        self._held.clear()
        for index, step in enumerate(state["steps"]):
            logs = {name: values[index] for name, values in state["logs"].items()}
            self._held.add(int(step), logs)

    def _take(self):
        if self._fit.step > self._taken:
            self._taken = self._fit.step
            self._held.add(self._taken, self._fit.logs)

    def _check(self, step):
        rows = list(self._held.fetch())
        self._held.clear()
        if not rows:
            return
        for at, metrics in rows:
            if bad := not_finite(metrics):
                self._find("not finite", at, step, _NOT_FINITE.format(", ".join(bad)))
                return
        n, labels = len(self._images), self._labels
        samples = self.model.sample(n, seed=0, average=False, labels=labels)
        if not np.isfinite(samples).all():
            self._find("not finite", step, step, _NOT_FINITE.format("samples are not finite"))
            return
        steps = {name: np.array([row[name] for _, row in rows]) for name in rows[0][1]}
        found = dict(symptoms(self._evidence(steps, samples)))
        self._seen = {name: self._seen.get(name, [step, 0]) for name in found}
        for name, sentence in found.items():
            self._seen[name][1] += 1
            if self._seen[name][1] >= self.patience:
                self._find(name, self._seen[name][0], step, sentence)

    def _evidence(self, steps, samples):
        gan = self.model

        def look(images):
            embedding = gan.encode(images) if checks.has_encoder(gan.discriminator) else None
            return Look.at(images, gan.energy(images, labels=self._labels), embedding)

        learning = gan.phases[self._fit.phase]
        weights = {name: _flat(getattr(gan, name)) for name in learning}
        moved = {
            name: float(np.linalg.norm(now - before) / max(np.linalg.norm(now), 1e-12))
            for name, now in weights.items()
            if (before := self._before.get(name)) is not None
        }
        self._before = weights
        classes = None
        if self._classify is not None:
            kinds = self._classify(samples).argmax(axis=1)
            counts = np.bincount(kinds)
            classes = float(counts.max() / len(samples)), int(counts.argmax())
        means = {name: float(values.mean()) for name, values in steps.items()}
        data, fakes = look(self._images), look(samples)
        overfitting = means.get("overfitting", 0.0)
        if self._unseen:
            seen, fake = (self._images, self._labels), (samples, self._labels)
            overfitting = self._overfitting(seen, self._unseen, fake)
        return Evidence(
            steps,
            {k: float(ops.convert_to_numpy(v)) for k, v in hyperparameters(gan).items()},
            data,
            fakes,
            learning,
            moved,
            gan.findings(means),
            classes,
            overfitting,
        )

    def _overfitting(self, *batches):
        """Return the overfitting, from the images and labels of data, unseen data and fakes."""
        gan = self.model
        # In training mode, in which a batch normalisation treats each batch as it does in a step.
        with backend.inference(gan):
            found = [gan.score(x, training=True, labels=_tensor(y)).energy for x, y in batches]
            r = energies.overfitting(gan.energy_name, *map(ops.mean, found))
            return float(ops.convert_to_numpy(r))

    def _first(self, data, argument):
        """Return the first images, scaled, and their labels; unknown ones are each in turn."""
        gan, counts = self.model, range(2, IMAGES + 1)
        images, labels = first_images(data, gan.image_shape, counts, argument, bool(gan.labels))
        images = ops.convert_to_numpy(scaled(images, gan.image_shape, argument))
        if labels is not None:
            turns = np.arange(len(labels)) % gan.num_classes
            labels = np.where(labels < 0, turns, labels)
        return images, labels

    def _find(self, name, since, step, sentence):
        if any(finding["name"] == name for finding in self.findings):
            return
        sentence = f"Since step {since}: {sentence}"
        self.findings.append({"name": name, "since": since, "step": step, "sentence": sentence})
        warnings.warn(sentence, stacklevel=2)
        if self.stop:
            self.model.stop_training = True


def _tensor(labels):
    return None if labels is None else ops.convert_to_tensor(labels)


def _flat(network):
    values = [ops.convert_to_numpy(variable).ravel() for variable in network.trainable_variables]
    return np.concatenate(values) if values else np.zeros(0)
