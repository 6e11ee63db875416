"""Metrics of samples in the logs of `fit`."""

import random

import keras
import numpy as np
import pytest

import keras_egan
from keras_egan.callbacks import Backup, EvaluateSamples
from keras_egan.metrics import (
    FrechetDistance,
    KernelDistance,
    ModeCoverage,
)
from tests import interrupted
from tests.conftest import on
from tests.registry import (
    EAGERLY,
    IMAGE_SHAPE,
    float_images,
    tiny_networks,
    uint8_images,
    weights,
)


def build():
    random.seed(0)
    gan = keras_egan.BEGAN(*tiny_networks(), seed=1)
    gan.compile(keras.optimizers.Adam(1e-2), keras.optimizers.Adam(1e-2), **EAGERLY)
    return gan


def extractor(units=3, activation=None):
    random.seed(2)
    return keras.Sequential(
        [
            keras.Input(IMAGE_SHAPE),
            keras.layers.Flatten(),
            keras.layers.Dense(units, activation=activation),
        ]
    )


def distance(network=None):
    return FrechetDistance(network or extractor())


def fit(callbacks, epochs=1, gan=None, **arguments):
    gan = gan or build()
    history = gan.fit(
        uint8_images(), batch_size=25, epochs=epochs, verbose=0, callbacks=callbacks, **arguments
    )
    return gan, history.history


def epoch(callback, gan=None):
    """Run a callback through a training of one epoch that changes no weights."""
    logs = {"d_loss": 1.0}
    callback.set_model(gan or build())
    callback.on_train_begin()
    callback.on_epoch_end(0, logs)
    return logs


def by_hand(gan, samples=100, seed=0):
    metric = distance()
    metric.update_real(uint8_images(40, seed=9))
    metric.update_state(gan.sample(samples, seed=seed))
    return metric.result()


def test_checkpoints_keep_the_best_generator(tmp_path):
    callbacks = [
        EvaluateSamples(uint8_images(40, seed=9), [distance()], samples=100),
        keras.callbacks.ModelCheckpoint(
            tmp_path / "best.keras", monitor="frechet_distance", mode="min", save_best_only=True
        ),
        keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}-{frechet_distance:.4f}.keras"),
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
    ]
    gan, history = fit(callbacks, epochs=4, validation_data=float_images(20, seed=8))
    values = history["frechet_distance"]
    assert len(values) == len(history["d_loss"]) == len(history["val_d_loss"]) == 4
    assert values[-1] == pytest.approx(by_hand(gan), rel=1e-6)
    best = keras.saving.load_model(tmp_path / "best.keras")
    assert by_hand(best) == pytest.approx(min(values), rel=1e-4)
    assert min(values) < max(values)
    assert (tmp_path / f"4-{values[3]:.4f}.keras").exists()
    assert "frechet_distance" in (tmp_path / "log.csv").read_text().splitlines()[0]


@on("torch")
def test_early_stopping_at_the_best_generator():
    callbacks = [
        EvaluateSamples(uint8_images(40, seed=9), [distance()], samples=100),
        keras.callbacks.EarlyStopping(
            # No later epoch is better by that much.
            "frechet_distance",
            mode="min",
            min_delta=100,
            patience=2,
            restore_best_weights=True,
        ),
    ]
    gan, history = fit(callbacks, epochs=10)
    values = history["frechet_distance"]
    assert len(values) == 3
    assert by_hand(gan) == pytest.approx(values[0], rel=1e-4) != values[2]


@on("torch")
def test_epochs_in_between_repeat_the_last_metrics(tmp_path, monkeypatch):
    seeds = []
    sample = keras_egan.BEGAN.sample
    monkeypatch.setattr(
        keras_egan.BEGAN,
        "sample",
        lambda *a, seed, **k: seeds.append(seed) or sample(*a, seed=seed),
    )
    callback = EvaluateSamples(uint8_images(40), [distance()], every_epochs=3, samples=20, seed=5)
    checkpoint = keras.callbacks.ModelCheckpoint(
        tmp_path / "{epoch}.keras", monitor="frechet_distance", mode="max", save_best_only=True
    )
    gan, history = fit([callback, checkpoint], epochs=7)
    values = history["frechet_distance"]
    assert len(seeds) == 3
    assert set(seeds) == {5}
    assert [values.index(value) for value in values] == [0, 0, 2, 2, 2, 5, 5]
    saved = {path.stem for path in tmp_path.iterdir()}
    assert saved <= {"1", "3", "6"}
    # Another training begins with its own weights, not with old metrics.
    _, history = fit([callback], epochs=8, gan=gan, initial_epoch=6)
    assert len(seeds) == 4
    assert history["frechet_distance"][0] not in values


def test_training_is_not_changed_by_being_measured():
    """Data is not shuffled: Keras shuffles by PyTorch's global generator, which `predict` moves."""
    plain, _ = fit([], epochs=2, shuffle=False)
    callback = EvaluateSamples(uint8_images(40), [distance()], samples=20)
    measured, _ = fit([callback], epochs=2, shuffle=False)
    for ours, theirs in zip(weights(measured), weights(plain), strict=True):
        np.testing.assert_array_equal(ours, theirs)


@on("torch")
@pytest.mark.parametrize("value", [0, 2.5, True, "3"])
@pytest.mark.parametrize("argument", ["every_epochs", "samples", "batch_size"])
def test_numbers_must_be_positive(argument, value):
    message = f"`{argument}` must be a whole number, 1 or more; got {value!r}"
    with pytest.raises(ValueError, match=message):
        EvaluateSamples(None, [], **{argument: value})
    with pytest.raises(ValueError, match="`seed` must be a whole number, 0 or more; got -1"):
        EvaluateSamples(None, [], seed=-1)


@on("torch")
def test_numpy_integers_are_numbers():
    two = np.int8(2)
    callback = EvaluateSamples(
        uint8_images(40), [distance()], every_epochs=two, samples=np.uint8(20), seed=np.int64(5)
    )
    values = fit([callback], epochs=4)[1]["frechet_distance"]
    assert [values.index(value) for value in values] == [0, 1, 1, 3]


@on("torch")
def test_a_resumed_training_repeats_the_metrics_that_it_had():
    """`Backup` calls `set_state` after `on_train_begin`."""
    gan, images = build(), uint8_images(40)
    before = EvaluateSamples(images, [distance()], every_epochs=3, samples=20)
    expected = epoch(before, gan)["frechet_distance"]
    gan.generator.layers[-2].bias.assign(np.full(64, 0.5))
    after = EvaluateSamples(images, [distance()], every_epochs=3, samples=20)
    after.set_model(gan)
    after.on_train_begin()
    after.set_state(before.get_state())
    logs = [{}, {}]
    after.on_epoch_end(1, logs[0])
    after.on_epoch_end(2, logs[1])
    assert logs[0]["frechet_distance"] == expected != logs[1]["frechet_distance"]


@on("torch")
def test_a_training_that_was_cut_off_measures_against_the_same_images(tmp_path):
    def measured():
        return EvaluateSamples(uint8_images(40), [distance()], samples=20)

    expected = interrupted.train(interrupted.build(), measured(), epochs=2)
    interrupted.cut_off(tmp_path, 6, measured())
    arguments = measured(), Backup(tmp_path)
    found = interrupted.train(interrupted.build(), *arguments, epochs=2)
    assert found["frechet_distance"] == expected["frechet_distance"]


@on("torch")
def test_other_metrics_are_refused():
    with pytest.raises(ValueError, match=r"`metrics` must be a list of .* got <Mean name=mean>"):
        EvaluateSamples(None, [keras.metrics.Mean(name="mean")])


@on("torch")
def test_two_metrics_of_one_name_are_refused():
    images = uint8_images(40)
    with pytest.raises(ValueError, match="Two of `metrics` report frechet_distance"):
        epoch(EvaluateSamples(images, [distance(), distance()], samples=20))
    taken = FrechetDistance(extractor(), name="d_loss")
    with pytest.raises(ValueError, match="report d_loss, which is in the logs already"):
        epoch(EvaluateSamples(images, [taken], samples=20))


@on("torch")
def test_a_metric_that_cannot_be_computed_is_nan_and_said_once():
    gan = build()
    bias = gan.generator.layers[-2].bias
    kept = np.array(bias)
    metrics = [KernelDistance(extractor(), subsets=2), ModeCoverage(extractor(4, "softmax"))]
    callback = EvaluateSamples(uint8_images(40), metrics, samples=20)
    good = epoch(callback, gan)
    bias.assign(np.full(64, np.nan))
    logs = [{}, {}]
    with pytest.warns(UserWarning, match="is NaN after this epoch") as said:
        callback.on_epoch_end(1, logs[0])
    callback.on_epoch_end(2, logs[1])  # warnings are errors here
    messages = [str(warning.message) for warning in said if warning.category is UserWarning]
    assert [message.partition(" ")[0] for message in messages] == [
        "kernel_distance",
        "mode_coverage",
    ]
    assert all("training goes on: " in text and "NaN" in text for text in messages)
    assert logs[0].keys() == logs[1].keys() == good.keys() - {"d_loss"}
    assert np.isnan([*logs[0].values(), *logs[1].values()]).all()
    bias.assign(kept)
    again = {}
    callback.on_epoch_end(3, again)
    assert again == {name: good[name] for name in again}
