"""The scripts of `examples/distributed`, run by their launchers."""

import argparse
import contextlib
import os
import re
import runpy
import signal
import subprocess
import sys
from types import SimpleNamespace

import keras
import pytest

from tests.conftest import on
from tests.forked import TIMEOUT
from tests.test_distributed import BACKEND, ROOT

LAUNCHERS = {
    "tensorflow": [["tensorflow_mirrored.py", "--devices", "2"]],
    "jax": [["jax_processes.py", "--processes", "2"], ["jax_model_parallel.py"]],
    "torch": [["-m", "torch.distributed.run", "--nproc-per-node", "2", "torch_processes.py"]],
}


@pytest.mark.nightly
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
    """NCCL refuses two processes on one GPU. A process that chose otherwise would wait forever."""
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
