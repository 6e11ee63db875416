"""Trainings that are stopped and resumed."""

import functools
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_egan import callbacks, datasets
from tests.conftest import few, on
from tests.crash import EPOCHS, STEPS
from tests.interrupted import Stateless
from tests.registry import CASES, EAGERLY, uint8_images, weights


@pytest.mark.nightly  # test_distributed kills processes in the quick suite
@on("torch")
def test_killed_at_random_steps_it_ends_like_one_that_was_not(tmp_path):
    steps = np.random.default_rng(0).choice(np.arange(1, EPOCHS * STEPS), 5, replace=False)
    process = subprocess.run(
        [sys.executable, "-m", "tests.crash", tmp_path, *map(str, steps)],
        cwd=Path(__file__).parent.parent,
        env={
            **os.environ,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        },
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    assert process.stdout.count("Resumed from") > 5
    for name in ("began", "magan"):
        whole, killed = (tmp_path / name / kind for kind in ("whole", "killed"))
        text = (whole / "log.csv").read_text()
        assert len(text.splitlines()) == 1 + EPOCHS * STEPS
        assert (killed / "log.csv").read_text() == text
        with np.load(whole / "end.npz") as one, np.load(killed / "end.npz") as other:
            assert one.files == other.files
            for key in one.files:
                np.testing.assert_array_equal(one[key], other[key])


class Stop(Stateless):
    """Interrupt training before a step."""

    def __init__(self, at):
        super().__init__()
        self.at = at

    def on_epoch_begin(self, epoch, logs=None):
        self.first = int(self.model.step)

    def on_train_batch_begin(self, batch, logs=None):
        if self.first + batch == self.at:
            raise KeyboardInterrupt


@functools.cache
def uninterrupted():
    return train(uint8_images(50), batch_size=16, epochs=3)


def train(data, *extra, **arguments):
    """Return all weights, and the logs of every completed epoch."""
    gan, logs = CASES[0].build(**EAGERLY), {}
    keep = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, values: logs.__setitem__(epoch, dict(values))
    )
    gan.fit(data, verbose=0, callbacks=[*extra, keep], **arguments)
    return weights(gan), logs


SOURCES = {
    "an array": (lambda: uint8_images(50), {"batch_size": 16}),
    "steps_per_epoch": (lambda: uint8_images(50), {"batch_size": 16, "steps_per_epoch": 3}),
    "loaded": (lambda: datasets.load(uint8_images(50), batch_size=16, seed=3), {}),
    "another dataset": (lambda: Numbered(), {"shuffle": False}),
}


class Numbered(keras.utils.PyDataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return (uint8_images(16, seed=index),)


@pytest.mark.parametrize("source", few(SOURCES, "an array", "another dataset"))
def test_it_goes_on_at_the_very_step(source, tmp_path, capsys):
    make, arguments = SOURCES[source]
    arguments = (
        {"epochs": 3, "shuffle": False, **arguments}
        if source == "another dataset"
        else {"epochs": 3, **arguments}
    )
    expected = train(make(), **arguments)
    # Both stops are in the middle of an epoch, which has 4 steps or 3.
    for at in (3, 5 if "steps_per_epoch" in arguments else 7):
        with pytest.raises(KeyboardInterrupt):
            train(make(), callbacks.Backup(tmp_path / "b", every=2), Stop(at), **arguments)
    found = train(make(), callbacks.Backup(tmp_path / "b", every=2), **arguments)
    assert "Resumed from" in capsys.readouterr().out
    assert found[1] == {epoch: expected[1][epoch] for epoch in found[1]}
    assert sorted(found[1]) == [1, 2]  # epoch 1 was resumed
    for one, other in zip(expected[0], found[0], strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(list((tmp_path / "b").iterdir())) == 1  # that of the end


def test_keras_own_backup_goes_on_at_the_epoch(tmp_path):
    data, arguments = uint8_images(50), {"batch_size": 16, "epochs": 3}
    expected = uninterrupted()
    with pytest.raises(KeyboardInterrupt):
        train(data, keras.callbacks.BackupAndRestore(tmp_path), Stop(6), **arguments)
    found = train(data, keras.callbacks.BackupAndRestore(tmp_path), **arguments)
    assert found[1] == {epoch: expected[1][epoch] for epoch in (1, 2)}
    for one, other in zip(expected[0], found[0], strict=True):
        np.testing.assert_array_equal(one, other)


def damage_weights(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def halve_an_array(path):
    """Damage a header so that NumPy reads half of the bytes and never sees the checksum."""
    data = path.read_bytes()
    assert b"<f4" in data
    path.write_bytes(data.replace(b"<f4", b"<f2", 1))


def cut_weights(path):
    path.write_bytes(path.read_bytes()[:1000])


@on("torch")
@pytest.mark.parametrize(
    "damage",
    [damage_weights, halve_an_array, cut_weights, lambda path: path.write_bytes(b"")],
)
def test_a_damaged_backup_is_passed_over(damage, tmp_path, capsys):
    arguments = {"batch_size": 16, "epochs": 3}
    expected = uninterrupted()
    with pytest.raises(KeyboardInterrupt):
        train(uint8_images(50), callbacks.Backup(tmp_path / "b", every=2), Stop(7), **arguments)
    (tmp_path / "b" / ".0000000008-000001.123.npz").touch()  # half-written
    newest = sorted((tmp_path / "b").glob("0*"))[-1]
    damage(newest)
    with pytest.warns(UserWarning, match=f"{newest.name} is damaged; trying the previous backup"):
        found = train(uint8_images(50), callbacks.Backup(tmp_path / "b"), **arguments)
    assert "Resumed from" in capsys.readouterr().out
    for one, other in zip(expected[0], found[0], strict=True):
        np.testing.assert_array_equal(one, other)


@on("torch")
@pytest.mark.filterwarnings("ignore:.* is damaged:UserWarning")
def test_no_whole_backup_is_an_error(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(uint8_images(50), callbacks.Backup(tmp_path / "b", every=1), Stop(3), batch_size=16)
    for path in (tmp_path / "b").glob("0*"):
        damage_weights(path)
    with pytest.raises(ValueError, match=r"All backups in .* are damaged"):
        train(uint8_images(50), callbacks.Backup(tmp_path / "b"), batch_size=16)


@on("torch")
def test_what_is_not_a_backup_is_left_alone(tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "2026-11").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("mine")
    train(uint8_images(50), callbacks.Backup(tmp_path, every=2), batch_size=16)
    left = ["0000000004-000001.npz", "2026-11", "notes"]
    assert sorted(path.name for path in tmp_path.iterdir()) == left
    assert (tmp_path / "notes" / "a.txt").read_text() == "mine"


@on("torch")
def test_bad_arguments_are_refused(tmp_path):
    with pytest.raises(ValueError, match="`every` must be a whole number, 1 or more; got 0"):
        callbacks.Backup(tmp_path, every=0)


@on("jax")
def test_a_backup_fetches_each_weight_once(tmp_path, monkeypatch):
    gan = CASES[0].build()
    kernel, convert = gan.generator.trainable_variables[0], keras.ops.convert_to_numpy
    fetched, counts = [], []

    def noted(value):
        fetched.append(value is kernel)
        return convert(value)

    class Counting(Stateless, callbacks.Backup):
        def write(self, *arguments):
            counts.append(sum(fetched))
            fetched.clear()
            super().write(*arguments)

    monkeypatch.setattr(keras.ops, "convert_to_numpy", noted)
    backup = Counting(tmp_path)
    gan.fit(uint8_images(16), batch_size=8, epochs=2, verbose=0, callbacks=[backup])
    assert counts == [1, 1]
