"""Callbacks in a training that is resumed within an epoch, and what a backup asks of them."""

import csv
import threading

import keras
import pytest

import keras_egan
from keras_egan.callbacks import EquilibriumLogger, Flushable, GenerativeMetrics, SampleGrid
from tests.registry import EAGERLY, tiny_networks, uint8_images
from tests.remembered import remembered

LOGS = ["d_loss", "g_loss", "real_energy", "fake_energy", "k_t", "balance", "m_global"]


@pytest.fixture
def gan():
    gan = keras_egan.BEGAN(*tiny_networks(), seed=1)
    gan.compile("sgd", "sgd", **EAGERLY)
    return gan


def begin(callback, gan, epoch_start, step, memory=()):
    """Begins a training, or goes on with one that is within an epoch."""
    gan.epoch_start = epoch_start
    gan.step.assign(step)
    callback.set_model(gan)
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    vars(callback).update(memory)


def take_steps(callback, gan, batches):
    for batch in batches:
        callback.on_train_batch_begin(batch)
        gan.step.assign(gan.epoch_start + batch + 1)
        callback.on_train_batch_end(batch, dict.fromkeys(LOGS, float(batch)))


def rows(path):
    with path.open(newline="") as file:
        return [[float(value) for value in row] for row in list(csv.reader(file))[1:]]


def test_who_flushes(tmp_path):
    assert isinstance(EquilibriumLogger(tmp_path / "log.csv"), Flushable)
    assert not isinstance(SampleGrid(tmp_path), Flushable)
    assert not isinstance(GenerativeMetrics(None, []), Flushable)


@pytest.mark.parametrize("known", [True, False])
def test_rows_of_an_epoch_that_is_gone_on_with(known, tmp_path, gan):
    path = tmp_path / "log.csv"
    logger = EquilibriumLogger(path, every=2)
    before = vars(logger).copy()
    begin(logger, gan, 10, 10)
    take_steps(logger, gan, range(5))
    logger.flush(15)
    memory = remembered(logger, before) if known else {}
    take_steps(logger, gan, range(5, 8))
    logger.on_epoch_end(0)  # written, but not in the backup
    assert [row[0] for row in rows(path)] == [12, 14, 16, 18]

    logger = EquilibriumLogger(path, every=2)
    begin(logger, gan, 10, 15, memory)
    assert [row[0] for row in rows(path)] == [12, 14]
    take_steps(logger, gan, range(5, 6))
    logger.flush(16)
    assert rows(path)[-1] == [16, *[5.0] * 7]
    take_steps(logger, gan, range(6, 10))
    logger.on_epoch_end(0)
    assert [row[0] for row in rows(path)] == [12, 14, 16, 18, 20]


def test_pictures_of_an_epoch_that_is_gone_on_with(tmp_path, gan):
    for folder, stop in (("whole", None), ("resumed", 5)):
        grid = SampleGrid(tmp_path / folder, every=3, rows=1, columns=1)
        before = vars(grid).copy()
        begin(grid, gan, 10, 10)
        if stop:
            take_steps(grid, gan, range(stop))
            memory = remembered(grid, before)
            grid = SampleGrid(tmp_path / folder, every=3, rows=1, columns=1)
            begin(grid, gan, 10, 10 + stop, memory)
        take_steps(grid, gan, range(stop or 0, 11))
        grid.on_epoch_end(0)
    found = [[path.name for path in sorted(folder.iterdir())] for folder in tmp_path.iterdir()]
    assert found == [[f"{step:08d}.png" for step in (12, 15, 18, 21)]] * 2


def test_nothing_remembered_is_bound_to_the_process(tmp_path, gan):
    """A clock of another process would keep the picture from being drawn for days."""
    logger = EquilibriumLogger(tmp_path / "log.csv")
    before = vars(logger).copy()
    begin(logger, gan, 0, 0)
    take_steps(logger, gan, range(3))
    logger.on_epoch_end(0)
    assert remembered(logger, before) == {"_start": 0, "_done": 3, "_columns": ["step", *LOGS]}
    grid = SampleGrid(tmp_path)
    before = vars(grid).copy()
    begin(grid, gan, 0, 0)
    take_steps(grid, gan, range(3))
    assert remembered(grid, before) == {"_start": 0, "_last": 0}


class Hears(keras.callbacks.Callback):
    """Notes of which step it hears, when how many have begun, in which thread, and the figures."""

    def __init__(self, late, ask_at=None):
        super().__init__()
        self.async_safe = late
        self.ask_at = ask_at
        self.heard = []

    def on_train_batch_begin(self, batch, logs=None):
        self.begun = batch + 1
        if batch == self.ask_at:
            self.model.tell_callbacks()
            self.heard_when_asked = len(self.heard)

    def on_train_batch_end(self, batch, logs=None):
        self.heard.append((batch, self.begun - batch, threading.current_thread().name, logs))


def hear(*callbacks, verbose=0):
    keras.utils.set_random_seed(0)
    gan = keras_egan.BEGAN(*tiny_networks(), seed=1)
    gan.compile("sgd", "sgd", jit_compile=False)
    gan.fit(
        uint8_images(16), batch_size=2, shuffle=False, verbose=verbose, callbacks=list(callbacks)
    )
    return list(zip(*callbacks[0].heard, strict=True))


@pytest.mark.parametrize("verbose", [0, 1])
def test_callbacks_that_may_be_late_hear_in_order_of_every_step(verbose):
    at_once = hear(Hears(late=False), Hears(late=True))
    late = hear(Hears(late=True), verbose=verbose)
    for batches, _, threads, _ in (at_once, late):
        assert batches == tuple(range(8))
        assert set(threads) == {threading.main_thread().name}
    assert at_once[1] == (1,) * 8
    assert late[1] == (*(3,) * 6, 2, 1)
    assert late[3] == at_once[3]
    assert all(type(value) is float for logs in late[3] for value in logs.values())


def test_callbacks_may_ask_for_what_is_known():
    asks = Hears(late=True, ask_at=5)
    hear(asks)
    assert asks.heard_when_asked == 5
