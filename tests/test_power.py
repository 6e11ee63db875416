"""A loss of power: what was not synced is gone, and a training loses at most its newest backup."""

import os
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from keras_egan import callbacks
from keras_egan.saving import files
from tests.conftest import on
from tests.interrupted import build, train
from tests.registry import weights

pytestmark = [
    on("torch"),
    pytest.mark.skipif(sys.platform != "linux", reason="/proc names the files"),
    pytest.mark.filterwarnings("ignore:.* is damaged:UserWarning"),
]
KEPT = ["nothing", "names", "names and halves"]
"""The part of what was not synced that is still on the disk."""


class Cut(BaseException):
    """The loss of power."""


class Power:
    """A disk that loses power at a call of `os.fsync`, `os.replace` or `os.unlink`.

    Of a file it keeps the bytes of the last `os.fsync`, and of a folder the names of then. It may
    also keep the newest names, and of files that were never synced the first half.
    """

    def __init__(self, monkeypatch, fails_at):
        self.data, self.names, self.left = {}, {}, fails_at
        for name in ("fsync", "replace", "unlink"):
            monkeypatch.setattr(os, name, self.counted(getattr(os, name)))

    def counted(self, call):
        def function(*arguments, **options):
            if not self.left:
                raise Cut
            self.left -= 1
            call(*arguments, **options)
            if call.__name__ == "fsync":
                self.sync(Path(os.readlink(f"/proc/self/fd/{arguments[0]}")))

        return function

    def sync(self, path):
        if path.is_dir():
            self.names[path] = {inner.name: inner.stat().st_ino for inner in path.iterdir()}
        else:
            self.data[path.stat().st_ino] = path.read_bytes()

    def image(self, folder, image, kept):
        """Writes what is left of a folder to another one."""
        image.mkdir()
        if folder.name not in self.names.get(folder.parent, {}):
            return
        present = {inner.name: inner.stat().st_ino for inner in folder.iterdir()}
        names = self.names.get(folder, {}) if kept == "nothing" else present
        halves = {}
        if kept == "names and halves":
            for inner in folder.iterdir():
                data = inner.read_bytes()
                halves[inner.stat().st_ino] = data[: len(data) // 2]
        for name, inode in names.items():
            (image / name).write_bytes(self.data.get(inode, halves.get(inode, b"")))


@pytest.mark.parametrize("kept", KEPT)
def test_no_backup_that_was_written_is_lost(kept, tmp_path, monkeypatch):
    for fails_at in range(30):
        folder = tmp_path / str(fails_at) / "b"
        written = []
        with monkeypatch.context() as patched:
            power = Power(patched, fails_at)
            backup = callbacks.Backup(folder)
            with suppress(Cut), backup.reserved():
                for step in range(1, 5):
                    arrays = {"weights": np.full(100, step)}
                    backup.write({"step": step, "epoch": 0}, arrays)
                    written.append(step)
                raise Cut
        power.image(folder, tmp_path / f"image{fails_at}", kept)
        found = callbacks.Backup(tmp_path / f"image{fails_at}").newest()
        step = found.metadata["step"] if found else 0
        assert step in (len(written), len(written) + 1)
        if found:
            np.testing.assert_array_equal(found.arrays["weights"], np.full(100, step))
    assert len(written) == 4


@pytest.mark.parametrize("kept", KEPT)
def test_a_training_resumes_and_ends_like_one_that_was_not_cut(kept, tmp_path, monkeypatch):
    whole = build()
    expected = train(whole, epochs=2)
    resumed = set()
    for fails_at in range(4, 44, 4):
        folder, image = tmp_path / str(fails_at) / "b", tmp_path / f"image{fails_at}"
        with monkeypatch.context() as patched:
            power = Power(patched, fails_at)
            with pytest.raises(Cut):
                train(build(), callbacks.Backup(folder, every=1), epochs=2)
        power.image(folder, image, kept)
        found = callbacks.Backup(image).newest()
        resumed.add(found.metadata["step"] if found else 0)
        gan = build()
        assert train(gan, callbacks.Backup(image), epochs=2) == expected
        assert all(map(np.array_equal, weights(whole), weights(gan)))
    assert len(resumed) > 5


@pytest.mark.parametrize("kept", KEPT)
def test_a_file_is_the_old_one_or_the_new_one(kept, tmp_path, monkeypatch):
    for fails_at in range(10):
        folder = tmp_path / str(fails_at)
        path, states = folder / "gan.keras", [b"old" * 100, b"new" * 200]
        done = 0
        with monkeypatch.context() as patched:
            power = Power(patched, fails_at)
            with suppress(Cut):
                for state in states:
                    files.write(path, state)
                    done += 1
        power.image(folder, tmp_path / f"image{fails_at}", kept)
        left = tmp_path / f"image{fails_at}" / path.name
        found = left.read_bytes() if left.exists() else None
        assert found in [None, *states][done : done + 2]
    assert done == 2
