"""One training, however often it is cut off: callbacks, history, files, and other trainings."""

import json
import warnings

import keras
import numpy as np
import pytest

from keras_egan import callbacks, datasets
from tests.registry import CASES, EAGERLY, uint8_images, weights

BATCH, STEPS = 16, 4  # an epoch is 50 images


class Stop(keras.callbacks.Callback):
    """Interrupts training before a step; it remembers nothing."""

    def __init__(self, at):
        super().__init__()
        self.at = at

    def on_train_batch_begin(self, batch, logs=None):
        if self.model.epoch_start + batch == self.at:
            raise KeyboardInterrupt


def adam():
    """Returns an optimizer whose name, and so its key in the history, is always the same."""
    return keras.optimizers.Adam(1e-3, name="adam")


def build(**arguments):
    return CASES[0].build(adam, **{**EAGERLY, **arguments})


def train(gan, *extra, data=None, **arguments):
    data = uint8_images(50) if data is None else data
    arguments = {"batch_size": BATCH, "epochs": 4, "verbose": 0, **arguments}
    return gan.fit(data, callbacks=list(extra), **arguments).history


def cut_off(folder, at, *extra, gan=None, **arguments):
    with pytest.raises(KeyboardInterrupt):
        train(gan or build(), *extra, callbacks.Backup(folder, every=1), Stop(at), **arguments)


def test_callbacks_go_on_with_what_they_remember(tmp_path, capsys):
    """Rates and patience at the end, and the history, are those of a training never stopped."""

    def memories():
        plateau = keras.callbacks.ReduceLROnPlateau(
            "real_energy", mode="min", factor=0.5, patience=1, min_delta=10.0
        )
        stopping = keras.callbacks.EarlyStopping(
            "real_energy", mode="min", patience=4, min_delta=10.0, restore_best_weights=True
        )
        return plateau, stopping

    whole = build()
    expected = train(whole, *memories(), epochs=8)
    for at in (6, 9, 14):
        cut_off(tmp_path / "b", at, *memories(), epochs=8)
    gan = build()
    found = train(gan, *memories(), callbacks.Backup(tmp_path / "b"), epochs=8)
    assert found == expected
    assert len(found["d_loss"]) == 5  # stopped by the patience that went on
    assert all(map(np.array_equal, weights(whole), weights(gan)))
    assert float(gan.g_optimizer.learning_rate) < 1e-3 * 0.5**3
    assert capsys.readouterr().out.count("Resumed from") == 3


def test_a_schedule_is_not_applied_again_within_an_epoch(tmp_path):
    def schedule():
        return keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.9 * rate)

    for at in (2, 6, 7, 10):
        cut_off(tmp_path / "b", at, schedule())
    gan = build()
    train(gan, schedule(), callbacks.Backup(tmp_path / "b"))
    assert float(gan.g_optimizer.learning_rate) == pytest.approx(1e-3 * 0.9**4, rel=1e-5)


def test_a_resumed_training_has_one_history_one_beginning_and_one_end(tmp_path):
    class Events(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()

        def note(self, *event):
            events.append(event)

        def on_train_begin(self, logs=None):
            self.note("begin")

        def on_train_end(self, logs=None):
            self.note("end")

        def on_epoch_end(self, epoch, logs=None):
            self.note("epoch", epoch)

        def on_train_batch_end(self, batch, logs=None):
            self.note("batch", batch)

    events = []
    expected = train(build())
    cut_off(tmp_path / "b", 6, Events())
    events.clear()
    found = train(build(), Events(), callbacks.Backup(tmp_path / "b"))
    batches = [("batch", 2), ("batch", 3), ("epoch", 1)]
    for epoch in (2, 3):
        batches += [*(("batch", i) for i in range(STEPS)), ("epoch", epoch)]
    assert events == [("begin",), *batches, ("end",)]
    assert found == expected


def test_user_settings_of_a_callback_are_not_undone(tmp_path):
    """What a callback was made with is the user's; what it counted is not."""
    cut_off(tmp_path / "b", 9, keras.callbacks.EarlyStopping("d_loss", mode="min", patience=50))
    stopping = keras.callbacks.EarlyStopping("d_loss", mode="min", patience=60)
    train(build(), stopping, callbacks.Backup(tmp_path / "b"))
    assert stopping.patience == 60
    assert stopping.best < np.inf


def test_a_dataset_for_training_and_validation_is_validated_whole(tmp_path):
    def loaded():
        return datasets.load(uint8_images(50), batch_size=BATCH, seed=3)

    data = loaded()
    expected = train(build(), data=data, validation_data=data)
    data = loaded()
    cut_off(tmp_path / "b", 6, data=data, validation_data=data)
    data = loaded()
    found = train(build(), callbacks.Backup(tmp_path / "b"), data=data, validation_data=data)
    assert found == expected
    assert len(data) == STEPS


def test_evaluation_after_endless_epochs_ends():
    gan, data = build(), datasets.load(uint8_images(50), batch_size=BATCH)
    train(gan, data=data, epochs=1, steps_per_epoch=2, validation_data=data)
    assert gan.evaluate(data, verbose=0)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"data": uint8_images(40)}, "number of images was 50 and is 40"),
        ({"data": uint8_images(50, seed=9)}, "images was 'checksum .*' and is 'checksum"),
        ({"batch_size": 64}, "`batch_size` was 16 and is 64"),
        ({"steps_per_epoch": 2}, "`steps_per_epoch` was None and is 2"),
        ({"gan": {"gamma": 0.9}}, "`gamma` was 0.5 and is 0.9"),
        ({"gan": {"generator_average": 0.9}}, "`generator_average` was None and is 0.9"),
    ],
)
def test_another_training_does_not_go_on_from_a_backup(changed, message, tmp_path):
    cut_off(tmp_path / "b", 6)
    names = sorted(path.name for path in (tmp_path / "b").iterdir())
    gan = build(**changed.pop("gan", {}))
    before = weights(gan)
    with pytest.raises(ValueError, match=f"backup of another training: .*{message}"):
        train(gan, callbacks.Backup(tmp_path / "b"), **changed)
    assert all(map(np.array_equal, before, weights(gan)))
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == names
    train(build(), callbacks.Backup(tmp_path / "b"))  # the first goes on


def test_fewer_epochs_than_are_done_are_refused_and_more_are_not(tmp_path):
    cut_off(tmp_path / "b", 9)
    with pytest.raises(ValueError, match=r"`epochs` is 2, but the backup in .* is of epoch 3"):
        train(build(), callbacks.Backup(tmp_path / "b"), epochs=2)
    assert len(train(build(), callbacks.Backup(tmp_path / "b"), epochs=5)["d_loss"]) == 5


def test_a_new_learning_rate_is_said_to_be_left_out(tmp_path):
    cut_off(tmp_path / "b", 6)
    gan = build()
    gan.compile(keras.optimizers.Adam(5e-4), keras.optimizers.Adam(1e-3), **EAGERLY)
    with pytest.warns(UserWarning, match="d_optimizer's `learning_rate` is 0.0005, but .* 0.001"):
        train(gan, callbacks.Backup(tmp_path / "b"))
    assert float(gan.d_optimizer.learning_rate) == pytest.approx(1e-3)


def test_two_trainings_at_once_in_one_folder_are_refused(tmp_path):
    class Second(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            with pytest.raises(ValueError, match=r"Another training, process \d+, is using the"):
                train(build(), callbacks.Backup(tmp_path / "b"), epochs=1)
            seen.append(epoch)

    seen = []
    train(build(), Second(), callbacks.Backup(tmp_path / "b"), epochs=2)
    assert seen == [0, 1]
    assert not (tmp_path / "b").exists()


def test_another_order_is_said_when_resuming(tmp_path):
    batches = [uint8_images(BATCH, seed=index) for index in range(STEPS)]

    def loader():
        import torch

        return torch.utils.data.DataLoader(
            torch.as_tensor(np.concatenate(batches)), batch_size=BATCH
        )

    cut_off(tmp_path / "b", 6, data=loader(), batch_size=None)
    with pytest.warns(UserWarning, match="The order of .* is not known here: .* its batch 2"):
        train(build(), callbacks.Backup(tmp_path / "b"), data=loader(), batch_size=None)


# Values that are not finite, and disks that are full.


class Poison(keras.callbacks.Callback):
    """Makes a weight NaN before a step."""

    def __init__(self, at):
        super().__init__()
        self.at = at

    def on_train_batch_begin(self, batch, logs=None):
        if self.model.epoch_start + batch == self.at:
            variable = self.model.generator.trainable_variables[0]
            variable.assign(np.full(variable.shape, np.nan))


def test_no_backup_is_made_of_values_that_are_not_finite(tmp_path):
    backup = callbacks.Backup(tmp_path / "b", every=1)
    with pytest.warns(UserWarning, match="NaN or infinite after 7 steps: no backup is made"):
        train(build(), Poison(6), backup, epochs=3)
    folders = sorted(path.name for path in (tmp_path / "b").glob("0*"))
    assert [name[:10] for name in folders] == ["0000000005", "0000000006"]
    for folder in folders:
        with np.load(tmp_path / "b" / folder / "state.npz") as arrays:
            assert all(np.isfinite(arrays[key]).all() for key in arrays.files)


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
    with pytest.raises(OSError, match=r"cannot be written to .*b: its disk is full"):
        train(build(), backup)
    assert len(list((tmp_path / "b").iterdir())) == 2  # the last two, and nothing half-written
    monkeypatch.undo()
    assert train(build(), callbacks.Backup(tmp_path / "b")) == train(build())


def test_terminate_on_nan_ends_the_training_and_the_good_backup_stays(tmp_path):
    gan = build()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        history = train(
            gan, keras.callbacks.TerminateOnNaN(), Poison(6), callbacks.Backup(tmp_path / "b")
        )
    assert len(history["d_loss"]) == 2
    (folder,) = (tmp_path / "b").glob("0*")
    facts = json.loads((folder / "position.json").read_text())
    assert (facts["epoch"], facts["step"]) == (1, STEPS)
    assert np.isfinite(float(gan.k_t))


# Random numbers.


@pytest.mark.parametrize("how", ["file", "backup"])
def test_unseeded_dropout_goes_on_where_it_was(how, tmp_path):
    def dropping():
        import random

        import keras_egan
        from tests.registry import tiny_networks

        keras.utils.set_random_seed(0)
        random.seed(0)
        generator, discriminator = tiny_networks()
        encoder = keras.Sequential(
            [
                *discriminator.encoder.layers[:2],
                keras.layers.Dropout(0.5),
                discriminator.encoder.layers[2],
            ]
        )
        encoder.build((None, 8, 8, 1))
        gan = keras_egan.BEGAN(
            generator, keras_egan.networks.Autoencoder(encoder, discriminator.decoder), seed=1
        )
        gan.compile(adam(), adam(), **EAGERLY)
        return gan

    whole = dropping()
    train(whole, epochs=1)
    if how == "file":
        whole.save(tmp_path / "gan.keras")
    train(whole, epochs=1)
    if how == "file":
        keras.random.uniform((3,))
        gan = keras.models.load_model(tmp_path / "gan.keras")
        keras.utils.set_random_seed(77)
        train(gan, epochs=1)
    else:
        cut_off(tmp_path / "b", 2, gan=dropping(), epochs=2)
        gan = dropping()
        keras.utils.set_random_seed(77)
        train(gan, callbacks.Backup(tmp_path / "b"), epochs=2)
        whole = dropping()
        train(whole, epochs=2)
    assert all(map(np.array_equal, weights(whole), weights(gan)))
