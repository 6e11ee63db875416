"""Signals that end a training: they wait for a backup, and lose no step."""

import os
import signal
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from keras_egan import callbacks
from keras_egan.training import interruption
from tests import interrupted
from tests.conftest import on
from tests.interrupted import STEPS, Stateless, build, train
from tests.registry import weights

SIGNALS = [signal.SIGINT, signal.SIGTERM]


class Ended(BaseException):
    """Raised by a user's own handler."""


@pytest.fixture
def handler():
    """Let SIGTERM raise `Ended`, as it would end a process; yield the handler.

    Shells let background processes ignore Ctrl-C, so its handler is set back to Python's own.
    """

    def raises(number, frame):
        raise Ended

    before = signal.signal(signal.SIGTERM, raises)
    ctrl_c = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield raises
    signal.signal(signal.SIGTERM, before)
    signal.signal(signal.SIGINT, ctrl_c)


class Send(Stateless):
    """Send this process a signal at the end of a step, before Keras calls other callbacks."""

    def __init__(self, number, at, times=1):
        super().__init__()
        self.number, self.at, self.times = number, at, times

    def on_train_batch_end(self, batch, logs=None):
        if self.model.fit_state.epoch_start + batch == self.at:
            for _ in range(self.times):
                os.kill(os.getpid(), self.number)


@on("torch")
@pytest.mark.skipif(os.name == "nt", reason="os.kill ends processes on Windows")
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_waits_for_a_backup_and_no_step_is_lost(number, handler, tmp_path, capsys):
    whole = build()
    expected = train(whole)
    raised = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Ended}[number]
    steps = np.sort(np.random.default_rng(int(number)).choice(4 * STEPS - 1, 3, replace=False))
    for at in steps:
        with pytest.raises(raised):
            train(build(), Send(number, at), callbacks.Backup(tmp_path / "b"))
        newest = sorted((tmp_path / "b").glob("0*"))[-1].name
        assert newest.startswith(f"{at + 1:010d}")
        assert signal.getsignal(signal.SIGTERM) is handler
        assert f"A signal ends the training after step {at + 1}." in capsys.readouterr().out
    gan = build()
    assert train(gan, callbacks.Backup(tmp_path / "b")) == expected
    assert all(map(np.array_equal, weights(whole), weights(gan)))


@on("torch")
def test_a_signal_after_the_last_step_acts_after_the_training(handler, tmp_path):
    with pytest.raises(Ended):
        train(build(), Send(signal.SIGTERM, 4 * STEPS - 1), callbacks.Backup(tmp_path / "b"))
    assert [path.name for path in (tmp_path / "b").glob("0*")] == ["0000000016-000004.npz"]


@on("torch")
@pytest.mark.parametrize(("seconds", "saved"), [(-1.0, 0), (60.0, 1)])
def test_a_second_ctrl_c_acts_at_once(seconds, saved, handler, tmp_path, monkeypatch):
    """One signal sent twice, by a terminal and by a launcher, counts once."""
    monkeypatch.setattr(interruption, "_SECONDS", seconds)
    with pytest.raises(KeyboardInterrupt):
        train(build(), Send(signal.SIGINT, 1, times=2), callbacks.Backup(tmp_path / "b"))
    assert len(list((tmp_path / "b").glob("0*"))) == saved


@on("torch")
def test_ignored_signals_stay_ignored_and_threads_hold_none(tmp_path, handler):
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        sends = Send(signal.SIGINT, 1)
        assert len(train(build(), sends, callbacks.Backup(tmp_path / "b"))["d_loss"]) == 4
    finally:
        signal.signal(signal.SIGINT, before)

    class Look(Stateless):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(signal.getsignal(signal.SIGTERM))

    seen = []
    arguments = (build(), Look(), callbacks.Backup(tmp_path / "c"))
    thread = threading.Thread(target=train, args=arguments)
    thread.start()
    thread.join()
    assert {*seen} == {handler}
    train(*arguments)
    assert handler not in seen[4 * STEPS :]


@on("torch")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
# JAX warns, because Orbax, in a test of the same process, imports it.
@pytest.mark.filterwarnings(r"ignore:os\.fork\(\) was called:RuntimeWarning")
def test_a_process_that_a_loader_forked_ends_at_once(tmp_path):
    class Fork(Stateless):
        def on_train_begin(self, logs=None):
            if not (child := os.fork()):
                os.kill(os.getpid(), signal.SIGTERM)
                os._exit(0)  # not reached
            statuses.append(os.waitpid(child, 0)[1])

    statuses = []
    train(build(), Fork(), callbacks.Backup(tmp_path / "b"), epochs=1)
    assert [os.WTERMSIG(status) for status in statuses] == [signal.SIGTERM]


class Counting(Stateless, callbacks.Backup):
    """Note the steps at which backups are written."""

    def write(self, metadata, arrays):
        self.steps = [*getattr(self, "steps", []), metadata["step"]]
        super().write(metadata, arrays)


@on("torch")
@pytest.mark.parametrize(
    ("arguments", "steps"),
    [
        ({"every_minutes": 1e-9}, [1, 2, 3, 4, 5, 6, 7, 8]),
        ({"every_minutes": 60}, [4, 8]),
        ({"every_minutes": 60, "every": 3}, [3, 4, 6, 8]),
    ],
)
def test_backups_every_few_minutes(arguments, steps, tmp_path):
    backup = Counting(tmp_path / "b", **arguments)
    train(build(), backup, epochs=2)
    assert backup.steps == steps


@on("torch")
def test_processes_ask_one_another_about_once_a_second(monkeypatch):
    now, asked, other = [0.0], [], np.array([0, 0, 999])

    def gather(own):
        asked.append(turns._step)
        return np.stack([own, other])

    monkeypatch.setattr(interruption, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(interruption.distributed, "gather", gather)
    signals = interruption.Signals()
    turns = interruption.Turns(every=None, minutes=None, signals=signals)
    for step in range(5000, 5050):  # resumed
        turns._step = step
        assert not turns.due(step, 0)
        now[0] += 0.125
    assert asked == [5000, 5001, *range(5009, 5050, 8)]
    other[0] = signal.SIGTERM
    assert not turns.due(5050, 0)
    assert turns.due(5057, 0)
    assert turns.ending
    assert signals.received == signal.SIGTERM


@on("torch")
@pytest.mark.parametrize(
    ("directory", "arguments", "message"),
    [
        ("b", {"every_minutes": 0}, "`every_minutes` must be above 0; got 0"),
        ("b", {"every_minutes": "10"}, "`every_minutes` must be above 0; got '10'"),
        ("gs://bucket/run", {}, r"`directory` must be a local path; got 'gs://bucket/run'\. Write"),
        ("s3://bucket", {}, "copy the files from there"),
    ],
)
def test_bad_arguments_are_refused(directory, arguments, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        callbacks.Backup(directory if "//" in directory else tmp_path, **arguments)
    if "//" in directory:
        with pytest.raises(ValueError, match="`directory` must be a local path"):
            callbacks.SampleGrid(directory)
        with pytest.raises(ValueError, match="`filename` must be a local path"):
            callbacks.EquilibriumLogger(f"{directory}/log.csv")


def newest_step(folder):
    return int(sorted(folder.glob("0*"))[-1].name[:10])


@pytest.mark.nightly
@pytest.mark.skipif(os.name == "nt", reason="os.kill ends processes on Windows")
@pytest.mark.parametrize("number", SIGNALS)
def test_ten_signals_at_random_steps(number, handler, tmp_path):
    whole = build()
    expected = train(whole, epochs=8)
    raised = {signal.SIGINT: KeyboardInterrupt, signal.SIGTERM: Ended}[number]
    for at in np.sort(np.random.default_rng(1).choice(8 * STEPS - 1, 10, replace=False)):
        with pytest.raises(raised):
            train(build(), Send(number, at), callbacks.Backup(tmp_path / "b"), epochs=8)
        assert newest_step(tmp_path / "b") == at + 1
    gan = interrupted.build()
    assert train(gan, callbacks.Backup(tmp_path / "b"), epochs=8) == expected
    assert all(map(np.array_equal, weights(whole), weights(gan)))
