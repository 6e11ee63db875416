"""A training that is interrupted many times: callbacks, history, files, other trainings."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_egan import backend, callbacks, datasets
from tests.conftest import on
from tests.interrupted import BATCH, STEPS, Stateless, adam, build, cut_off, train
from tests.registry import EAGERLY, tiny_networks, uint8_images, weights
from tests.test_backend import run

ROOT = Path(__file__).parent.parent


def test_callbacks_go_on_with_what_they_remember(tmp_path, capsys):
    """Rates and patience at the end, and the history, equal those of an uninterrupted training."""

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
    for at in (6, 9, 12, 14):  # 12 at the beginning of an epoch
        cut_off(tmp_path / "b", at, *memories(), epochs=8)
    gan = build()
    found = train(gan, *memories(), callbacks.Backup(tmp_path / "b"), epochs=8)
    assert found == expected
    assert len(found["d_loss"]) == 5  # stopped by the restored patience
    assert all(map(np.array_equal, weights(whole), weights(gan)))
    assert float(gan.g_optimizer.learning_rate) < 1e-3 * 0.5**3
    assert capsys.readouterr().out.count("Resumed from") == 4


@on("torch")
def test_a_schedule_is_not_applied_again_within_an_epoch(tmp_path):
    def schedule():
        return keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.9 * rate)

    for at in (2, 6, 7, 10):
        cut_off(tmp_path / "b", at, schedule())
    gan = build()
    train(gan, schedule(), callbacks.Backup(tmp_path / "b"))
    assert float(gan.g_optimizer.learning_rate) == pytest.approx(1e-3 * 0.9**4, rel=1e-5)


def test_a_resumed_training_has_one_history_one_beginning_and_one_end(tmp_path):
    class Events(Stateless):
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


@on("torch")
@pytest.mark.parametrize("ended", [False, True])
def test_a_training_that_a_callback_has_ended_stays_ended(ended, tmp_path):
    """The training was killed at the very end."""

    class KilledAtTheEnd(Stateless):
        def on_train_end(self, logs=None):
            raise KeyboardInterrupt

    def stopping():
        return keras.callbacks.EarlyStopping("d_loss", mode="min", patience=0, min_delta=1e9)

    stops = [stopping()] if ended else []
    backup = callbacks.Backup(tmp_path / "b")
    expected = train(build(), *stops, epochs=4)
    with pytest.raises(KeyboardInterrupt):
        train(build(), *stops, KilledAtTheEnd(), backup, epochs=4)
    gan = build()
    found = train(gan, *stops, backup, epochs=4)
    assert found == expected
    assert int(gan.step) == (2 if ended else 4) * STEPS
    assert len(list((tmp_path / "b").iterdir())) == 1


@on("torch")
def test_checkpoints_of_every_few_steps_go_on(tmp_path):
    def checkpoint(name):
        path = tmp_path / name / "{epoch}-{batch}.weights.h5"
        return keras.callbacks.ModelCheckpoint(path, save_freq=3, save_weights_only=True)

    train(build(), checkpoint("whole"))
    for at in (5, 10):
        cut_off(tmp_path / "b", at, checkpoint("cut"))
    train(build(), checkpoint("cut"), callbacks.Backup(tmp_path / "b"))
    whole, cut = ({path.name for path in (tmp_path / name).iterdir()} for name in ("whole", "cut"))
    assert whole == cut
    assert len(whole) == 5


@on("torch")
@pytest.mark.parametrize(
    ("value", "message"),
    [(0, "must be a whole number, 1 or more; got 0"), (1.5, "must be a whole .* got 1.5")],
)
def test_validation_every_so_many_epochs(value, message):
    with pytest.raises(ValueError, match=f"`validation_freq` {message}"):
        train(build(), validation_data=uint8_images(20), validation_freq=value)


@on("torch")
@pytest.mark.parametrize("value", [2, [1, 3]])
def test_validation_after_some_epochs(value):
    history = train(build(), validation_data=uint8_images(20), validation_freq=value)
    assert len(history["val_d_loss"]) == 2


@on("torch")
def test_user_settings_of_a_callback_are_not_undone(tmp_path):
    """A callback's arguments stay the user's; its counters are restored."""
    cut_off(tmp_path / "b", 9, keras.callbacks.EarlyStopping("d_loss", mode="min", patience=50))
    stopping = keras.callbacks.EarlyStopping("d_loss", mode="min", patience=60)
    train(build(), stopping, callbacks.Backup(tmp_path / "b"))
    assert stopping.patience == 60
    assert stopping.best < np.inf


@on("torch")
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


@on("torch")
def test_evaluation_after_endless_epochs_ends():
    gan, data = build(), datasets.load(uint8_images(50), batch_size=BATCH)
    train(gan, data=data, epochs=1, steps_per_epoch=2, validation_data=data)
    assert gan.evaluate(data, verbose=0)


@pytest.mark.parametrize("how", ["file", "backup"])
def test_unseeded_dropout_goes_on_where_it_was(how, tmp_path):
    def dropping():
        import random

        import keras_egan

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


ON_A_DEVICE = """
import sys; sys.path.insert(0, "benchmarks")
import simulated_device, tempfile
from pathlib import Path
from keras_egan import backend
from tests.test_run import test_unseeded_dropout_goes_on_where_it_was as check

for how in ("file", "backup"):
    with tempfile.TemporaryDirectory() as folder:
        check(how, Path(folder))
assert len(backend.random_state()) > len(__import__("torch").get_rng_state())
"""


@on("torch")
def test_unseeded_dropout_goes_on_where_it_was_on_a_device():
    """The device has random numbers of its own."""
    run(ON_A_DEVICE)


@on("torch")
def test_random_numbers_of_a_machine_with_another_device_are_taken_for_the_cpu():
    state = backend.random_state()
    first = keras.layers.Dropout(0.5)(np.ones((1, 64), "float32"), training=True)
    backend.set_random_state(np.concatenate([state, np.zeros(16, "uint8")]))  # CUDA has 16
    again = keras.layers.Dropout(0.5)(np.ones((1, 64), "float32"), training=True)
    np.testing.assert_array_equal(first, again)


TWO_TRAININGS = """
import sys

from keras_egan.callbacks import EquilibriumLogger
from tests.registry import CASES, uint8_images

gan = CASES[0].build(run_eagerly=True)
for arguments in ({"epochs": 2}, {"steps_per_epoch": 3}):
    log = EquilibriumLogger(sys.argv[1])
    gan.fit(uint8_images(50), batch_size=16, verbose=0, callbacks=[log], **arguments)
"""


@pytest.mark.nightly
@on("tensorflow")
def test_no_iterator_is_left_for_the_end_of_python(tmp_path):
    """TensorFlow warns of an iterator that leaks. A picture leaked one through its stack frames."""
    ended = subprocess.run(
        [sys.executable, "-c", TWO_TRAININGS, tmp_path / "equilibrium.csv"],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "0"},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "equilibrium.png").is_file()
    assert "finalizing" not in ended.stderr
