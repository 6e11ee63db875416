"""The log of a GAN's equilibrium, as a table and as a picture."""

import csv
import io
import threading
import time
from collections import deque
from pathlib import Path

import keras
import numpy as np
from keras import ops

from keras_egan import checks
from keras_egan.callbacks.files import replacing
from keras_egan.extras import require

__all__ = ["EquilibriumLogger"]

ROWS_HELD = 1000
"""How many rows wait in memory before they are written within an epoch."""


class EquilibriumLogger(keras.callbacks.Callback):
    """Writes every figure of every step to a CSV file, and draws them.

    The CSV has the column `step`, the number of training steps done, then one column a figure,
    each the value of that step's batch. The picture beside it, with the suffix `.png`, shows L(x),
    L(G(z)) and gamma L(x) above, on a log scale if all are above 0, and the controller's figures
    below. Rows are written whole, at the latest after each epoch; the picture is drawn after
    epochs, as often as takes no more than a twentieth of the time, and at the end. When training
    resumes, the existing file is continued: rows from the resumed step on, written before a crash,
    give way to the new ones.

    Args:
        path: the CSV file. Its folder is made if need be.
        every: how many training steps there are from one row to the next.

    Raises:
        ImportError: without matplotlib (the extra `examples`).
        ValueError: if `every` is below 1; or, when training begins, if the file exists with
            other columns.

    Example:

    ```python
    gan.fit(images, epochs=20, callbacks=[EquilibriumLogger("run/equilibrium.csv", every=10)])
    ```
    """

    # Keras may then call `on_train_batch_end` from other threads, and in any order, but need not
    # wait for the device at every step.
    async_safe = True

    def __init__(self, path, every=1):
        super().__init__()
        checks.one_or_more(every=every)
        self._figure = require("matplotlib.figure", "plots", "EquilibriumLogger")
        self.path = Path(path)
        self.every = every
        self._held = deque()
        self._lock = threading.Lock()
        self._drawn_at = self._draw_seconds = 0.0

    def on_train_begin(self, logs=None):
        self._columns = ["step", *self.model.get_metrics_result()]
        self._steps_per_execution = self.model.steps_per_execution
        self._gamma = getattr(self.model, "gamma", None)
        self._resumed = False
        if self.path.exists():
            with self.path.open(newline="") as file:
                columns = next(csv.reader(file), [])
            if columns != self._columns:
                raise ValueError(
                    f"{self.path} has the columns {', '.join(columns)}, but this model logs "
                    f"{', '.join(self._columns)}. Pass another `path`, or move the file away."
                )

    def on_epoch_begin(self, epoch, logs=None):
        self._first = int(ops.convert_to_numpy(self.model.step))
        self._ended = 0
        if not self._resumed:
            self._resume(self._first)
            self._resumed = True

    def flush(self, step):
        """Writes all rows up to a training step, waiting for those on their way.

        Args:
            step: the number of a step that is done.
        """
        while self._ended * self._steps_per_execution < step - self._first:
            time.sleep(1e-3)
        self._flush()

    def on_train_batch_begin(self, batch, logs=None):
        if len(self._held) >= ROWS_HELD:
            self._flush(keep=ROWS_HELD // 10)  # some of the newest may still be on their way

    def on_train_batch_end(self, batch, logs=None):
        step = self._first + batch + 1
        if step // self.every > (step - self._steps_per_execution) // self.every:
            self._held.append((step, *(float(logs[name]) for name in self._columns[1:])))
        with self._lock:
            self._ended += 1

    def on_epoch_end(self, epoch, logs=None):
        # Keras counts the last of several steps an execution as if the data had not run out.
        done = int(ops.convert_to_numpy(self.model.step))
        self._held = deque((min(step, done), *rest) for step, *rest in self._held)
        self._flush()
        if time.monotonic() - self._drawn_at > 20 * self._draw_seconds:
            self._draw()

    def on_train_end(self, logs=None):
        self._draw()

    def _resume(self, step):
        kept = []
        if self.path.exists():
            with self.path.open(newline="") as file:
                rows = list(csv.reader(file))[1:]
            kept = [row for row in rows if len(row) == len(self._columns) and int(row[0]) <= step]
        with replacing(self.path) as path, path.open("w", newline="") as file:
            csv.writer(file).writerows([self._columns, *kept])
        self._rows = len(kept)

    def _flush(self, keep=0):
        rows = sorted(self._held.popleft() for _ in range(len(self._held)))
        rows, kept = rows[: len(rows) - keep], rows[len(rows) - keep :]
        self._held.extendleft(reversed(kept))
        self._rows += len(rows)
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        with self.path.open("a", newline="") as file:
            file.write(text.getvalue())

    def _draw(self):
        if not self._rows:
            return
        started = time.monotonic()
        table = np.loadtxt(self.path, delimiter=",", skiprows=1, ndmin=2)
        columns = dict(zip(self._columns, table.T, strict=True))
        steps = columns.pop("step")
        energies = {
            "L(x)": columns.pop("real_energy"),
            "L(G(z))": columns.pop("fake_energy"),
        }
        if self._gamma is not None:
            energies["gamma L(x)"] = self._gamma * energies["L(x)"]
        panels = {"energy": energies}
        panels |= {
            n: {n: v} for n, v in columns.items() if n not in ("d_loss", "g_loss", "balance")
        }
        figure = self._figure.Figure(figsize=(8, 2.2 * len(panels)), layout="constrained")
        axes = np.atleast_1d(figure.subplots(len(panels), sharex=True))
        for axis, (label, lines) in zip(axes, panels.items(), strict=True):
            for name, values in lines.items():
                _plot(axis, steps, values, name)
            axis.set_ylabel(label)
        if len(panels["energy"]) > 1:
            axes[0].legend()
        if all((values > 0).all() for values in energies.values()):  # a critic's may be negative
            axes[0].set_yscale("log")
        axes[-1].set_xlabel("training step")
        with replacing(self.path.with_suffix(".png")) as path:
            figure.savefig(path, dpi=100)
        self._drawn_at = time.monotonic()
        self._draw_seconds = self._drawn_at - started


def _plot(axis, steps, values, name):
    """Draws the values pale, and their means over windows of a hundredth of the steps."""
    window = max(1, len(values) // 100)
    means = np.convolve(values, np.ones(window) / window, mode="valid")
    (line,) = axis.plot(steps[window - 1 :], means, label=name)
    if window > 1:
        axis.plot(steps, values, color=line.get_color(), alpha=0.2, linewidth=0.5, zorder=0)
