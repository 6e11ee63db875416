"""Several devices and processes train like one and write like one."""

import csv
import os
import shutil
import signal
from pathlib import Path

import keras
import numpy as np
import pytest

from tests import group
from tests.conftest import on
from tests.forked import ended, together
from tests.group import BATCH, EPOCHS, FURTHER, NAMES, STEPS
from tests.registry import CASES

ROOT = Path(__file__).parent.parent
BACKEND = keras.backend.backend()
KINDS = {"tensorflow": ["devices"], "jax": ["devices", "processes"], "torch": ["processes"]}
KILLS = int(os.environ.get("KILLS", 0))
"""At how many steps each GAN is killed; by default half of them, at one."""
KILLED = {kind: NAMES if KILLS else NAMES[kind == "devices" :: 2] for kind in KINDS[BACKEND]}


QUICK = NAMES if BACKEND == "torch" else ("began", "ebgan", "relativistic", "cls_gan")
"""The GANs of the quick suite. Where each is compiled, the others are nightly."""
GANS = [name if name in QUICK else pytest.param(name, marks=pytest.mark.nightly) for name in NAMES]


@pytest.fixture(scope="module")
def runs(tmp_path_factory, request):
    """Train the GANs of the selected tests, on one device and on several."""
    folder = tmp_path_factory.mktemp("group")
    items = (item for item in request.session.items if "runs" in item.fixturenames)
    needed = {item.callspec.params.get("name", NAMES[0]) for item in items}
    for kind in ("one", *KINDS[BACKEND]):
        ended(together(group.run, folder, kind, [name for name in NAMES if name in needed]))
    return folder


def rows(path):
    heads, *found = csv.reader(path.read_text().splitlines())
    return heads, np.array(found, float)


def assert_close(found, expected):
    """Compare two files of arrays, whose numbers may differ by rounding."""
    assert found.files == expected.files
    for key in expected.files:
        if np.issubdtype(expected[key].dtype, np.floating):
            np.testing.assert_allclose(found[key], expected[key], rtol=2e-5, atol=2e-5, err_msg=key)
        else:
            np.testing.assert_array_equal(found[key], expected[key], err_msg=key)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS[BACKEND])
@pytest.mark.parametrize("name", GANS)
def test_they_train_like_one(name, kind, runs):
    for path in (runs / kind / name).glob("end*.npz"):
        assert_close(np.load(path), np.load(runs / "one" / name / "end0.npz"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS[BACKEND])
@pytest.mark.parametrize("name", GANS)
def test_they_write_like_one(name, kind, runs):
    from PIL import Image

    one, found = runs / "one" / name, runs / kind / name
    names = sorted(str(path.relative_to(one)) for path in one.rglob("[!e]*"))
    assert names == sorted(str(path.relative_to(found)) for path in found.rglob("[!e]*"))
    assert sum(name.startswith("backup/") for name in names) == 1
    (heads, expected), (columns, values) = rows(one / "log.csv"), rows(found / "log.csv")
    assert columns == heads
    assert values[:, 0].tolist() == list(range(1, 21))
    np.testing.assert_allclose(values, expected, rtol=2e-5, atol=2e-5)
    for path in (one / "samples").glob("*.png"):
        pictures = [np.array(Image.open(p), int) for p in (path, found / "samples" / path.name)]
        assert np.abs(pictures[0] - pictures[1]).max() <= 1  # of 255, by rounding


@pytest.mark.slow
@on("torch")
@pytest.mark.parametrize("name", ["ebgan", "magan", "lsgan"])
def test_a_step_exchanges_the_bytes_of_the_formula(name, runs, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    from exchange import exchanged

    (case,) = (case for case in CASES if case.name == name)
    expected = exchanged(case.build(**FURTHER.get(name, {})), BATCH)
    for index in range(2):
        assert int((runs / "processes" / f"{name}{index}.txt").read_text()) == expected


def kills(name, kind):
    """Draw the steps before which a group is killed, and the processes: one, or all."""
    rng = np.random.default_rng([NAMES.index(name), *map(ord, BACKEND + kind)])
    steps = np.sort(rng.choice(STEPS * EPOCHS, KILLS or 1, replace=False))
    victims = [[0], [1], [0, 1]] if kind == "processes" else [[0]]
    return [(int(step), victims[rng.integers(len(victims))]) for step in steps]


def all_killed():
    """Yield each kind of group with each GAN; all except the first of one kind are nightly."""
    pairs = [(kind, name) for kind, names in KILLED.items() for name in names]
    yield pairs[-1]
    yield from (pytest.param(*pair, marks=pytest.mark.nightly) for pair in pairs[:-1])


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), list(all_killed()))
def test_a_killed_group_ends_like_one_that_was_not(kind, name, runs, tmp_path):
    for step, victims in kills(name, kind):
        killed = together(group.run, tmp_path, kind, [name], step, victims)
        for index in victims:
            printed = killed[index].wait()
            assert killed[index].exitcode == -signal.SIGKILL, printed[-3000:]
        for process in killed:  # as launchers start them
            process.kill()
    shutil.copytree(tmp_path / kind, tmp_path / "one")
    printed = ended(together(group.run, tmp_path, kind, [name]))
    resumed = int(step >= group.EVERY)
    assert [text.count("Resumed from") for text in printed] == [resumed, 0][: len(printed)]
    whole, found = runs / kind / name, tmp_path / kind / name
    for path in ("log.csv", *(f"samples/{path.name}" for path in whole.glob("samples/*"))):
        assert (found / path).read_bytes() == (whole / path).read_bytes(), path
    for index in range(len(printed)):
        one, other = (np.load(folder / f"end{index}.npz") for folder in (whole, found))
        for key in one.files:
            np.testing.assert_array_equal(other[key], one[key], err_msg=key)
    if KILLS or name == KILLED[kind][0]:  # with one process, or device, where there were two
        ended(together(group.run, tmp_path, "one", [name]))
        assert_close(np.load(tmp_path / "one" / name / "end0.npz"), one)


def signalled():
    """Yield one case for the quick suite; ten steps of each kind of group are nightly."""
    yield pytest.param("processes", 1, marks=on("torch"))
    for kind in ("one", *KINDS[BACKEND]):
        yield pytest.param(kind, 10, marks=pytest.mark.nightly)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "times"), list(signalled()))
def test_a_signal_to_one_process_ends_all_and_loses_no_step(kind, times, runs, tmp_path):
    rng = np.random.default_rng(7)
    for step in np.sort(rng.choice(STEPS * EPOCHS - 1, times, replace=False)).tolist():
        victims = [int(rng.integers(2))] if kind == "processes" else [0]
        group_of = together(group.run, tmp_path, kind, NAMES[:1], step, victims, signal.SIGTERM)
        printed = [process.wait() for process in group_of]
        assert {process.exitcode for process in group_of} == {-signal.SIGTERM}, printed
        saved = step + 1  # the signal comes just after the callbacks
        assert f"A signal ends the training after step {saved}." in printed[0]
        newest = max((tmp_path / kind / NAMES[0] / "backup").glob("0*"))
        assert newest.name.startswith(f"{saved:010d}")
    ended(together(group.run, tmp_path, kind, NAMES[:1]))
    found = np.load(tmp_path / kind / NAMES[0] / "end0.npz")
    expected = np.load(runs / kind / NAMES[0] / "end0.npz")
    for key in expected.files:
        np.testing.assert_array_equal(found[key], expected[key], err_msg=key)
