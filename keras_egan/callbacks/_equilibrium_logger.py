"""The log of a GAN's equilibrium, as a table and as a picture."""

import csv
import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

from keras_egan import checks
from keras_egan.callbacks._equilibrium_plot import draw
from keras_egan.callbacks._files import append, tolerated
from keras_egan.callbacks._fit_state import StepLogs
from keras_egan.extras import require
from keras_egan.saving.files import local, replacing

ROWS_HELD = 1000  # in memory before they are written within an epoch
ROWS_KEPT = 100_000  # in memory while writing fails

_PICTURES = (".gif", ".jpeg", ".jpg", ".pdf", ".png", ".svg")


class EquilibriumLogger(keras.callbacks.Callback):
    """Write the metrics of each step to a CSV file, and draw them.

    The CSV has the column `step`, the number of training steps done, and one column per metric with
    its value on that step's batch. The picture beside it, with the suffix `.png`, shows L(x),
    L(G(z)) and gamma L(x), on a log scale if all are above 0. The controller's metrics are below
    them. Complete rows are written at the latest after each epoch. The picture is drawn at the end,
    and after epochs, in at most a twentieth of the time. A resumed training continues the file, and
    replaces the rows after the resumed step.

    The first failure to write or draw gives a warning, and training goes on; the newest 100,000
    rows wait for the next attempt.

    Args:
        filename: the CSV file; its folder is created if missing.
        every: number of training steps between rows.

    Raises:
        ImportError: if matplotlib is missing (the extra `plots`).
        OSError: when training begins, if the file cannot be written.
        ValueError: if `every` is not a whole number from 1 up, or `filename` has a picture's
            suffix; when training begins, if the file exists with other columns.

    Example:

    ```python
    gan.fit(images, epochs=20, callbacks=[EquilibriumLogger("run/equilibrium.csv", every=10)])
    ```
    """

    first_process_only = True

    def __init__(self, filename: str | Path, every: int = 1):
        super().__init__()
        checks.whole_number(1, every=every)
        self.path = local(filename=filename)
        if self.path.suffix.lower() in _PICTURES:
            raise ValueError(
                f"`filename` must be a table such as {str(self.path.with_suffix('.csv'))!r}; "
                f"got {str(filename)!r}. The picture is drawn beside the table."
            )
        require("matplotlib.figure", "plots", "EquilibriumLogger")
        self.every = int(every)
        self._held = StepLogs(ROWS_KEPT)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._columns = ["step", *self.model.get_metrics_result()]
        self._resumed = False
        self._drawn_at = self._seconds = 0.0
        self._warned: set[str] = set()
        if self.path.exists():
            with self.path.open(newline="") as file:
                columns = next(csv.reader(file), [])
            if columns != self._columns:
                raise ValueError(
                    f"{self.path} has the columns {', '.join(columns)}, but this model logs "
                    f"{', '.join(self._columns)}. Pass another `filename`, or move the file away."
                )

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._fit = self.model.fit_state
        self._done = self._fit.step
        if not self._resumed:
            self._resume(self._done)

    def flush(self, step: int) -> None:
        """Write all rows."""
        self._take()
        self._write()

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        before = self._done
        self._take()
        span = self.every * ROWS_HELD
        if self._done // span > before // span:
            self._write()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._take()
        self._write()
        if time.monotonic() - self._drawn_at > 20 * self._seconds:
            self._draw()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self._resumed:
            self._draw()

    def _take(self):
        before, self._done = self._done, self._fit.step
        if self._done // self.every > before // self.every:
            self._held.add(self._done, self._fit.logs)

    def _resume(self, step):
        self._held.clear()
        rows = self._rows(step)
        with replacing(self.path) as path, path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(self._columns)
            writer.writerows(rows)
        self._resumed, self._drawn = True, False

    def _rows(self, step) -> Iterator[list[str]]:
        """Yield the file's rows up to a step, except the header and incomplete rows."""
        if not self.path.exists():
            return
        with self.path.open(newline="") as file:
            for row in csv.reader(file):
                try:
                    values = [float(value) for value in row]
                except ValueError:
                    continue
                if len(values) == len(self._columns) and values[0] <= step:
                    yield row

    def _write(self):
        names = self._columns[1:]
        rows = [(step, *(logs[name] for name in names)) for step, logs in self._held.fetch()]
        text = io.StringIO(newline="")
        csv.writer(text).writerows(rows)
        with tolerated(f"Writing {self.path}", self._warned):
            append(self.path, text.getvalue())
            self._held.clear()
            self._drawn = self._drawn and not rows

    def _draw(self):
        if self._drawn:
            return
        started = time.monotonic()
        with tolerated("Drawing the equilibrium", self._warned):
            draw(self.path, self.path.with_suffix(".png"))
            self._drawn = True
        self._drawn_at = time.monotonic()
        self._seconds = self._drawn_at - started
