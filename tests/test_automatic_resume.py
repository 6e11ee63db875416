"""Trainings by `train` that go on, or that meet other files or another training."""

import json
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress

import numpy as np
import pytest

import keras_egan
from keras_egan import presets
from keras_egan.automatic import _train, watch
from keras_egan.callbacks import Backup
from tests.conftest import on
from tests.registry import weights
from tests.tiny_runs import MINUTES, blobs, save, steady

pytestmark = on("torch")


class Killed(BaseException):
    pass


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a run that used up its minutes; do not change it."""
    folder = tmp_path_factory.mktemp("automatic") / "run"
    with pytest.MonkeyPatch.context() as monkeypatch:
        steady(monkeypatch)
        keras_egan.train(blobs(80), MINUTES, folder, say=str)
    return folder


def state_of(folder):
    return json.loads((folder / "run.json").read_text())


def test_more_minutes_go_on_and_the_used_ones_count(finished, tmp_path, monkeypatch):
    steady(monkeypatch)
    shutil.copytree(finished, tmp_path / "run")
    before = json.loads((tmp_path / "run/run.json").read_text())
    said = []
    keras_egan.train(blobs(80), MINUTES, tmp_path / "run", say=said.append)
    assert json.loads((tmp_path / "run/run.json").read_text()) == before  # nothing is left to do
    assert "The minutes are used: to train on, give more `--minutes` than those." in said
    keras_egan.train(blobs(80), 2 * MINUTES, tmp_path / "run", say=said.append)
    state = json.loads((tmp_path / "run/run.json").read_text())
    steps = [row["step"] for row in state["figures"]]
    assert steps[: len(before["figures"])] == [row["step"] for row in before["figures"]]
    assert steps[-1] > before["figures"][-1]["step"]
    assert 2 * 60 * MINUTES <= state["seconds"] < 2.5 * 60 * MINUTES


@pytest.mark.parametrize(
    "at",
    [pytest.param(1, marks=pytest.mark.nightly), 2, pytest.param(3, marks=pytest.mark.nightly)],
)
def test_a_run_that_was_killed_goes_on(tmp_path, at, monkeypatch):
    steady(monkeypatch)
    figures = 0

    def say(sentence):
        nonlocal figures
        figures += " minutes: " in sentence
        if figures == at:
            raise Killed

    with pytest.raises(Killed):
        keras_egan.train(blobs(60), MINUTES, tmp_path, say=say)
    assert [*tmp_path.glob("backup/0/*.npz")]
    assert "Training has not ended" in (tmp_path / "report.html").read_text()
    used = json.loads((tmp_path / "run.json").read_text())["seconds"]
    said = []
    keras_egan.train(blobs(60), MINUTES, tmp_path, say=said.append)
    assert said[0].endswith(f": {used / 60:.1f} minutes are used.")
    state = json.loads((tmp_path / "run.json").read_text())
    assert state["finished"]
    seconds = [row["seconds"] for row in state["figures"]]
    assert seconds == sorted(seconds)


@pytest.mark.parametrize("begin", ["new", "best", "last"])
def test_what_is_killed_after_its_last_backup_ends_as_it_would_have_done(
    begin, tmp_path, monkeypatch
):
    """The state does not know of the end yet, and the GAN's files may be those of the end."""

    def trained(folder, killed=False):
        width = presets.get("ebgan/digits").network_arguments["filters"]
        with pytest.MonkeyPatch.context() as patched:
            # The preset's width: training goes on with the GAN whose steps were timed.
            steady(patched, filters=width)
            measure, change = watch.Watch._measure, _train._Training._change
            if begin == "best":
                patched.setattr(
                    watch.Watch,
                    "_measure",
                    lambda self: np.nan if len(self.figures) == 2 else measure(self),
                )
            parts = {"new": 0, "best": 1, "last": 1}[begin]

            def changed(self, **values):
                if killed and values.get("finished") and self.state.part == parts:
                    raise Killed
                change(self, **values)

            patched.setattr(_train._Training, "_change", changed)
            for minutes in [MINUTES, 2 * MINUTES] if begin == "last" else [MINUTES]:
                keras_egan.train(blobs(80), minutes, folder, say=str)

    trained(tmp_path / "whole")
    with pytest.raises(Killed):
        trained(tmp_path / "killed", killed=True)
    assert not state_of(tmp_path / "killed")["finished"]
    best = (tmp_path / "killed" / "gan.keras").read_bytes()
    trained(tmp_path / "killed")
    assert (tmp_path / "killed" / "gan.keras").read_bytes() == best
    one, other = state_of(tmp_path / "whole"), state_of(tmp_path / "killed")
    assert other["finished"]
    rows = [[(row["step"], row["figure"]) for row in state["figures"]] for state in (one, other)]
    assert rows[0] == rows[1]
    ends = [keras_egan.load(tmp_path / name / "last.keras") for name in ("whole", "killed")]
    assert all(map(np.array_equal, *map(weights, ends)))


def test_what_diverged_begins_anew_with_more_minutes(tmp_path, monkeypatch):
    with pytest.MonkeyPatch.context() as patched:
        steady(patched, d_rate=1e38, g_rate=1e38)
        with pytest.raises(ValueError, match="diverged from the beginning"):
            keras_egan.train(blobs(60), MINUTES, tmp_path, say=str)
    state = state_of(tmp_path)
    state["plan"] |= {"d_rate": 1e-3, "g_rate": 1e-3}
    (tmp_path / "run.json").write_text(json.dumps(state))
    steady(monkeypatch)
    gan = keras_egan.train(blobs(60), 2 * MINUTES, tmp_path, say=str)
    assert np.isfinite(gan.sample(4, seed=0)).all()


@pytest.mark.parametrize("ended", [True, False])
def test_more_minutes_have_figures_further_apart(ended, tmp_path, monkeypatch):
    steady(monkeypatch)

    def say(sentence):
        if " minutes: " in sentence and not ended:
            raise Killed

    with suppress(Killed):
        keras_egan.train(blobs(80), MINUTES, tmp_path, say=say)
    before = state_of(tmp_path)["plan"]
    plans = []

    def part(self):
        plans.append(self.state.plan)
        raise Killed

    monkeypatch.setattr(_train._Training, "_part", part)
    seconds = 6000 * MINUTES
    with pytest.raises(Killed):
        keras_egan.train(blobs(80), seconds / 60, tmp_path, say=str)
    (plan,) = plans
    assert plan.interval == pytest.approx(0.04 * seconds)
    every = int(plan.interval / plan.step_seconds / 4)
    assert plan.every == (every if ended else before["every"])  # a backup is of its epochs
    assert plan.samples == before["samples"] == 8
    assert plan.decisions[-1][0] == f"8 samples are measured every {0.04 * seconds:.0f} s"


@pytest.mark.parametrize(
    ("source", "changes", "message"),
    [
        (
            "photos",
            {},
            r"holds a training on 'an array'; got 'photos'\. Give another output folder",
        ),
        (blobs(80, seed=1), {}, "holds a training on an array of other values"),
        (blobs(80), {"seed": 1}, "holds a training with the seed 0; got 1"),
        (
            (blobs(80), [0, 1] * 40),
            {"labels": True},
            "holds a training on 'an array'; got 'a tuple'",
        ),
        (blobs(80), {"labels": True}, "holds a training without labels"),
    ],
)
def test_a_run_belongs_to_its_data(source, changes, message, finished):
    before = (finished / "run.json").read_bytes()
    with pytest.raises(ValueError, match=message):
        keras_egan.train(source, MINUTES, finished, say=str, **changes)
    assert (finished / "run.json").read_bytes() == before


def test_a_folder_is_the_same_by_another_name(tmp_path, monkeypatch):
    steady(monkeypatch)
    save(tmp_path / "photos", blobs(40))
    said = []
    for name in (f"{tmp_path}/photos/", f"{tmp_path}/photos/../photos", "photos", "./photos/"):
        monkeypatch.chdir(tmp_path)
        keras_egan.train(name, MINUTES, tmp_path / "run", say=said.append)
    assert sum(sentence.startswith("Going on with") for sentence in said) == 3
    shutil.rmtree("photos")  # the run has its images
    keras_egan.train("photos", MINUTES, tmp_path / "run", say=str)
    assert "<h1>A GAN of photos</h1>" in (tmp_path / "run/report.html").read_text()


def test_two_trainings_at_once(finished, tmp_path, monkeypatch):
    shutil.copytree(finished, tmp_path / "run")
    used = pytest.raises(ValueError, match=r"Another training, process .*, is using the backups")
    with Backup(tmp_path / "run/backup").reserved(), used:
        keras_egan.train(blobs(80), 1, tmp_path / "run", say=str)

    def say(sentence):  # another one begins while this one still plans
        if sentence.startswith("Timing"):
            shutil.copytree(finished, tmp_path / "other")

    before = (finished / "images.npz").read_bytes()
    with pytest.raises(
        ValueError, match=r"Another training began in .*other\. Give another folder"
    ):
        keras_egan.train(blobs(60, seed=1), MINUTES, tmp_path / "other", say=say)
    assert (tmp_path / "other/images.npz").read_bytes() == before


def test_an_output_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    for path in ("file", "file/run"):
        with pytest.raises(
            ValueError, match=r"`output` must be a folder; got .*, but .* is a file"
        ):
            keras_egan.train(blobs(80), MINUTES, tmp_path / path, say=str)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("os.access", lambda path, mode: False)  # tests may run as root
        with pytest.raises(PermissionError, match="may not be written"):
            keras_egan.train(blobs(80), MINUTES, tmp_path / "run", say=str)


def test_files_of_others_are_not_replaced(tmp_path):
    (tmp_path / "train.py").write_text("mine")
    (tmp_path / "samples").mkdir()
    (tmp_path / "images.npz").write_text("mine too")
    with pytest.raises(
        ValueError, match=r"no training, but train\.py, samples, images\.npz, which"
    ):
        keras_egan.train(blobs(30), output=tmp_path, say=str)
    assert (tmp_path / "train.py").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 3


def test_a_state_that_is_damaged(tmp_path):
    (tmp_path / "run.json").write_text('{"look": {}}')
    with pytest.raises(ValueError, match=r"run\.json cannot be read"):
        keras_egan.train(blobs(80), MINUTES, tmp_path, say=str)


@pytest.mark.nightly
def test_sigkill(tmp_path):
    np.save(tmp_path / "blobs.npy", blobs(80))
    code = (
        "import numpy as np, keras_egan\n"
        f"keras_egan.train(np.load({str(tmp_path / 'blobs.npy')!r}), 1, {str(tmp_path / 'run')!r})"
    )
    command = [sys.executable, "-c", code]
    for wait in (0.0, 5.0):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                if " minutes: " in line:
                    break
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said[0].startswith("Going on with")
    assert any(sentence.startswith("Done: ") for sentence in said)
