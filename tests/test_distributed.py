"""Several devices and processes: together they train like one, and write like one."""

import argparse
import contextlib
import csv
import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from tests import group, loaders
from tests.conftest import on
from tests.forked import TIMEOUT, Forked, address, ended
from tests.group import BATCH, EPOCHS, FURTHER, NAMES, STEPS
from tests.layers import within_classes
from tests.registry import CASES, float_images, state

ROOT = Path(__file__).parent.parent
BACKEND = keras.backend.backend()
KINDS = {"tensorflow": ["devices"], "jax": ["devices", "processes"], "torch": ["processes"]}
KILLS = int(os.environ.get("KILLS", 0))
"""At how many steps each GAN is killed; by default half of them, at one."""
KILLED = {kind: NAMES if KILLS else NAMES[kind == "devices" :: 2] for kind in KINDS[BACKEND]}


def together(function, folder, kind, *args):
    """Starts a group: one process with one device or with two, or two processes."""
    count, place = 2 if kind == "processes" else 1, address()
    return [
        Forked(
            folder / f"{kind}{index}.log",
            function,
            *(folder, kind, index, count, place, *args),
            devices=2 if kind == "devices" else 1,
        )
        for index in range(count)
    ]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("group")
    for kind in ("one", *KINDS[BACKEND]):
        ended(together(group.run, folder, kind))
    return folder


def rows(path):
    heads, *found = csv.reader(path.read_text().splitlines())
    return heads, np.array(found, float)


def assert_close(found, expected):
    """Compares two files of arrays, of which numbers may differ by rounding."""
    assert found.files == expected.files
    for key in expected.files:
        if np.issubdtype(expected[key].dtype, np.floating):
            np.testing.assert_allclose(found[key], expected[key], rtol=2e-5, atol=2e-5, err_msg=key)
        else:
            np.testing.assert_array_equal(found[key], expected[key], err_msg=key)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS[BACKEND])
@pytest.mark.parametrize("name", NAMES)
def test_they_train_like_one(name, kind, runs):
    for path in (runs / kind / name).glob("end*.npz"):
        assert_close(np.load(path), np.load(runs / "one" / name / "end0.npz"))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS[BACKEND])
@pytest.mark.parametrize("name", NAMES)
def test_they_write_like_one(name, kind, runs):
    from PIL import Image

    one, found = runs / "one" / name, runs / kind / name
    names = sorted(str(path.relative_to(one)) for path in one.rglob("[!e]*"))
    assert names == sorted(str(path.relative_to(found)) for path in found.rglob("[!e]*"))
    assert "backup" not in names  # which a training that has ended removes
    (heads, expected), (columns, values) = rows(one / "log.csv"), rows(found / "log.csv")
    assert columns == heads
    assert values[:, 0].tolist() == list(range(1, 21))
    np.testing.assert_allclose(values, expected, rtol=2e-5, atol=2e-5)
    for path in (one / "samples").glob("*.png"):
        pictures = [np.array(Image.open(p), int) for p in (path, found / "samples" / path.name)]
        assert np.abs(pictures[0] - pictures[1]).max() <= 1  # of 255, by rounding


@pytest.mark.slow
@pytest.mark.skipif(BACKEND != "torch", reason="counts PyTorch's messages")
@pytest.mark.parametrize("name", ["ebgan", "magan", "lsgan"])
def test_a_step_exchanges_the_bytes_of_the_formula(name, runs, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    from exchange import exchanged

    (case,) = (case for case in CASES if case.name == name)
    expected = exchanged(case.build(**FURTHER.get(name, {})), BATCH)
    for index in range(2):
        assert int((runs / "processes" / f"{name}{index}.txt").read_text()) == expected


def kills(name, kind):
    """Draws before which steps a group is killed, and which of its processes: one, or all."""
    rng = np.random.default_rng([NAMES.index(name), *map(ord, BACKEND + kind)])
    steps = np.sort(rng.choice(STEPS * EPOCHS, KILLS or 1, replace=False))
    victims = [[0], [1], [0, 1]] if kind == "processes" else [[0]]
    return [(int(step), victims[rng.integers(len(victims))]) for step in steps]


def all_killed():
    """Yields each kind of group with each GAN; of a kind, all but the first GAN are nightly."""
    for kind, (first, *others) in KILLED.items():
        yield kind, first
        yield from (pytest.param(kind, name, marks=pytest.mark.nightly) for name in others)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "name"), list(all_killed()))
def test_a_killed_group_ends_like_one_that_was_not(kind, name, runs, tmp_path):
    for step, victims in kills(name, kind):
        killed = together(group.run, tmp_path, kind, [name], step, victims)
        for index in victims:
            printed = killed[index].wait()
            assert killed[index].exitcode == -signal.SIGKILL, printed[-3000:]
        for process in killed:  # as launchers do
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


LAUNCHERS = {
    "tensorflow": [["tensorflow_mirrored.py", "--devices", "2"]],
    "jax": [["jax_processes.py", "--processes", "2"], ["jax_model_parallel.py"]],
    "torch": [["-m", "torch.distributed.run", "--nproc-per-node", "2", "torch_processes.py"]],
}


@pytest.mark.slow
@pytest.mark.parametrize("command", LAUNCHERS[BACKEND], ids=lambda command: command[-1])
def test_the_launcher_trains_and_writes_once(command, tmp_path):
    script = str(ROOT / "examples" / "distributed")
    command = [f"{script}/{part}" if part.endswith(".py") else part for part in command]
    quick = ["--epochs", "2", "--steps-per-epoch", "3", "--filters", "2", "--batch-size", "15"]
    process = subprocess.Popen(
        [sys.executable, *command, *quick, "--output", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        printed, _ = process.communicate(timeout=TIMEOUT)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, printed[-3000:]
    assert printed.count("Epoch 1/2") == 1  # one process prints
    assert len((tmp_path / "equilibrium.csv").read_text().splitlines()) == 7
    assert int(keras.models.load_model(tmp_path / "began.keras").step) == 6
    if "jax_model_parallel" in command[0]:
        found = re.findall(r"(\w+)/.*kernel: \((\d+), (\d+)\) of \((\d+), (\d+)\) on", printed)
        halves = [int(a) * int(b) * 2 == int(c) * int(d) for _, a, b, c, d in found]
        assert all(halves)
        assert {name for name, *_ in found} >= {"generator", "encoder"}


@on("torch")
@pytest.mark.parametrize(
    ("gpus", "processes", "expected"),
    [
        (0, 2, [("gloo", None), ("gloo", None)]),
        (1, 1, [("nccl", 0)]),
        (1, 2, [("gloo", 0), ("gloo", 0)]),
        (2, 2, [("nccl", 0), ("nccl", 1)]),
        (2, 3, [("gloo", 0), ("gloo", 1), ("gloo", 0)]),
    ],
)
def test_processes_on_fewer_gpus_all_choose_gloo(gpus, processes, expected, monkeypatch):
    """NCCL takes no two processes on one GPU, and who chooses otherwise waits for the others."""
    import torch

    chosen = []
    path = ROOT / "examples" / "distributed" / "torch_processes.py"
    stub = SimpleNamespace(
        flags=lambda description: argparse.ArgumentParser(),
        build=lambda arguments: (),
        train=lambda arguments: None,
    )
    monkeypatch.setitem(sys.modules, "training", stub)
    monkeypatch.setattr(sys, "argv", [path.name])
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: chosen.append(device))
    for name in ("barrier", "destroy_process_group"):
        monkeypatch.setattr(torch.distributed, name, lambda: None)
    monkeypatch.setattr(
        torch.distributed, "init_process_group", lambda backend, timeout: chosen.append(backend)
    )
    found = []
    for rank in range(processes):
        monkeypatch.setenv("LOCAL_RANK", str(rank))
        monkeypatch.setenv("LOCAL_WORLD_SIZE", str(processes))
        chosen.clear()
        runpy.run_path(str(path))
        found.append((chosen[-1], chosen[0] if gpus else None))
    assert found == expected


def interleaved(images):
    """Returns images as two loaders give them, of which one has every second."""
    return images.reshape(3, 8, 2, *images.shape[1:]).swapaxes(1, 2).reshape(images.shape)


def assert_trained_with(images, found, key, **arguments):
    """Compares a group's state with that of one process which has trained with global batches."""
    gan = CASES[0].build()
    gan.fit(images, batch_size=16, shuffle=False, verbose=0, **arguments)
    for number, array in enumerate(state(gan)):
        np.testing.assert_allclose(found[f"{key}{number}"], array, rtol=2e-5, atol=2e-5)


def ends(folder):
    """Returns what the first of two processes saved, which has to be what the second did."""
    one, other = (np.load(folder / f"end{index}.npz") for index in range(2))
    for key in one.files:
        assert np.isfinite(one[key].astype("float64")).all()
        np.testing.assert_array_equal(one[key], other[key], err_msg=key)
    return one


@pytest.mark.slow
@pytest.mark.skipif(BACKEND != "torch", reason="PyTorch's loaders")
def test_loaders_of_ones_own_and_what_differs_between_processes(tmp_path):
    first, second = ended(together(loaders.torch_loaders, tmp_path, "processes"))
    found = ends(tmp_path)  # the moving statistics of batch normalisation too
    assert_trained_with(interleaved(float_images(48)), found, "loaded")
    assert "empty: ValueError: `x` is empty" in first
    assert "empty: RuntimeError: Process 0 of 2 has failed: ValueError: `x` is empty" in second
    for what in ("lengths", "arguments"):
        assert f"{what}: RuntimeError: Process 1 of 2 has failed" in first
        assert f"{what}: ValueError: " in second
    assert "number of batches is 2 on the first process and 3 on process 1" in second
    assert "`batch_size` is 8 on the first process and 9 on process 1" in second


@pytest.mark.slow
@pytest.mark.skipif(BACKEND != "jax", reason="JAX's processes")
def test_a_tf_data_dataset_of_ones_own(tmp_path):
    printed = ended(together(loaders.tf_data, tmp_path, "processes"))
    found = ends(tmp_path)
    assert_trained_with(float_images(48), found, "whole")
    assert_trained_with(float_images(33), found, "rest", validation_data=float_images(33))
    for key in ("shares", "lists"):
        assert_trained_with(interleaved(float_images(48)), found, key)
    for text in printed:
        assert "list: ValueError: Keras cannot share out the batches of a list between" in text
    assert "number of batches is 2 on the first process and 3 on process 1" in printed[1]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS[BACKEND])
def test_moments_within_classes(kind, tmp_path):
    ended(together(loaders.moments, tmp_path, kind))
    images, labels = float_images(15).reshape(15, -1), np.arange(15) % 7
    first = {"torch": 7, "tensorflow": 8, "jax": 15}[BACKEND]  # JAX's moments are the batch's
    expected = dict.fromkeys(("class_means", "moving_mean", "moving_variance"), 0.0)
    for part in (slice(first), slice(first, None)):
        state = np.zeros((7, 64)), np.zeros(64), np.ones(64)
        of_part = labels[part]
        for batch in (images[part], *[np.zeros((len(of_part), 64))] * 2):  # data; fakes, twice
            if len(of_part):
                _, state = within_classes(batch, of_part, state)
        for key, value in zip(expected, state, strict=True):
            expected[key] += len(of_part) / 15 * value
    for path in tmp_path.glob("moments*.npz"):
        found = np.load(path)
        for key, value in expected.items():
            np.testing.assert_allclose(found[key], value + 0 * found[key], atol=1e-6, err_msg=key)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS[BACKEND])
def test_figures_that_are_not_finite_end_all_at_the_same_step(kind, tmp_path):
    printed = ended(together(loaders.spoilt, tmp_path, kind))
    assert sum("After step 1, " in text for text in printed) == 1
    assert all("The last step was 1." in text for text in printed)
