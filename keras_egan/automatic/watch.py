"""The callback that measures samples, keeps the best weights, and sees when a training fails."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_egan import pictures
from keras_egan.callbacks import Diagnosis

COLLAPSES = ("alike", "blind discriminator", "dead generator", "k_t at 0", "saturated")
"""The findings of `Diagnosis` after which samples do not get better again."""

RISE = 1.3  # by which two figures in a row have to be above the best
STUCK_AFTER = 0.3  # of the training
HOPELESS = 2.0  # figures that are above it by then, even if they fall
_CHECKED_EVERY = 5.0  # seconds between looks at the metrics
_FIRST = 600.0  # seconds, after which a long training has a first figure
_ROWS = 6


def cause_of(
    figures: Sequence[float], findings: Sequence[str], share: float, floor: float
) -> str | None:
    """Return what is wrong with a training, or None.

    It has `"diverged"`, `"collapsed"`, is `"stuck"` above the Gaussian, or its figure has
    `"risen"` from one below the Gaussian's; the latter is called `"memorised"` if the discriminator
    has memorised its images.

    Args:
        figures: the figures of this part, oldest first; NaN for samples that are not finite.
        findings: the names of the findings of `Diagnosis`.
        share: the share of the training that is done.
        floor: the figure of real images.
    """
    if "not finite" in findings or (figures and not math.isfinite(figures[-1])):
        return "diverged"
    if any(name in COLLAPSES for name in findings):
        return "collapsed"
    if len(figures) >= 4 and share > STUCK_AFTER:
        best = min(figures)
        if best > HOPELESS or (best > 1 and _flat(figures[-4:])):
            return "stuck"
    best = min(figures, default=math.inf)
    if len(figures) >= 3 and best < 1 and min(figures[-2:]) > max(RISE * best, best + floor):
        return "memorised" if "memorised images" in findings else "risen"
    return None


def grid_of(grids: Path, index: int) -> Path:
    """Return the file of the samples of a figure, of which `index` came before it in the run."""
    return grids / f"{index + 1:04d}.png"


def _flat(figures):
    return min(figures[1:]) > 0.95 * figures[0]


class Watch(keras.callbacks.Callback):
    """Measure samples after each epoch, keep the best weights, and end training if it fails.

    Args:
        distance: the figure of samples, a function of an array.
        samples: the number of samples of a figure.
        interval: the seconds between figures.
        best: the file of the best weights.
        grids: the folder of the grids.
        budget: the seconds that the run may take in all.
        needed: the number of steps that training needs to become good.
        seconds: the seconds used before `started`.
        started: a time of `time.monotonic`.
        figures: the figures before, as in `RunState`; this one appends to a copy.
        diagnosis: the `Diagnosis` that comes before it in the list of callbacks.
        floor: the figure of real images.
        mended: whether a failure may end training, because something may still be changed.
        told: called with this callback after each figure.
    """

    first_process_only = True

    def __init__(
        self,
        distance: Callable[[np.ndarray], float],
        samples: int,
        interval: float,
        best: Path,
        grids: Path,
        budget: float,
        needed: float,
        seconds: float,
        started: float,
        figures: Sequence[dict[str, Any]],
        diagnosis: Diagnosis,
        floor: float,
        mended: bool,
        told: Callable[["Watch"], None],
    ):
        super().__init__()
        self.distance = distance
        self.samples = samples
        self.interval = interval
        self.best = best
        self.grids = grids
        self.budget = budget
        self.needed = needed
        self.seconds = seconds
        self.figures = [*figures]
        self.before = len(self.figures)
        self.diagnosis = diagnosis
        self.floor = floor
        self.mended = mended
        self.told = told
        self.cause: str | None = None
        self.improved = False  # whether the newest figure is the best
        self.started = started
        self._checked = monotonic()
        self._due = seconds + min(interval, _FIRST)

    @property
    def used(self) -> float:
        """The seconds that the run has used."""
        return self.seconds + monotonic() - self.started

    def get_state(self) -> dict[str, Any]:
        """Return the seconds used, the figures, and what is wrong."""
        return {"seconds": self.used, "figures": self.figures, "cause": self.cause}

    def set_state(self, state: dict[str, Any]) -> None:
        self.seconds, self.figures = state["seconds"], state["figures"]
        self.cause = state["cause"]
        self._due = self.seconds + self.interval

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._fit = self.model.fit_state

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        now = monotonic()
        if now - self._checked > _CHECKED_EVERY and self._fit.logs:
            self._checked = now
            loss = float(ops.convert_to_numpy(self._fit.logs["d_loss"]))
            if not math.isfinite(loss):
                self.model.stop_training = True
        if self.used >= self.budget:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        findings = [finding["name"] for finding in self.diagnosis.findings]
        failed = cause_of([], findings, 0.0, self.floor)
        if failed or self.model.stop_training or self.used >= self._due:
            self._look(logs or {})

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if len(self.figures) == self.before:  # otherwise nothing is left of a short training
            self._look(logs or {})

    def _look(self, logs):
        findings = [finding["name"] for finding in self.diagnosis.findings]
        metrics = {name: float(value) for name, value in logs.items()}
        figure = math.nan
        if all(math.isfinite(value) for value in metrics.values()):
            figure = self._measure()
        known = [row["figure"] for row in self.figures if row["figure"] is not None]
        best = min(known, default=math.inf)
        gan = type(self.model).__name__
        row = {"gan": gan, "step": self._fit.step, "seconds": self.used}
        # JSON has no NaN.
        metrics = {name: value for name, value in metrics.items() if math.isfinite(value)}
        self.figures.append(row | {"figure": figure if math.isfinite(figure) else None} | metrics)
        self.improved = figure < best
        if self.improved:
            self.model.save(self.best)
        share = self.used / self.budget
        own = [
            math.nan if r["figure"] is None else r["figure"] for r in self.figures[self.before :]
        ]
        done = min(share, self._fit.step / self.needed)  # what has hardly begun is not stuck
        cause = cause_of(own, findings, done, self.floor)
        if cause and self.mended and share < 0.9:
            self.cause = cause
            self.model.stop_training = True
        if share >= 1.0:
            self.model.stop_training = True
        self._due = self.used + self.interval
        self.told(self)

    def _measure(self):
        gan = self.model
        samples = gan.sample(self.samples, seed=0)
        if not np.isfinite(samples).all():
            return math.nan
        shown = samples[: _ROWS**2]
        columns = _ROWS
        if gan.num_classes:
            columns = min(gan.num_classes, 10)
            labels = np.tile(np.arange(columns), _ROWS)
            shown = gan.sample(len(labels), seed=0, labels=labels)
        pictures.save_grid(grid_of(self.grids, len(self.figures)), shown, columns)
        return self.distance(samples)
