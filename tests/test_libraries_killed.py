"""Data of other libraries in processes that are killed, and go on in processes of their own."""

import os
import signal

import keras
import numpy as np
import pytest
import torch
from PIL import Image

from keras_egan import callbacks, datasets
from tests.forked import Forked, ended
from tests.group import Kill
from tests.interrupted import BATCH, STEPS, build, train
from tests.registry import uint8_images, weights
from tests.test_libraries import SHUFFLED, counted

FOLDER = "Keras's folder, by Grain"
NAMES = [*SHUFFLED, FOLDER]


def source(name, photos):
    """Returns a kind of data; Keras gives a folder's images as floats from 0 to 255."""
    if name != FOLDER:
        return SHUFFLED[name]()
    given = keras.utils.image_dataset_from_directory(
        photos,
        labels=None,
        color_mode="grayscale",
        batch_size=BATCH,
        image_size=(8, 8),
        seed=6,
        verbose=False,
        format="grain",
    )
    return datasets.load(given)


def run(folder, name, seed, kill_at):
    """The function of each process. Data and backups must not depend on the backend's seed."""
    gan = build()
    keras.utils.set_random_seed(seed)
    torch.manual_seed(seed)  # Keras does so on PyTorch only
    given = {"data": source(name, folder.parent / "photos"), **counted(name)}
    if name == FOLDER:
        given["steps_per_epoch"] = STEPS
    backup = callbacks.Backup(folder / "b", every=3)
    history = train(gan, backup, Kill(kill_at, signal.SIGKILL), **given)
    figures = [np.array(values) for _, values in sorted(history.items())]
    np.savez(folder / "end.npz", *weights(gan), *figures)


@pytest.mark.nightly
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("name", NAMES)
def test_a_killed_training_ends_like_one_that_was_not(name, tmp_path):
    step = int(np.random.default_rng(NAMES.index(name)).integers(3, 4 * STEPS))
    for kind in ("whole", "killed"):
        (tmp_path / kind).mkdir()
    (tmp_path / "photos").mkdir()
    for index, image in enumerate(uint8_images()[..., 0]):
        Image.fromarray(image).save(tmp_path / f"photos/{index}.png")
    ended([Forked(tmp_path / "whole.log", run, tmp_path / "whole", name, 0, None)])
    killed = Forked(tmp_path / "killed.log", run, tmp_path / "killed", name, 0, step)
    printed = killed.wait()
    assert killed.exitcode == -signal.SIGKILL, printed[-3000:]
    last = Forked(tmp_path / "last.log", run, tmp_path / "killed", name, 1, None)
    assert "Resumed from" in ended([last])[0]
    one, other = (np.load(tmp_path / kind / "end.npz") for kind in ("whole", "killed"))
    assert one.files == other.files
    for key in one.files:
        np.testing.assert_array_equal(other[key], one[key])
