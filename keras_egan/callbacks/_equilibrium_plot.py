"""The picture of a GAN's equilibrium, from figures of any number of steps."""

import gc
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_egan.saving.files import replacing

__all__ = ["EquilibriumPlot"]

BINS = 2000
"""How many points of a curve are kept; a picture is 800 pixels wide."""

_LOSSES = "d_loss", "g_loss"


class EquilibriumPlot:
    """Draws figures against the training step, and keeps no more of them than can be seen.

    Rows go into bins of equally many, each with its mean, minimum and maximum. Whenever there are
    `BINS`, each two become one: what is kept, and the time to draw it, have a bound.

    Args:
        columns: the names of a row's numbers, the first of which is the step.

    Attributes:
        bins: array of shape `(bins, 3, len(columns))`, their means, minima and maxima.
        width: how many rows there are in a bin.
    """

    def __init__(self, columns: Sequence[str]):
        self._columns = tuple(columns)
        self.width = 1
        self.bins = np.zeros((0, 3, len(columns)))
        self._rest = np.zeros((0, len(columns)))  # too few for a bin
        self._drawn = True
        self._drawn_at = self._seconds = 0.0

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        """Adds rows, of shape `(any number, len(columns))`, numbers or strings of them."""
        table = np.reshape(np.asarray(rows, float), (-1, len(self._columns)))
        table = np.concatenate([self._rest, table])
        while len(table) >= self.width:
            bins = min(len(table) // self.width, BINS - len(self.bins))
            new, table = np.split(table, [bins * self.width])
            new = np.repeat(new.reshape(bins, self.width, 1, -1), 3, axis=2)
            self.bins = np.concatenate([self.bins, _merged(new)])
            if len(self.bins) == BINS:
                self.bins = _merged(self.bins.reshape(BINS // 2, 2, 3, -1))
                self.width *= 2
        self._rest = table
        self._drawn = False

    def is_cheap(self) -> bool:
        """Whether drawing anew takes no more than a twentieth of the time since the last."""
        return time.monotonic() - self._drawn_at > 20 * self._seconds

    def draw(self, path: Path) -> None:
        """Writes the picture, a PNG, unless it shows all rows already."""
        if self._drawn or not len(self.bins):
            return
        started = time.monotonic()
        try:
            with replacing(path) as temporary:
                self.figure().savefig(temporary, dpi=100)
            self._drawn = True
        finally:
            # Figures hold themselves in cycles, and beside the many objects of TensorFlow or
            # PyTorch Python hardly ever looks for those.
            gc.collect()
            self._drawn_at = time.monotonic()
            self._seconds = self._drawn_at - started

    def figure(self) -> Any:
        """Returns the picture, a `matplotlib.figure.Figure`."""
        from matplotlib.figure import Figure  # here, for not everybody has it

        curves = dict(zip(self._columns, np.moveaxis(self.bins, -1, 0), strict=True))
        steps = curves.pop("step")[:, 0]
        energies = {"L(x)": curves.pop("real_energy"), "L(G(z))": curves.pop("fake_energy")}
        if "balance" in curves:  # gamma L(x) - L(G(z)), and gamma may have changed on the way
            mean = curves.pop("balance")[:, :1] + energies["L(G(z))"][:, :1]
            energies["gamma L(x)"] = np.repeat(mean, 3, axis=1)
        panels = {"energy": energies}
        panels |= {name: {name: c} for name, c in curves.items() if name not in _LOSSES}
        figure = Figure(figsize=(8, 2.2 * len(panels)), layout="constrained")
        axes = np.atleast_1d(figure.subplots(len(panels), sharex=True))
        for axis, (label, lines) in zip(axes, panels.items(), strict=True):
            for name, curve in lines.items():
                _plot(axis, steps, curve, name)
            axis.set_ylabel(label)
        axes[0].legend()
        if all((curve > 0).all() for curve in energies.values()):  # a critic's may be negative
            axes[0].set_yscale("log")
        axes[-1].set_xlabel("training step")
        return figure


def _merged(bins):
    """Makes one bin of those along the second axis, of shape `(n, k, 3, columns)`."""
    means, lows, highs = np.moveaxis(bins, 2, 0)
    return np.stack([means.mean(axis=1), lows.min(axis=1), highs.max(axis=1)], axis=1)


def _plot(axis, steps, curve, name):
    """Draws the values pale, and their means over windows of a hundredth of the steps."""
    means, *band = curve.T
    window = max(1, len(means) // 100)
    smooth = np.convolve(means, np.ones(window) / window, mode="valid")
    (line,) = axis.plot(steps[window - 1 :], smooth, label=name)
    if window > 1:
        # From each bin's least to its greatest: where a bin is one value, the values' own line.
        values = np.stack(band, axis=1).ravel()
        style = {"color": line.get_color(), "alpha": 0.2, "linewidth": 0.5, "zorder": 0}
        axis.plot(np.repeat(steps, 2), values, **style)
