"""The arguments of a detector that are refused."""

from typing import Any

import keras

from keras_egan import checks
from keras_egan.anomaly._scorer import SCORES

__all__ = ["check", "score_of"]


def check(contamination: Any, epochs: Any, batch_size: Any, smoothing: Any, overlap: Any) -> None:
    """Raises a `ValueError` that names the first argument of `EnergyDetector` out of its range."""
    known = checks.is_finite(contamination) and 0 < contamination <= 0.5
    if not (known or hasattr(contamination, "fit")):
        raise ValueError(
            "`contamination` must be in (0, 0.5], or a threshold of PyThresh; got "
            f"{contamination!r}."
        )
    if not (checks.is_finite(smoothing) and smoothing >= 0):
        raise ValueError(f"`smoothing` must be 0 or more; got {smoothing!r}.")
    if not (checks.is_finite(overlap) and 0 <= overlap < 1):
        raise ValueError(f"`overlap` must be from 0 to below 1; got {overlap!r}.")
    if epochs is not None:
        checks.whole_number(0, epochs=epochs)
    if batch_size is not None:
        checks.one_or_more(batch_size=batch_size)


def score_of(score: str | None, network: keras.Model) -> str:
    """Returns the score that is asked for, or the best that an auto-encoder has.

    Raises:
        ValueError: if there is no such score, or the auto-encoder has no embedding for it.
    """
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
