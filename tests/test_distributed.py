"""Several devices and processes: together they train like one, and write like one."""

import contextlib
import csv
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.conftest import XLA_FLAGS
from tests.group import BATCH, FURTHER, NAMES
from tests.registry import CASES, float_images, state

ROOT = Path(__file__).parent.parent
BACKEND = keras.backend.backend()
KINDS = {"tensorflow": ["devices"], "jax": ["devices", "processes"], "torch": ["processes"]}
TIMEOUT = 400


def start(module, *arguments, devices=1):
    flags = f"{XLA_FLAGS} --xla_force_host_platform_device_count={devices}"
    return subprocess.Popen(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "XLA_FLAGS": flags},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def outputs(group):
    """Waits for processes, and returns what each printed; none outlives this."""
    try:
        return [process.communicate(timeout=TIMEOUT)[0] for process in group]
    finally:
        for process in group:
            process.kill()
            process.wait()


def address():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def trained(*group):
    found = outputs(group)
    for process, printed in zip(group, found, strict=True):
        assert process.returncode == 0, printed[-3000:]
    return found


def together(folder, kind, *kill_at):
    """Starts a group: two devices of one process, or two processes."""
    if kind == "devices":
        return [start("tests.group", folder, kind, 0, 1, "", *kill_at, devices=2)]
    place = address()
    return [start("tests.group", folder, kind, index, 2, place, *kill_at) for index in range(2)]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("group")
    trained(start("tests.group", folder, "one"))
    for kind in KINDS[BACKEND]:
        trained(*together(folder, kind))
    return folder


def rows(path):
    heads, *found = csv.reader(path.read_text().splitlines())
    return heads, np.array(found, float)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS[BACKEND])
@pytest.mark.parametrize("name", NAMES)
def test_they_train_like_one(name, kind, runs):
    one = np.load(runs / "one" / name / "end0.npz")
    for path in (runs / kind / name).glob("end*.npz"):
        found = np.load(path)
        assert found.files == one.files
        for key in one.files:
            if np.issubdtype(one[key].dtype, np.floating):
                np.testing.assert_allclose(found[key], one[key], rtol=2e-5, atol=2e-5, err_msg=key)
            else:
                np.testing.assert_array_equal(found[key], one[key], err_msg=key)


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


@pytest.mark.slow
def test_a_killed_group_ends_like_one_that_was_not(runs, tmp_path):
    kind = KINDS[BACKEND][-1]
    group = together(tmp_path, kind, 8)
    group[-1].communicate(timeout=TIMEOUT)
    assert group[-1].returncode == -signal.SIGKILL
    for process in group:  # as launchers do
        process.kill()
    outputs(group)
    shutil.copytree(tmp_path / kind, tmp_path / "one")
    printed = trained(*together(tmp_path, kind, 0))
    assert [text.count("Resumed from") for text in printed] == [1, 0][: len(group)]
    whole, found = runs / kind / "began", tmp_path / kind / "began"
    assert (found / "log.csv").read_text() == (whole / "log.csv").read_text()
    for index in range(len(group)):
        one, other = np.load(whole / f"end{index}.npz"), np.load(found / f"end{index}.npz")
        for key in one.files:
            np.testing.assert_array_equal(other[key], one[key], err_msg=key)
    # With one process, or device, where there were two.
    trained(start("tests.group", tmp_path, "one", 0, 1, "", 0))
    other = np.load(tmp_path / "one" / "began" / "end0.npz")
    for key in one.files:
        np.testing.assert_allclose(other[key], one[key], rtol=2e-5, atol=2e-5, err_msg=key)


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


@pytest.mark.slow
@pytest.mark.skipif(BACKEND != "torch", reason="PyTorch's loaders")
def test_loaders_of_ones_own_and_what_differs_between_processes(tmp_path):
    place = address()
    first, second = trained(*[start("tests.loaders", tmp_path, i, 2, place) for i in range(2)])
    one, other = (np.load(tmp_path / f"end{index}.npz") for index in range(2))
    for key in one.files:  # the moving statistics of batch normalisation too
        assert np.isfinite(one[key].astype("float64")).all()
        np.testing.assert_array_equal(one[key], other[key], err_msg=key)
    # The loader's shares, row after row, are the images in their order.
    gan = CASES[0].build()
    images = float_images(48).reshape(3, 8, 2, 8, 8, 1).swapaxes(1, 2).reshape(48, 8, 8, 1)
    gan.fit(images, batch_size=16, shuffle=False, verbose=0)
    for number, array in enumerate(state(gan)):
        np.testing.assert_allclose(one[f"v{number}"], array, rtol=2e-5, atol=2e-5)
    assert "empty: ValueError: `x` is empty" in first
    assert "empty: RuntimeError: Process 0 of 2 has failed: ValueError: `x` is empty" in second
    for what in ("lengths", "arguments"):
        assert f"{what}: RuntimeError: Process 1 of 2 has failed" in first
        assert f"{what}: ValueError: " in second
    assert "number of batches is 2 on the first process and 3 on process 1" in second
    assert "`batch_size` is 8 on the first process and 9 on process 1" in second
