"""Callbacks in a training that is resumed within an epoch, and the methods that a backup calls."""

import copy
import csv
import threading
import time

import keras
import pytest

import keras_egan
from keras_egan.callbacks import (
    Backup,
    Diagnosis,
    EquilibriumLogger,
    EvaluateSamples,
    SampleGrid,
    Schedule,
)
from keras_egan.metrics import FrechetDistance
from tests.conftest import on
from tests.registry import EAGERLY, tiny_networks, uint8_images

LOGS = ["d_loss", "g_loss", "real_energy", "fake_energy", "k_t", "balance", "m_global"]


@pytest.fixture
def gan():
    gan = keras_egan.BEGAN(*tiny_networks(), seed=1)
    gan.compile("sgd", "sgd", **EAGERLY)
    return gan


def begin(callback, gan, epoch_start, step, state=None):
    """Begin a training, or continue one in the middle of an epoch."""
    gan.fit_state.epoch_start, gan.fit_state.step = epoch_start, step
    gan.step.assign(step)
    callback.set_model(gan)
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    if state is not None:
        callback.set_state(state)


def take_steps(callback, gan, batches):
    for batch in batches:
        callback.on_train_batch_begin(batch)
        gan.fit_state.step = gan.fit_state.epoch_start + batch + 1
        gan.fit_state.logs = dict.fromkeys(LOGS, float(batch))
        gan.step.assign(gan.fit_state.step)


def rows(path):
    with path.open(newline="") as file:
        return [[float(value) for value in row] for row in list(csv.reader(file))[1:]]


@on("torch")
def test_rows_of_an_epoch_that_is_gone_on_with(tmp_path, gan):
    path = tmp_path / "log.csv"
    logger = EquilibriumLogger(path, every=2)
    begin(logger, gan, 10, 10)
    take_steps(logger, gan, range(5))
    logger.flush(15)
    take_steps(logger, gan, range(5, 8))
    logger.on_epoch_end(0)  # written, but not in the backup
    assert [row[0] for row in rows(path)] == [12, 14, 16, 18]

    logger = EquilibriumLogger(path, every=2)
    begin(logger, gan, 10, 15)
    assert [row[0] for row in rows(path)] == [12, 14]
    take_steps(logger, gan, range(5, 6))
    logger.flush(16)
    assert rows(path)[-1] == [16, *[5.0] * 7]
    take_steps(logger, gan, range(6, 10))
    logger.on_epoch_end(0)
    assert [row[0] for row in rows(path)] == [12, 14, 16, 18, 20]


@on("torch")
def test_pictures_of_an_epoch_that_is_gone_on_with(tmp_path, gan):
    for folder, stop in (("whole", None), ("resumed", 5)):
        grid = SampleGrid(tmp_path / folder, every=3, rows=1, columns=1)
        begin(grid, gan, 10, 10)
        if stop:
            take_steps(grid, gan, range(stop))
            state = grid.get_state()
            grid = SampleGrid(tmp_path / folder, every=3, rows=1, columns=1)
            begin(grid, gan, 10, 10 + stop, state)
        take_steps(grid, gan, range(stop or 0, 11))
        grid.on_epoch_end(0)
    found = [[path.name for path in sorted(folder.iterdir())] for folder in tmp_path.iterdir()]
    assert found == [[f"{step:08d}.png" for step in (12, 15, 18, 21)]] * 2


class Hears(keras.callbacks.Callback):
    """Notes each step it is told of, how many steps have begun, the thread, and the logs."""

    def __init__(self):
        super().__init__()
        self.heard = []

    def on_train_batch_begin(self, batch, logs=None):
        self.begun = batch + 1

    def on_train_batch_end(self, batch, logs=None):
        self.heard.append((batch, self.begun - batch, threading.current_thread().name, logs))


def fit(*callbacks, verbose=0):
    gan = keras_egan.BEGAN(*tiny_networks(), seed=1)
    gan.compile("sgd", "sgd", jit_compile=False)
    arguments = {"batch_size": 2, "shuffle": False, "verbose": verbose}
    gan.fit(uint8_images(16), callbacks=list(callbacks), **arguments)
    return gan


@pytest.mark.parametrize("verbose", [0, 1])
def test_callbacks_hear_of_each_step_before_the_next(verbose):
    hears = Hears()
    fit(hears, verbose=verbose)
    batches, late, threads, logs = zip(*hears.heard, strict=True)
    assert batches == tuple(range(8))
    assert late == (1,) * 8
    assert set(threads) == {threading.main_thread().name}
    assert all(type(value) is float for step in logs for value in step.values())


def test_a_fit_says_where_it_is():
    class Asks(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.state = self.model.fit_state
            assert self.state.epoch_start == self.state.step == 8 * epoch

        def on_train_batch_begin(self, batch, logs=None):
            assert self.state.step == self.state.epoch_start + batch
            asked.append({name: float(value) for name, value in self.state.logs.items()})

        def on_train_batch_end(self, batch, logs=None):
            assert self.state.step == self.state.epoch_start + batch + 1
            heard.append(logs)

    asked, heard = [], []
    gan = fit(Asks())
    assert asked == [{}, *heard[:-1]]
    assert gan.fit_state.step == 8
    assert gan.fit_state.logs == {}  # nothing of the device is kept after training


@on("torch")
def test_no_callback_here_makes_keras_wait_for_each_step(tmp_path):
    """Keras converts a step's logs if any callback is told of the step's end."""
    waits = (keras.callbacks.TerminateOnNaN, keras.callbacks.ProgbarLogger)
    for callback in (
        EquilibriumLogger(tmp_path / "log.csv"),
        SampleGrid(tmp_path, every=3),
        Diagnosis(uint8_images(8), every=3),
        EvaluateSamples(None, []),
        Schedule("gamma", lambda step: 0.5, every=2),
        Backup(tmp_path / "b"),
    ):
        assert not isinstance(callback, waits)
        assert type(callback).on_train_batch_end is keras.callbacks.Callback.on_train_batch_end
        assert type(callback).on_batch_end is keras.callbacks.Callback.on_batch_end


@pytest.mark.skipif(
    keras.backend.backend() == "tensorflow", reason="Keras has no threads on TensorFlow"
)
def test_a_backup_waits_for_what_keras_tells_from_threads(tmp_path):
    class Slow(keras.callbacks.Callback):
        async_safe = True

        def on_train_begin(self, logs=None):
            self.steps = 0

        def on_train_batch_end(self, batch, logs=None):
            time.sleep(0.05)
            self.steps += 1

        def get_state(self):
            saved.append(self.steps)
            return {"steps": self.steps}

    saved = []
    fit(Slow(), Backup(tmp_path, every=3))
    assert saved == [3, 6, 8]


@on("torch")
@pytest.mark.parametrize("kind", [SampleGrid, EquilibriumLogger, Diagnosis, EvaluateSamples])
def test_callbacks_can_be_copied_as_keras_tuner_does(kind, tmp_path):
    images, path = uint8_images(20), tmp_path / "log.csv"
    extractor = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten()])
    callback = {
        SampleGrid: lambda: SampleGrid(tmp_path / "samples", rows=1, columns=2),
        EquilibriumLogger: lambda: EquilibriumLogger(path),
        Diagnosis: lambda: Diagnosis(images),
        EvaluateSamples: lambda: EvaluateSamples(images, [FrechetDistance(extractor)]),
    }[kind]()
    one, other = copy.deepcopy(callback), copy.deepcopy(callback)
    fit(one)
    fit(other)
    fit(copy.deepcopy(one))  # a callback that has trained
    if kind is EvaluateSamples:
        assert one.metrics[0] is not callback.metrics[0]
        assert one.metrics[0].extractor is extractor
        assert (callback.metrics[0].real.count, one.metrics[0].real.count) == (0, 20)
