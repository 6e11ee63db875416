"""The energy of an auto-encoder as a detector of PyOD."""

import copy
import os
from pathlib import Path
from typing import Any, Self

import keras
import numpy as np

from keras_egan import checks
from keras_egan.anomaly import _thresholds as thresholds
from keras_egan.anomaly._scorer import Scorer, score_of
from keras_egan.anomaly._tiles import tiled
from keras_egan.anomaly._training import Training
from keras_egan.datasets import inputs
from keras_egan.export._formats import checked
from keras_egan.export._writer import trial_batches, write_network
from keras_egan.extras import require
from keras_egan.saving import files

base = require("pyod.models.base", "anomaly", "keras_egan.anomaly")
BaseDetector: Any = base.BaseDetector


class EnergyDetector(BaseDetector):
    """A detector of PyOD that scores images by an auto-encoder's reconstruction and embedding.

    Images are uint8 or floats in [-1, 1], of shape `(n, *image_shape)`, or flattened, of shape
    `(n, pixels)`. Larger images, channels last, are cut into overlapping tiles of the network's
    size: an image's score is that of its most abnormal tile.

    Args:
        model: the model to train; `fit` copies it. None for a small plain auto-encoder; a GAN whose
            discriminator is an auto-encoder, or the name of such a preset; or an auto-encoder, a
            Keras model from images to reconstructions. If it is not compiled, Adam(1e-3) trains it
            on the mean squared error. The model must take only images, no labels.
        score: `"embedding"`, the mean distance to the five nearest embeddings of training images;
            `"map"`, the largest value of the image's map; `"norm"`, `"mae"`, `"mse"`, `"sae"` or
            `"sse"`, the residual's energy, as in `losses.reconstruction_energy`; or `"average"`,
            the mean of norm, embedding and map, each standardised on training images. By default
            the average, or the norm for a model without `encoder` and `decoder`.
        contamination: the share of unseen images like those in `X` that `threshold_` lets be called
            abnormal, in (0, 0.5]; or a threshold of PyThresh, such as `IQR()`.
        calibration_split: the share of `X`, from 0 to 0.5, that `fit` keeps back to set
            `threshold_`. It keeps back more if `contamination` needs more, at most half. 0 sets the
            threshold by the scores of the training images, as PyOD does; then far more unseen
            images are above it, because the model has not learnt them.
        epochs: number of epochs; 0 uses the model as it is. By default 0 for a trained GAN, the
            preset's own number for a preset, about 1,200 steps for None, and 20 otherwise.
        batch_size: number of images per batch; by default the preset's own, otherwise 64.
        smoothing: the standard deviation in pixels, 0 or more, of the Gaussian that smooths maps.
        overlap: the smallest share of a tile that its neighbours cover too, from 0 to below 1.
        verbose: as in `keras.Model.fit`.

    Attributes:
        decision_scores_: the scores of the images in `X`, float64 of shape `(n,)`. No image's
            embedding is compared with itself.
        threshold_: the score above which an image is abnormal, in every method and file.
        labels_: 1 for abnormal images in `X`, 0 for others, of shape `(n,)`. Their share is below
            `contamination`, because the images that the model has learnt have low scores.
        scorer_: the Keras model that `save` and `export` write.

    Raises:
        ValueError: when fitted, if an argument is out of its range, the model has no auto-encoder,
            or the images in `X` do not fit it or are too few for `contamination`.

    Example:

    ```python
    detector = anomaly.EnergyDetector(contamination=0.05).fit(ones)
    scores, labels = detector.decision_function(digits), detector.predict(digits)
    pictures.save_grid("odd.png", anomaly.overlay(digits, detector.anomaly_map(digits)))
    detector.save("ones.keras")
    detector.export("ones.onnx", "onnx")
    ```
    """

    contamination: Any

    def __init__(
        self,
        model: Any = None,
        *,
        score: str | None = None,
        contamination: Any = 0.1,
        calibration_split: float = 0.2,
        epochs: int | None = None,
        batch_size: int | None = None,
        smoothing: float = 1.0,
        overlap: float = 0.5,
        verbose: Any = 0,
    ):
        super().__init__(contamination=contamination)
        self.model = model
        self.score = score
        self.calibration_split = calibration_split
        self.epochs = epochs
        self.batch_size = batch_size
        self.smoothing = smoothing
        self.overlap = overlap
        self.verbose = verbose

    def fit(self, X: Any, y: None = None, callbacks: Any = None) -> Self:
        """Train the model on clean images, set the threshold by others, and return the detector.

        `X` holds both: `calibration_split` of them, drawn at random, are not learnt. Of unseen
        images of the same distribution, the share above the threshold is on average at most
        `contamination`, as `calibrate` says. A model that has been trained on `X` before breaks
        that promise: give other images. Outliers in `X` count as images of the distribution.
        `callbacks` are as in `keras.Model.fit`.
        """
        self._check_arguments()
        shape = np.shape(X) or (0,)
        kept = thresholds.kept_back(shape[0], self.calibration_split, self.contamination)
        self._set_n_classes(y)
        form = int(np.sum(~kept)), *shape[1:]
        training = Training(self.model, form, self.epochs, self.batch_size)
        score = score_of(self.score, training.discriminator)
        tiles, images = tiled(X, training.image_shape, self.overlap)
        images, _ = inputs.accept(images, training.image_shape, "X")
        of_kept = np.repeat(kept, len(tiles))
        learnt, others = images[~of_kept], images[of_kept]
        if len(learnt) < 2:
            raise ValueError("`X` must hold two images or more to learn from; got one.")
        scorer = Scorer(
            training.run(learnt, self.verbose, callbacks),
            training.image_shape,
            score,
            smoothing=self.smoothing,
            tiles=len(learnt),
            images=len(kept),
        )
        scores = np.empty(len(kept))
        scores[~kept] = _worst(scorer.learn(learnt), tiles)
        if kept.any():
            scores[kept] = _worst(scorer.outputs_of(others, "score"), tiles)
        if not np.isfinite(scores).all():
            raise ValueError("The scores of `X` are not finite. Lower the model's learning rate.")
        if np.ptp(scores) == 0:
            raise ValueError(
                f"The scores of `X` are all equal, {scores[0]:g}. Are the images all the same?"
            )
        if checks.is_finite(self.contamination):
            self.contamination = float(self.contamination)  # of NumPy, PyOD takes only float64
        scorer.training_scores.assign(scores)
        self.scorer_ = scorer
        self.decision_scores_ = scores
        self._process_decision_scores()
        if kept.any():
            self._flag_above(thresholds.of(scores[kept], self.contamination))
        return self

    def decision_function(self, X: Any) -> np.ndarray:
        """Return the score of each image, the higher the more abnormal, float64 `(n,)`."""
        return self._run(X, "score")

    def predict(self, X: Any, return_confidence: bool = False) -> Any:
        """Return 1 for abnormal images, 0 for others, of shape `(n,)`; see PyOD."""
        return BaseDetector.predict(self._numbered(), X, return_confidence)

    def predict_confidence(self, X: Any) -> np.ndarray:
        """Return each label's confidence, in [0, 1], of shape `(n,)`; see PyOD."""
        return BaseDetector.predict_confidence(self._numbered(), X)

    def anomaly_map(self, X: Any) -> np.ndarray:
        """Return the smoothed absolute residual, averaged over channels: `(n, height, width)`."""
        return self._run(X, "map")

    def calibrate(self, X: Any, false_alarm_rate: float = 0.05) -> Self:
        """Set `threshold_` so that at most this share of clean images will be above it.

        The threshold is split-conformal: the k-th smallest score of the n images in `X`, with
        k = ceil((n + 1) (1 - rate)). If these and later images have the same distribution, the
        probability of a false alarm is at most the rate. If no scores are equal, it is at least
        the rate minus 1 / (n + 1).

        Args:
            X: clean images that the detector was not fitted on.
            false_alarm_rate: the rate, in (0, 1).

        Raises:
            ValueError: if the rate is out of its range, or needs more images.

        Source: Papadopoulos et al., Inductive Confidence Machines for Regression, 2002; Vovk et
        al., Algorithmic Learning in a Random World, 2005, section 4.1.
        """
        if not (checks.is_finite(false_alarm_rate) and 0 < false_alarm_rate < 1):
            raise ValueError(f"`false_alarm_rate` must be in (0, 1); got {false_alarm_rate!r}.")
        scores = self.decision_function(X)
        if len(scores) < (least := thresholds.least(false_alarm_rate)):
            raise ValueError(
                f"A `false_alarm_rate` of {false_alarm_rate} needs {least} clean images or more; "
                f"got {len(scores)}."
            )
        return self._flag_above(thresholds.conformal(scores, false_alarm_rate))

    def save(self, filepath: str | os.PathLike) -> None:
        """Write the fitted detector, without generator and optimizer, to a `.keras` file."""
        files.save(self._current().save, filepath)

    @classmethod
    def load(cls, filepath: str | os.PathLike) -> Self:
        """Load a detector from a file that `save` wrote, on any backend, in Keras's safe mode.

        Its `model` is the trained auto-encoder and its `epochs` are 0: `fit` trains nothing.

        Raises:
            FileNotFoundError: if there is no such file.
            ValueError: if the file is damaged, or holds no detector.
        """
        scorer = files.open_model(filepath)
        if not isinstance(scorer, Scorer):
            raise ValueError(f"{filepath} is not the file of an EnergyDetector.")
        detector = cls(
            scorer.discriminator,
            score=scorer.score,
            smoothing=scorer.smoothing,
            epochs=0,
            **dict(scorer.settings or {}),
        )
        detector._set_n_classes(None)
        detector.scorer_ = scorer
        detector.decision_scores_ = _float64(scorer.training_scores)
        detector._process_decision_scores()
        return detector._flag_above(float(_float64(scorer.threshold)))

    def export(self, filepath: str | os.PathLike, format: str = "saved_model") -> Path:
        """Write the fitted detector in a format that needs neither Keras nor this package.

        The file takes images, float32 in [-1, 1] of shape `(n, *image_shape)`. It has three
        outputs: `score`, float32 `(n,)`; `map`, float32 `(n, height, width)`; `label`, int32
        `(n,)`, 1 if the score is above the present threshold. As with a generator, the file is
        compared in its own runtime before it replaces an older one.

        `filepath`, `format`, the result and the errors are as in `keras_egan.export.export`.
        """
        scorer = self._current()
        path, format = checked(filepath, format)
        return write_network(scorer, trial_batches(scorer.image_shape), path, format, ["image"])

    def _run(self, X, output):
        base.check_is_fitted(self, "scorer_")
        tiles, images = tiled(X, self.scorer_.image_shape, self.overlap)
        found = self.scorer_.outputs_of(images, output)
        if output == "score":
            return _worst(found, tiles)
        return found if len(tiles) == 1 else tiles.join(found)

    def _check_arguments(self):
        rate = self.contamination
        share = checks.is_finite(rate) and 0 < rate <= 0.5
        if not (share or (hasattr(rate, "fit") and not isinstance(rate, type))):
            raise ValueError(
                "`contamination` must be in (0, 0.5], or a threshold of PyThresh, such as `IQR()`; "
                f"got {rate!r}."
            )
        if not (checks.is_finite(self.smoothing) and self.smoothing >= 0):
            raise ValueError(f"`smoothing` must be 0 or more; got {self.smoothing!r}.")
        if not (checks.is_finite(self.overlap) and 0 <= self.overlap < 1):
            raise ValueError(f"`overlap` must be from 0 to below 1; got {self.overlap!r}.")
        checks.optional_whole(0, epochs=self.epochs)
        checks.optional_whole(1, batch_size=self.batch_size)

    def _process_decision_scores(self):
        super()._process_decision_scores()
        if not checks.is_finite(self.contamination):
            self._flag_above(thresholds.by_rule(self.contamination, self.decision_scores_))
        return self

    def _flag_above(self, threshold):
        self.threshold_ = threshold
        self.labels_ = (self.decision_scores_ > threshold).astype(int)
        return self

    def _numbered(self):
        base.check_is_fitted(self, "scorer_")
        # PyOD takes `contamination` for the share of labels, and asks an object for labels.
        detector = copy.copy(self)
        share = np.clip(self.labels_.mean(), 1 / len(self.labels_), 0.5)  # may be none, or most
        detector.contamination = float(share)
        return detector

    def _current(self):
        rate, share = self.contamination, self._numbered().contamination
        self.scorer_.settings = {
            "contamination": rate if checks.is_finite(rate) else share,
            "calibration_split": self.calibration_split,
            "batch_size": self.batch_size,
            "overlap": self.overlap,
        }
        self.scorer_.threshold.assign(self.threshold_)
        return self.scorer_


def _worst(scores, tiles):
    return scores.reshape(-1, len(tiles)).max(axis=1).astype("float64")


def _float64(variable):
    return keras.ops.convert_to_numpy(variable).astype("float64")
