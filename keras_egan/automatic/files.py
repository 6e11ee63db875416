"""The folder of a run: its settings and state as JSON, its images, and its models."""

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_egan.automatic.look import Look, Split
from keras_egan.automatic.plan import Plan
from keras_egan.saving.files import replacing, write


class RunFiles:
    """The files in a run's folder.

    Attributes:
        best: the GAN with the best figure, for `sample`, `export` and `load`.
        last: the GAN at the end of the minutes, from which more minutes go on.
        report: the report, one HTML file.
        script: a script that trains with the best GAN's settings, without this module.
        samples: the folder of the grids.
        backups: the folder of all backups.
    """

    def __init__(self, folder: Any):
        self.folder = Path(folder).expanduser()
        self.best = self.folder / "gan.keras"
        self.last = self.folder / "last.keras"
        self.report = self.folder / "report.html"
        self.script = self.folder / "train.py"
        self.samples = self.folder / "samples"
        self.backups = self.folder / "backup"
        self._state = self.folder / "run.json"
        self._images = self.folder / "images.npz"

    def exists(self) -> bool:
        """Return whether there is a run to go on with."""
        return self._state.exists()

    def check_new(self) -> None:
        """Check that a new run can write its files, and replaces no other one.

        Raises:
            ValueError: if it would replace one, or there can be no such folder.
            PermissionError: if the folder may not be written.
        """
        there = next(
            path for path in (self.folder, *self.folder.absolute().parents) if path.exists()
        )
        if not there.is_dir():
            raise ValueError(
                f"`output` must be a folder; got {self.folder}, but {there} is a file."
            )
        if not os.access(there, os.W_OK | os.X_OK):
            raise PermissionError(f"`output` is {self.folder}, but {there} may not be written.")
        written = [self.best, self.last, self.report, self.script, self.samples, self._images]
        if any(self.backups.glob("[!.]*")):  # more than a lock
            written.append(self.backups)
        if others := [path.name for path in written if path.exists()]:
            raise ValueError(
                f"`output` is {self.folder}, which holds no training, but {', '.join(others)}, "
                "which training would replace. Give a folder that is empty or new."
            )

    def backup(self, part: int) -> Path:
        """Return the folder of the backups of a part, one call of `fit`."""
        return self.backups / str(part)

    def write_images(self, split: Split) -> None:
        """Keep the images, because the source may change or vanish."""
        with replacing(self._images) as path, path.open("wb") as file:
            np.savez(file, **{k: v for k, v in split._asdict().items() if v is not None})

    def read_images(self) -> Split:
        """Return the images that were kept."""
        with np.load(self._images, allow_pickle=False) as file:
            return Split(file["images"], file.get("labels"))

    def write_state(self, state: "RunState") -> None:
        """Write the state, all of it or nothing."""
        values = state._asdict() | {"look": state.look._asdict(), "plan": state.plan._asdict()}
        write(self._state, json.dumps(values, indent=1).encode())

    def read_state(self) -> "RunState":
        """Return the state.

        Raises:
            ValueError: if the folder holds something else, or a state of another version.
        """
        try:
            values = json.loads(self._state.read_text("utf-8"))
            look, plan = values.pop("look"), values.pop("plan")
            plan["image_shape"] = tuple(plan["image_shape"])
            return RunState(look=Look(**look), plan=Plan(**plan), **values)
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(
                f"{self._state} cannot be read ({error}). Give another output folder, or delete it."
            ) from error


class RunState(NamedTuple):
    """The progress of a run so far, in plain values.

    Attributes:
        source: the name of the data.
        seed: the seed of everything random.
        look: the facts of the data.
        plan: the present plan, with all interventions.
        part: the number of earlier calls of `fit`.
        begin: the weights that this part begins with: `"new"`, `"best"` or `"last"`.
        seconds: the seconds used until the newest figure.
        interventions: dicts with the keys `seconds`, `cause` and `sentence`.
        figures: dicts with the keys `gan`, its class, `step`, `seconds`, `figure` and the
            epoch's metrics.
        finished: whether the minutes were used up.
        checksum: that of the data, if it is an array.
    """

    source: str
    seed: int
    look: Look
    plan: Plan
    part: int
    begin: str
    seconds: float
    interventions: list[dict[str, Any]]
    figures: list[dict[str, Any]]
    finished: bool = False
    checksum: int | None = None
