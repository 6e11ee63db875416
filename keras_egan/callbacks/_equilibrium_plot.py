"""The picture of a GAN's equilibrium, drawn from its CSV file."""

import csv
import gc
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from keras_egan.saving.files import replacing

BINS = 2000
"""The most points of a curve; a picture is 800 pixels wide."""

DPI = 800 / 6
"""The dots per inch. A picture 6 inches wide has text that a phone still shows legibly."""

_LOSSES = "d_loss", "g_loss"


def draw(table: Path, path: Path) -> None:
    """Draw a CSV file as a PNG, if the file has rows."""
    with table.open(newline="") as file:
        rows = csv.reader(file)
        columns = next(rows)
        values = np.fromiter(map(float, chain.from_iterable(rows)), float)
    if not len(values):
        return
    try:
        with replacing(path) as temporary:
            picture(columns, values.reshape(-1, len(columns))).savefig(temporary, dpi=DPI)
    finally:
        # Figures are in reference cycles. Python rarely collects those beside the many objects
        # of TensorFlow or PyTorch.
        gc.collect()


def picture(columns: Sequence[str], table: np.ndarray) -> Any:
    """Return the picture, a `matplotlib.figure.Figure`, of a table with the column `step`."""
    from matplotlib.figure import Figure  # here, because it is optional

    curves = dict(zip(columns, np.moveaxis(binned(table), -1, 0), strict=True))
    steps = curves.pop("step")[:, 0]
    energies = {"L(x)": curves.pop("real_energy"), "L(G(z))": curves.pop("fake_energy")}
    if "balance" in curves:  # gamma L(x) - L(G(z)); gamma itself may change during training
        mean = curves.pop("balance")[:, :1] + energies["L(G(z))"][:, :1]
        energies["gamma L(x)"] = np.repeat(mean, 3, axis=1)
    panels = {"energy": energies}
    panels |= {name: {name: c} for name, c in curves.items() if name not in _LOSSES}
    figure = Figure(figsize=(6, 1.8 * len(panels)), layout="constrained")
    axes = np.atleast_1d(figure.subplots(len(panels), sharex=True))
    for axis, (label, lines) in zip(axes, panels.items(), strict=True):
        for name, curve in lines.items():
            _plot(axis, steps, curve, name)
        axis.set_ylabel(label)
    axes[0].legend()
    if all((curve > 0).all() for curve in energies.values()):  # a critic's energy may be negative
        axes[0].set_yscale("log")
    axes[-1].set_xlabel("training step")
    return figure


def binned(table: np.ndarray) -> np.ndarray:
    """Return the means, minima and maxima of bins of equally many rows, `(bins, 3, columns)`."""
    width = -(-len(table) // BINS)
    bins = table[: len(table) // width * width].reshape(-1, width, table.shape[1])
    return np.stack([bins.mean(axis=1), bins.min(axis=1), bins.max(axis=1)], axis=1)


def _plot(axis, steps, curve, name):
    """Draw the values pale, and their means over windows of a hundredth of the steps."""
    means, *band = curve.T
    window = max(1, len(means) // 100)
    smooth = np.convolve(means, np.ones(window) / window, mode="valid")
    # Dashed, because at gamma 1 it hides L(x).
    style = "--" if name == "gamma L(x)" else "-"
    (line,) = axis.plot(steps[window - 1 :], smooth, style, label=name)
    if window > 1:
        # A line from each bin's minimum to its maximum; with one value per bin, the curve itself.
        values = np.stack(band, axis=1).ravel()
        pale = {"color": line.get_color(), "alpha": 0.2, "linewidth": 0.5, "zorder": 0}
        axis.plot(np.repeat(steps, 2), values, **pale)
