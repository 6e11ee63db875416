"""Data of other libraries in processes that are killed, and go on in processes of their own."""

import os
import signal

import keras
import numpy as np
import pytest

from keras_egan import callbacks
from tests.forked import Forked, ended
from tests.group import Kill
from tests.interrupted import STEPS, build, train
from tests.registry import weights
from tests.test_libraries import SHUFFLED, counted

NAMES = [*SHUFFLED]


def run(folder, name, seed, kill_at):
    """What a process calls. Data and backups must not depend on the backend's seed."""
    gan = build()
    keras.utils.set_random_seed(seed)
    given = {"data": SHUFFLED[name](), **counted(name)}
    backup = callbacks.Backup(folder / "b", every=3)
    history = train(gan, backup, Kill(kill_at, signal.SIGKILL), **given)
    figures = [np.array(values) for _, values in sorted(history.items())]
    np.savez(folder / "end.npz", *weights(gan), *figures)


@pytest.mark.nightly
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("name", NAMES)
def test_a_killed_training_ends_like_one_that_was_not(name, tmp_path):
    rng = np.random.default_rng(NAMES.index(name))
    steps = np.sort(rng.choice(np.arange(3, 4 * STEPS), 2, replace=False)).tolist()
    for kind in ("whole", "killed"):
        (tmp_path / kind).mkdir()
    ended([Forked(tmp_path / "whole.log", run, tmp_path / "whole", name, 0, None)])
    for seed, step in enumerate(steps):
        killed = Forked(tmp_path / f"{step}.log", run, tmp_path / "killed", name, seed, step)
        printed = killed.wait()
        assert killed.exitcode == -signal.SIGKILL, printed[-3000:]
    last = Forked(tmp_path / "last.log", run, tmp_path / "killed", name, len(steps), None)
    assert "Resumed from" in ended([last])[0]
    one, other = (np.load(tmp_path / kind / "end.npz") for kind in ("whole", "killed"))
    assert one.files == other.files
    for key in one.files:
        np.testing.assert_array_equal(other[key], one[key])
