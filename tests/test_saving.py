"""`save` and `save_weights`: complete or not at all, synced to the disk."""

import errno
import os
import subprocess
import zipfile
from contextlib import suppress
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_egan
from keras_egan.saving import files
from tests.conftest import on
from tests.registry import CASES, state, tiny_networks, uint8_images


@pytest.fixture(scope="module")
def gan():
    gan = CASES[0].build()
    gan.fit(uint8_images(20), batch_size=10, verbose=0)
    return gan


@pytest.fixture(params=["gan.keras", "gan.weights.h5"])
def saved(request, gan, tmp_path):
    """An existing file, and the method that saves it again."""
    path = tmp_path / request.param
    save = gan.save if path.suffix == ".keras" else gan.save_weights
    save(path)
    return path, save


def same(one, other):
    return all(map(np.array_equal, state(one), state(other)))


def opened(path):
    if path.suffix == ".keras":
        return keras_egan.load(path)
    gan = CASES[0].build()
    gan.load_weights(path)
    return gan


def test_what_was_saved_comes_back(gan, saved):
    path, _ = saved
    assert same(opened(path), gan)
    assert [path.name for path in path.parent.iterdir()] == [path.name]


@on("torch")
@pytest.mark.parametrize("name", ["gan", "gan.h5", "gan.hdf5", "gan.keras.bak"])
@pytest.mark.parametrize("kind", ["save", "save_weights"])
def test_other_names_are_refused_with_the_line_that_works(kind, name, gan, tmp_path):
    line = r"`gan\.save\('gan\.keras'\)`"
    with pytest.raises(ValueError, match=rf"`filepath` must end in `\..*; got '.*{name}'.* {line}"):
        getattr(gan, kind)(tmp_path / name)
    with pytest.raises(ValueError, match="`filepath` must end in"):
        (gan.save_weights if kind == "save" else gan.save)(
            tmp_path / ("gan.keras" if kind == "save" else "gan.weights.h5")
        )
    assert not list(tmp_path.iterdir())


@on("torch")
def test_a_full_disk_is_named_and_leaves_the_older_file(saved, monkeypatch):
    path, save = saved
    before = path.read_bytes()

    def fsync(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    message = rf"'{path.name}' needs {len(before):,} bytes, but {path.parent} has only [\d,]+ free"
    with pytest.raises(OSError, match=message) as full:
        save(path)
    assert full.value.errno == errno.ENOSPC
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="root alone may mount")
def test_a_disk_that_is_really_full(gan, tmp_path):
    """HDF5 itself would crash the process, now or at exit."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("may not mount")
    try:
        gan.save_weights(tmp_path / "gan.weights.h5")
        free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
        (tmp_path / "other").write_bytes(b"x" * (free - 20_000))
        for save, name in ((gan.save, "gan.keras"), (gan.save_weights, "gan.weights.h5")):
            with pytest.raises(OSError, match=rf"'{name}' needs [\d,]+ bytes, but {tmp_path} has"):
                save(tmp_path / name)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["gan.weights.h5", "other"]
        assert same(opened(tmp_path / "gan.weights.h5"), gan)
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


@on("torch")
def test_another_error_of_the_disk_stays_what_it_is(saved, monkeypatch):
    path, save = saved
    monkeypatch.setattr(os, "replace", lambda *paths: os.rename("none", "nowhere"))
    with pytest.raises(FileNotFoundError):
        save(path)
    assert list(path.parent.iterdir()) == [path]


@on("torch")
def test_a_link_is_followed(gan, tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "newest.keras").symlink_to("runs/7.keras")
    gan.save(tmp_path / "newest.keras")
    assert (tmp_path / "newest.keras").is_symlink()
    assert same(keras_egan.load(tmp_path / "runs" / "7.keras"), gan)


def test_without_a_seed_the_order_of_images_goes_on(tmp_path):
    """A GAN without a given seed draws one, which its file keeps."""
    images = uint8_images(64)
    gan = keras_egan.BEGAN(*tiny_networks())
    gan.compile("sgd", keras.optimizers.SGD())
    gan.save(tmp_path / "gan.keras")
    other = keras_egan.load(tmp_path / "gan.keras")
    for one in (gan, other):
        one.fit(images, batch_size=16, epochs=2, verbose=0)
    assert all(map(np.array_equal, state(gan), state(other)))


@on("torch")
@pytest.mark.parametrize("answer", ["y", "n"])
def test_overwrite_asks(answer, saved, monkeypatch):
    path, save = saved
    path.write_text("older")
    monkeypatch.setattr("builtins.input", lambda question: answer)
    save(path, overwrite=False)
    assert (path.read_bytes() == b"older") == (answer == "n")


@on("torch")
def test_folders_and_shards_are_keras_own(gan, tmp_path):
    gan.save(tmp_path / "folder", zipped=False)
    assert same(keras.models.load_model(tmp_path / "folder"), gan)
    gan.save_weights(tmp_path / "gan.weights.json", max_shard_size=1e-5)
    other = CASES[0].build()
    other.load_weights(tmp_path / "gan.weights.json")
    assert same(other, gan)


@on("torch")
def test_a_damaged_archive_is_no_source_of_weights(gan, tmp_path):
    path = tmp_path / "gan.keras"
    gan.save(path)
    other = CASES[0].build()
    other.load_weights(path)
    assert same(other, gan)
    data, other = bytearray(path.read_bytes()), CASES[0].build()
    kernel = keras.ops.convert_to_numpy(gan.generator.weights[0]).tobytes()
    data[data.index(kernel)] ^= 1
    path.write_bytes(data)
    before = state(other)
    with pytest.raises(zipfile.BadZipFile, match="Bad CRC-32"):
        other.load_weights(path)
    assert all(map(np.array_equal, before, state(other)))


@on("torch")
def test_weights_of_a_model_that_is_not_compiled_and_of_another_shape(tmp_path):
    path = tmp_path / "gan.weights.h5"
    gan = keras_egan.BEGAN(*tiny_networks())
    gan.save_weights(path)
    other = keras_egan.BEGAN(*tiny_networks())
    other.load_weights(path)
    assert same_networks(gan, other)
    wider = keras_egan.BEGAN(tiny_networks(latent_dim=5)[0], tiny_networks()[1])
    with pytest.warns(UserWarning, match="could not be loaded"):
        wider.load_weights(path, skip_mismatch=True)
    np.testing.assert_array_equal(*(g.generator.get_weights()[2] for g in (gan, wider)))


def same_networks(one, other):
    return all(
        np.array_equal(a, b)
        for name in ("generator", "discriminator")
        for a, b in zip(
            getattr(one, name).get_weights(), getattr(other, name).get_weights(), strict=True
        )
    )


@on("torch")
def test_replacing_leaves_nothing_of_what_went_wrong(tmp_path):
    path = tmp_path / "new" / "figures.csv"
    with suppress(RuntimeError), files.replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert not list(path.parent.iterdir())
    with files.replacing(path) as temporary:
        temporary.write_text("whole")
    assert [file.read_text() for file in path.parent.iterdir()] == ["whole"]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="asks Linux which file it is")
def test_what_is_written_reaches_the_disk_before_its_name_and_the_name_after(tmp_path, monkeypatch):
    """Otherwise a power cut could leave the new name without contents, or the old file."""
    done, fsync, replace = [], os.fsync, os.replace

    def synced(descriptor):
        done.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        fsync(descriptor)

    def replaced(source, path):
        done.append("replace")
        replace(source, path)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    files.write(tmp_path / "a.csv", b"1")
    assert done == [f".a.{os.getpid()}.csv", "replace", tmp_path.name]
    done.clear()
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "b").write_text("2")
    files.move(tmp_path / "new", tmp_path / "folder")
    assert done == ["b", "new", "replace", tmp_path.name]


@on("torch")
def test_a_folder_takes_the_place_of_another(tmp_path):
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.txt").write_text(name)
    files.move(tmp_path / "new", tmp_path / "old")
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert [path.name for path in (tmp_path / "old").iterdir()] == ["new.txt"]
