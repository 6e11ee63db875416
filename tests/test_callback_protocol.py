"""Callbacks in a training that is resumed within an epoch, and what a backup asks of them."""

import csv

import pytest

import keras_egan
from keras_egan.callbacks import EquilibriumLogger, Flushable, GenerativeMetrics, SampleGrid
from tests.registry import EAGERLY, tiny_networks
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
    assert remembered(logger, before) == {"_start": 0, "_last": 2, "_columns": ["step", *LOGS]}
    grid = SampleGrid(tmp_path)
    before = vars(grid).copy()
    begin(grid, gan, 0, 0)
    take_steps(grid, gan, range(3))
    assert remembered(grid, before) == {"_start": 0, "_last": 0}
