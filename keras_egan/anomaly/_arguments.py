"""Check the arguments of a detector, and read its threshold."""

from typing import Any

import keras
import numpy as np

from keras_egan import checks
from keras_egan.anomaly._scorer import SCORES


def check(contamination: Any, epochs: Any, batch_size: Any, smoothing: Any, overlap: Any) -> None:
    """Raises a `ValueError` that names the first argument of `EnergyDetector` out of its range."""
    share = checks.is_finite(contamination) and 0 < contamination <= 0.5
    rule = hasattr(contamination, "fit") and not isinstance(contamination, type)
    if not (share or rule):
        raise ValueError(
            "`contamination` must be in (0, 0.5], or a threshold of PyThresh, such as `IQR()`; "
            f"got {contamination!r}."
        )
    if not (checks.is_finite(smoothing) and smoothing >= 0):
        raise ValueError(f"`smoothing` must be 0 or more; got {smoothing!r}.")
    if not (checks.is_finite(overlap) and 0 <= overlap < 1):
        raise ValueError(f"`overlap` must be from 0 to below 1; got {overlap!r}.")
    if epochs is not None:
        checks.whole_number(0, epochs=epochs)
    if batch_size is not None:
        checks.whole_number(1, batch_size=batch_size)


def check_scores(scores: np.ndarray) -> None:
    """Raises a `ValueError` if no threshold can part the scores of the training images."""
    if not np.isfinite(scores).all():
        raise ValueError(
            "The scores of `X` are not finite: the training went wrong. Lower its learning rate."
        )
    if np.ptp(scores) == 0:
        raise ValueError(
            f"The scores of `X` are all equal, {scores[0]:g}. Are the images all the same?"
        )


def raw_threshold(rule: Any, scores: np.ndarray) -> float:
    """Returns the score above which a threshold of PyThresh, fitted to `scores`, finds an anomaly.

    PyThresh scales scores to [0, 1] before it looks for a threshold, which is scaled back here. If
    that does not give the rule's labels, the result lies midway between the two scores that part as
    many abnormal images as the rule found.
    """
    ranked, abnormal = np.sort(scores), int(np.sum(rule.labels_))
    if checks.is_finite(rule.thresh_):
        threshold = ranked[0] + rule.thresh_ * (ranked[-1] - ranked[0])
        if np.array_equal(scores > threshold, rule.labels_):
            return float(threshold)
    edges = np.concatenate([[-np.inf], ranked, ranked[-1:]])
    return float(edges[[-1 - abnormal, -2 - abnormal]].mean())


def score_of(score: str | None, network: keras.Model) -> str:
    """Returns the score that is asked for, or the best that an auto-encoder has."""
    halves = hasattr(network, "encoder") and hasattr(network, "decoder")
    if score is None:
        return "average" if halves else "norm"
    if score not in SCORES:
        raise ValueError(f"`score` must be one of {', '.join(SCORES)}; got {score!r}.")
    if score in ("average", "embedding") and not halves:
        raise ValueError(
            f"`score={score!r}` needs a model with `encoder` and `decoder`, as "
            "`networks.Autoencoder` has; this one has none. `score='norm'` needs none."
        )
    return score
