"""Scripts of finished trainings that are run again: they continue from the end."""

import keras
import numpy as np
import pytest

import keras_egan
from keras_egan.callbacks import Backup, EquilibriumLogger, SampleGrid
from tests.conftest import few, on
from tests.interrupted import STEPS, build, cut_off, train
from tests.registry import weights


def files(folder):
    return [EquilibriumLogger(folder / "log.csv"), SampleGrid(folder / "samples", rows=1)]


@pytest.mark.parametrize("ends", few(["at the end", "again", "within"], "at the end"))
def test_with_more_epochs_it_ends_like_one_that_had_them_all(ends, tmp_path, capsys):
    whole, folder = build(), tmp_path / "b"
    expected = train(whole, *files(tmp_path / "whole"), epochs=5)
    train(build(), *files(tmp_path), Backup(folder), epochs=2)
    assert [path.name for path in folder.iterdir()] == ["0000000008-000002.npz"]
    if ends == "again":
        train(build(), *files(tmp_path), Backup(folder), epochs=3)
    elif ends == "within":
        cut_off(folder, 11, *files(tmp_path), epochs=5)
    gan = build()
    assert train(gan, *files(tmp_path), Backup(folder), epochs=5) == expected
    assert all(map(np.array_equal, weights(whole), weights(gan)))
    assert "Resumed from" in capsys.readouterr().out
    for name in ("log.csv", "samples/00000004.png", "samples/00000020.png"):
        assert (tmp_path / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@on("torch")
def test_with_no_more_epochs_its_end_is_restored_and_said(tmp_path, capsys):
    first, gan = build(), build()
    expected = train(first, *files(tmp_path), Backup(tmp_path / "b"), epochs=2)
    assert train(gan, *files(tmp_path), Backup(tmp_path / "b"), epochs=2) == expected
    assert all(map(np.array_equal, weights(first), weights(gan)))
    said = capsys.readouterr().out
    assert "This training has ended, after step 8: " in said
    assert "Pass more `epochs` to go on, or delete the folder to train anew." in said
    with pytest.raises(ValueError, match=r"`epochs` is 1, but the backup .* is of epoch 3"):
        train(build(), Backup(tmp_path / "b"), epochs=1)


@on("torch")
def test_one_that_a_callback_ended_stays_ended(tmp_path, capsys):
    def stopping():
        return keras.callbacks.EarlyStopping("d_loss", mode="min", patience=0, min_delta=1e9)

    train(build(), stopping(), Backup(tmp_path / "b"))
    assert len(train(build(), stopping(), Backup(tmp_path / "b"), epochs=9)["d_loss"]) == 2
    assert "000002.npz. Delete the folder to train anew." in capsys.readouterr().out


@on("torch")
def test_a_further_fit_of_the_same_gan_trains_further(tmp_path, capsys):
    gan = build()
    for fits in (1, 2):
        assert len(train(gan, Backup(tmp_path / "b"), epochs=2)["d_loss"]) == 2
        assert int(gan.step) == fits * 2 * STEPS
        assert ("is deleted" in capsys.readouterr().out) == (fits == 2)
    again = build()
    train(again, Backup(tmp_path / "b"), epochs=2)  # the first of a script with two calls of fit
    assert int(again.step) == 2 * STEPS
    cut_off(tmp_path / "b", 13, gan=again, epochs=2)
    train(again, Backup(tmp_path / "b"), epochs=2)
    assert all(map(np.array_equal, weights(gan), weights(again)))


@on("torch")
def test_a_loaded_gan_goes_on_as_it_would_have_done(tmp_path):
    whole, first = build(), build()
    train(whole, epochs=3)
    train(first, epochs=2)
    first.save(tmp_path / "gan.keras")
    gan = keras_egan.load(tmp_path / "gan.keras")
    train(gan, epochs=3, initial_epoch=2)
    assert all(map(np.array_equal, weights(whole), weights(gan)))
