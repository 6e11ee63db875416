"""Benchmarks of time and machines run to the end on made-up data; their figures do not matter."""

import importlib
import json
import os
import re
import subprocess
import sys

import keras
import numpy as np
import pytest

from tests.conftest import on
from tests.scripts import (
    MARKS,
    ROOT,
    in_a_folder_of_its_own,  # noqa: F401, fixtures
    once,
    run,
)

pytestmark = MARKS


@pytest.mark.parametrize(
    ("gan", "network", "settings"),
    [
        pytest.param(
            "began", "began", '{"filters": 1}', marks=[on("tensorflow"), pytest.mark.nightly]
        ),
        pytest.param(
            "ebgan",
            "dcgan_autoencoder",
            '{"filters": 1}',
            marks=[on("jax"), pytest.mark.nightly],
        ),
        pytest.param("least_squares", "mlp", '{"units": 4}', marks=on("torch")),
    ],
)
def test_step_time(gan, network, settings, monkeypatch, capsys):
    flags = ("--gan", gan, "--network", network, "--network-settings", settings)
    turns = ("--rounds", 1, "--steps", 3, "--batch-size", 4, "--callbacks", "--half")
    row = json.loads(run(monkeypatch, capsys, "step_time", *flags, *turns).splitlines()[-1])
    assert row["backend"] == keras.backend.backend()
    assert row["native"]["to_native"] == 1.0
    for name in ("fit", "one_pass", "fit_half"):
        assert row[name]["to_native"] == pytest.approx(row[name]["ms"] / row["native"]["ms"], 1e-2)


@pytest.mark.parametrize(
    ("device", "checks", "expected"),
    [
        pytest.param(
            "cpu",
            ["default fit", "on the device", "BEGAN-CS", "NaN", "used", "waits"],
            "passed",
            marks=[on("jax"), pytest.mark.nightly],
        ),
        pytest.param(
            "simulated",
            ["on the device", "EBGAN", "waits"],
            "passed",
            marks=[on("torch"), pytest.mark.nightly],
        ),
        pytest.param("gpu", ["seen"], "FAILED", marks=on("torch")),  # because there is none
    ],
)
def test_gpu_check(device, checks, expected, tmp_path):
    command = [sys.executable, str(ROOT / "gpu_check.py"), "--device", device, "--only", *checks]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "PYTHONPATH": str(ROOT.parent)}
    process = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert process.returncode == (expected == "FAILED"), process.stderr[-3000:]
    rows = [line.strip("| ").split(" | ") for line in process.stdout.splitlines() if "|" in line]
    assert [name for name, *_ in rows[2:]] == checks
    results = {name: result for name, result, *_ in rows[2:]}
    if device == "cpu":
        assert results.pop("waits") == "not applicable"
    assert set(results.values()) == {expected}
    if device == "simulated":
        assert re.search(r"[1-9][0-9.]* to", process.stdout)  # at least one copy per step


@on("torch")
@pytest.mark.parametrize("source", ["folder", "array"])
def test_data(source, monkeypatch, capsys):
    row = json.loads(run(monkeypatch, capsys, "data", source, "--images", 192, "--rounds", 1))
    better = max(row.get("DataLoader", 0), row["tf.data"])
    assert row["load to better"] == pytest.approx(row["load"] / better, abs=2e-3)


@once
def test_growth(monkeypatch, capsys):
    row = json.loads(run(monkeypatch, capsys, "growth", "--steps", 40))
    assert len(row["MiB"]) > 20
    assert row["growth after the fifth reading"] == row["MiB"][-1] - row["MiB"][4]


@once
def test_backup(monkeypatch, capsys):
    printed = run(monkeypatch, capsys, "backup", "--mebibytes", 1, "--repeats", 2)
    assert " 1 MiB, seconds:" in printed
    found = re.findall(r"^(a .*?) +median \d+\.\d\d, longest \d+\.\d\d$", printed, re.MULTILINE)
    assert found == ["a backup", "a copy alone"]


@once
def test_start_up(monkeypatch, capsys):
    monkeypatch.setenv("KERAS_BACKEND", keras.backend.backend())
    row = json.loads(run(monkeypatch, capsys, "start_up", "--rounds", 1))
    assert row["until the first step is done"] > row["keras"] > 0


def test_the_loops_by_hand_learn_what_fit_learns(monkeypatch):
    """From the same weights, energies are of the same size after a step. The latents differ."""
    loops = importlib.import_module("native_loops")
    import keras_egan
    from keras_egan import networks

    def build():
        keras.utils.set_random_seed(0)
        return networks.dcgan_autoencoder((8, 8, 1), filters=2, latent_dim=4, embedding_dim=4)

    images = np.random.default_rng(0).uniform(-1, 1, (64, 8, 8, 1)).astype("float32")
    step = loops.LOOPS[keras.backend.backend()](*build(), "began", 64, False)
    gan = keras_egan.BEGAN(*build(), gamma=loops.GAMMA, lambda_k=loops.LAMBDA_K, seed=0)
    gan.compile(keras.optimizers.Adam(loops.RATE), keras.optimizers.Adam(loops.RATE))
    for _ in range(3):
        real, fake = map(float, step(images))
        logs = gan.train_on_batch(images, return_dict=True)
    assert float(logs["real_energy"]) == pytest.approx(real, rel=0.01)
    assert float(logs["fake_energy"]) == pytest.approx(fake, rel=0.1)


@on("torch")
def test_flops(monkeypatch, capsys):
    said = run(monkeypatch, capsys, "flops", "--image-size", 8, "--filters", 1)
    assert "| convnet, 1, critic |" in said
    assert "| residual, 1 |" in said
