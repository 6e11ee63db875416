"""Run benchmarks as scripts in a folder of their own, with made-up digits."""

import importlib
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import on

ROOT = Path(__file__).parent.parent / "benchmarks"
MARKS = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:For a whole epoch:UserWarning"),
]


def once(test):
    return pytest.mark.nightly(on("tensorflow")(test))


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(ROOT)
    yield
    for path in ROOT.glob("*.py"):
        sys.modules.pop(path.stem, None)


def run(monkeypatch, capsys, name, *arguments):
    """Run a benchmark's script, and return its output."""
    monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
    runpy.run_path(str(ROOT / f"{name}.py"), run_name="__main__")
    return capsys.readouterr().out


def made_up(n, side=28, channels=1, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, side, side, channels), dtype="uint8"), rng.integers(0, 10, n)


@pytest.fixture(name="digits")
def digits_of_a_classifier(monkeypatch):
    """Provide a few made-up digits in place of MNIST, and a classifier that need not be good."""
    classifiers = importlib.import_module("classifiers")
    monkeypatch.setattr(
        classifiers, "load", lambda dataset, split, data_dir=None: made_up(160, seed=len(split))
    )
    monkeypatch.setattr(classifiers, "LEAST", {"mnist": 0.0, "fashion_mnist": 0.0})
    monkeypatch.setattr(classifiers.classifier, "__defaults__", (None, Path("classifiers")))
