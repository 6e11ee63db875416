"""Trainings that go wrong: values that are not finite, and disks that are full."""

import json
import warnings

import keras
import numpy as np
import pytest

from keras_egan import callbacks
from tests.conftest import on
from tests.interrupted import STEPS, Stateless, build, train
from tests.registry import uint8_images


class Poison(Stateless):
    """Make a weight NaN before a step."""

    def __init__(self, at):
        super().__init__()
        self.at = at

    def on_train_batch_begin(self, batch, logs=None):
        if self.model.fit_state.epoch_start + batch == self.at:
            variable = self.model.generator.trainable_variables[0]
            variable.assign(np.full(variable.shape, np.nan))


@on("torch")
def test_no_backup_is_made_of_values_that_are_not_finite(tmp_path):
    backup = callbacks.Backup(tmp_path / "b", every=1)
    with pytest.warns(UserWarning, match="NaN or infinite after 7 steps: no backup is made"):
        train(build(), Poison(6), backup, epochs=3)
    paths = sorted((tmp_path / "b").glob("0*"))
    assert [path.name[:10] for path in paths] == ["0000000005", "0000000006"]
    for path in paths:
        with np.load(path) as arrays:
            assert all(np.isfinite(arrays[key]).all() for key in arrays.files)


@on("torch")
def test_a_full_disk_is_an_error_that_names_the_folder(tmp_path, monkeypatch):
    import errno

    backup = callbacks.Backup(tmp_path / "b", every=1)
    whole = np.savez
    written = []

    def full(file, **arrays):
        if len(written) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(file)
        whole(file, **arrays)

    monkeypatch.setattr("keras_egan.callbacks._backup.np.savez", full)
    with pytest.raises(OSError, match=r"cannot be written to .*b: the disk is full"):
        train(build(), backup)
    assert len(list((tmp_path / "b").iterdir())) == 2  # the last two backups, and no partial files
    monkeypatch.undo()
    assert train(build(), callbacks.Backup(tmp_path / "b")) == train(build())


@pytest.mark.parametrize("call", ["fit", "evaluate"])
def test_weights_stay_where_the_first_step_cannot_be_compiled(call, monkeypatch):
    """A user interrupts it, or memory is short. JAX's weights are outside the model then."""

    def fails(*args, **kwargs):
        raise KeyboardInterrupt

    def trained():
        parts = gan.generator, gan.discriminator, gan.optimizer
        return [np.array(variable) for part in parts for variable in part.variables]

    gan = build()
    train(gan, epochs=1)
    before = trained()
    gan.make_train_function(force=True)
    monkeypatch.setattr(gan, "score", fails)
    with pytest.raises(KeyboardInterrupt):
        getattr(gan, call)(uint8_images(50), verbose=0)
    assert all(map(np.array_equal, before, trained()))
    monkeypatch.undo()
    train(gan, epochs=1)


@on("torch")
def test_terminate_on_nan_ends_the_training_and_the_good_backup_stays(tmp_path):
    gan = build()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        history = train(
            gan, keras.callbacks.TerminateOnNaN(), Poison(6), callbacks.Backup(tmp_path / "b")
        )
    assert len(history["d_loss"]) == 2
    (path,) = (tmp_path / "b").glob("0*")
    with np.load(path) as arrays:
        metadata = json.loads(arrays["metadata"].tobytes())
    assert (metadata["epoch"], metadata["step"]) == (1, STEPS)
    assert np.isfinite(float(gan.k_t))
