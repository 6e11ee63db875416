"""The score above which an image is abnormal, and the images to set it by."""

import math
from typing import Any

import numpy as np

from keras_egan import checks

RULES_RATE = 0.1  # a rule of PyThresh gets as many images as this `contamination`


def kept_back(images: int, split: Any, rate: Any) -> np.ndarray:
    """Return which images set the threshold and are not learnt, bools of shape `(images,)`.

    They are drawn at random, because the order of images often has a meaning, and are the same
    for each detector, so that detectors can be compared.
    """
    if not (checks.is_finite(split) and 0 <= split <= 0.5):
        raise ValueError(f"`calibration_split` must be from 0 to 0.5; got {split!r}.")
    kept = np.zeros(images, bool)
    if not (split and images):
        return kept
    needed = least(rate if checks.is_finite(rate) else RULES_RATE)
    if images < 2 * needed:
        raise ValueError(
            f"A `contamination` of {rate} needs {2 * needed} images or more in `X`, half of them "
            f"to set the threshold; got {images}. Pass more images, a larger `contamination`, or "
            "`calibration_split=0` for a threshold by the training images."
        )
    count = max(needed, math.ceil(split * images))
    kept[np.random.default_rng(0).permutation(images)[:count]] = True
    return kept


def least(rate: float) -> int:
    """Return how many scores a conformal threshold needs."""
    return math.ceil(1 / rate - 1e-9) - 1  # against rounding


def of(scores: np.ndarray, rate: Any) -> float:
    """Return the threshold by scores of unseen images, for a rate or a rule of PyThresh."""
    if checks.is_finite(rate):
        return conformal(scores, rate)
    rate.fit(scores)
    return by_rule(rate, scores)


def conformal(scores: np.ndarray, rate: float) -> float:
    """Return the k-th smallest of n scores, k = ceil((n + 1) (1 - rate))."""
    above = math.floor((len(scores) + 1) * rate + 1e-9)  # against rounding
    return float(np.sort(scores)[len(scores) - above])


def by_rule(rule: Any, scores: np.ndarray) -> float:
    """Return the score threshold of a rule of PyThresh that is fitted to `scores`.

    PyThresh's own threshold applies to scores that are scaled to [0, 1]. If it does not reproduce
    the rule's labels, the result lies midway between the two scores that separate as many
    abnormal images.
    """
    ranked, abnormal = np.sort(scores), int(np.sum(rule.labels_))
    if checks.is_finite(rule.thresh_):
        threshold = ranked[0] + rule.thresh_ * (ranked[-1] - ranked[0])
        if np.array_equal(scores > threshold, rule.labels_):
            return float(threshold)
    edges = np.concatenate([[-np.inf], ranked, ranked[-1:]])
    return float(edges[[-1 - abnormal, -2 - abnormal]].mean())
