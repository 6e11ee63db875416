"""Data and decisions that processes share, and refused ones, as one process sees them."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from keras_egan import callbacks, datasets
from keras_egan.backend import distributed, processes
from tests.registry import CASES, EAGERLY, float_images, uint8_images

BACKEND = keras.backend.backend()


def of(index, count):
    """Return PyTorch's `own_rows`: shares as equal as possible."""
    return lambda total: slice(total * index // count, total * (index + 1) // count)


@pytest.mark.parametrize("count", [1, 2, 3, 20])
@pytest.mark.parametrize("horizontal_flip", [False, True])
def test_shares_make_up_the_global_batch_whatever_their_number(count, horizontal_flip):
    data = datasets.load(uint8_images(50), batch_size=16, seed=3, horizontal_flip=horizontal_flip)
    data.begin(8)
    for index in range(4):
        found = [data.share(index, of(process, count)) for process in range(count)]
        assert {total for _, total in found} == {len(data[index][0])}
        np.testing.assert_array_equal(
            np.concatenate([rows for (rows,), _ in found]), data[index][0]
        )


def test_a_streams_shares_are_of_its_batches():
    batches = np.split(uint8_images(40), 4)
    stream = datasets.Stream(lambda step, done: iter(batches[done:]), 4)
    (rows,), total = stream.share(1, of(1, 2))
    assert total == 10
    np.testing.assert_array_equal(rows, batches[1][5:])


def test_own_rows_are_all_rows_of_one_process():
    assert np.arange(7)[distributed.own_rows(7)].tolist() == list(range(7))
    assert (distributed.process_index(), distributed.process_count()) == (0, 1)
    assert distributed.broadcast(b"data") == b"data"
    assert distributed.gather(np.arange(3)).tolist() == [[0, 1, 2]]


@pytest.fixture
def second_of_two(monkeypatch):
    """Let this process act as the second of two; return the messages of the first."""
    said = {}
    monkeypatch.setattr(distributed, "process_count", lambda: 2)
    monkeypatch.setattr(distributed, "process_index", lambda: 1)
    monkeypatch.setattr(distributed, "broadcast", lambda data: said["first"])
    monkeypatch.setattr(distributed, "gather", lambda own: np.stack([said["gathered"], own]))
    return said


def test_what_the_first_does_or_fails_in_comes_to_the_others(second_of_two):
    second_of_two["first"] = b'{"result": {"figure": 0.1}}'
    assert processes.first(pytest.fail) == {"figure": 0.1}  # not called here
    second_of_two["first"] = b'{"error": "OSError: its disk is full"}'
    with pytest.raises(
        RuntimeError, match="The first process has failed: OSError: its disk is ful"
    ):
        processes.first(pytest.fail)


def test_bytes_of_all_processes_may_differ_in_length(second_of_two, monkeypatch):
    first = np.frombuffer(b"first", "uint8")
    said = iter([np.array(5), first])
    monkeypatch.setattr(distributed, "gather", lambda own: np.stack([next(said), own]))
    assert processes.gather_bytes(b"two") == [b"first", b"two"]


def message(text):
    buffer = np.zeros(1000, "uint8")
    buffer[: len(text)] = np.frombuffer(text, "uint8")
    return buffer


def test_an_error_on_one_is_one_on_all(second_of_two):
    second_of_two["gathered"] = message(b"ValueError: `x` is empty")
    with pytest.raises(RuntimeError, match=r"Process 0 of 2 has failed: ValueError: `x` is empty"):
        processes.together(int, "7")
    second_of_two["gathered"] = message(b"")
    assert processes.together(int, "7") == 7
    with pytest.raises(ValueError, match="invalid literal"):
        processes.together(int, "seven")


def test_trainings_that_differ_are_refused_by_name(second_of_two):
    second_of_two["first"] = b'{"result": {"`batch_size`": 32}}'
    second_of_two["gathered"] = message(b"")
    processes.same({"`batch_size`": 32})
    with pytest.raises(ValueError, match="`batch_size` is 32 on the first process and 16 on proc"):
        processes.same({"`batch_size`": 16})


def test_only_the_first_writes(second_of_two, tmp_path):
    gan = CASES[0].build()
    gan.save(tmp_path / "gan.keras")
    gan.save_weights(tmp_path / "gan.weights.h5")
    gan.export(tmp_path / "generator")
    assert not list(tmp_path.iterdir())


def test_writers_are_left_to_the_first(second_of_two, tmp_path):
    from keras_egan.training.run_callbacks import RunCallbacks

    class Run:
        gan, epochs = CASES[0].build(), 1

    given = [
        callbacks.SampleGrid(tmp_path),
        callbacks.EquilibriumLogger(tmp_path / "log.csv"),
        keras.callbacks.CSVLogger(tmp_path / "keras.csv"),
        keras.callbacks.ModelCheckpoint(tmp_path / "best.keras"),
        keras.callbacks.EarlyStopping("m_global"),
    ]
    kept = RunCallbacks(Run(), given, "auto", 1).callbacks
    assert [type(callback).__name__ for callback in kept] == ["EarlyStopping", "History"]
    with pytest.raises(ValueError, match=r"Use `keras_egan.callbacks.Backup`"):
        RunCallbacks(Run(), [keras.callbacks.BackupAndRestore(tmp_path)], 0, 1)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="TensorFlow's strategies")
def test_what_keras_does_not_train_with_is_refused(monkeypatch):
    import tensorflow as tf

    gan = CASES[0].build(**EAGERLY)
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=["cpu:0"]))
    try:
        with pytest.raises(ValueError, match=r"`keras.distribution` has no effect on TensorFlow"):
            gan.fit(uint8_images(16), verbose=0)
    finally:
        keras.distribution.set_distribution(None)
    strategy = object.__new__(tf.distribute.MultiWorkerMirroredStrategy)
    monkeypatch.setattr(tf.distribute, "get_strategy", lambda: strategy)
    for call in (gan.fit, gan.evaluate):
        with pytest.raises(ValueError, match=r"github.com/keras-team/keras/issues/20585"):
            call(uint8_images(16), verbose=0)


@pytest.mark.skipif(BACKEND != "jax", reason="JAX's distribution")
def test_a_generator_trains_within_a_distribution_as_an_array_does():
    images = float_images(16)
    found = []
    for data in (images, (images[i : i + 8] for i in (0, 8))):
        gan = CASES[0].build(**EAGERLY)
        with keras.distribution.DataParallel(devices=["cpu:0"], auto_shard_dataset=False).scope():
            history = gan.fit(data, batch_size=8, steps_per_epoch=2, shuffle=False, verbose=0)
        found.append(history.history)
    assert found[0] == found[1]


@pytest.mark.skipif(BACKEND != "jax", reason="JAX's processes")
def test_processes_without_a_distribution_are_refused(monkeypatch):
    import jax

    gan = CASES[0].build()
    monkeypatch.setattr(jax, "process_count", lambda: 2)
    with pytest.raises(ValueError, match="2 processes need a distribution"):
        gan.fit(uint8_images(16), verbose=0)


@pytest.mark.skipif(BACKEND != "jax", reason="JAX's devices take equally many rows")
def test_a_batch_is_padded_and_cut(monkeypatch):
    import tensorflow as tf

    from keras_egan.backend.distributed import jax as spread

    asked = SimpleNamespace(auto_shard_dataset=True)
    monkeypatch.setattr(keras.distribution, "distribution", lambda: asked)
    monkeypatch.setattr(spread, "_devices", lambda: 4)
    images = uint8_images(6)
    (padded,), mark = batch = distributed.placed((images,), 6)
    assert (padded.shape, mark.shape) == ((8, 8, 8, 1), (4, 6))
    (cut,) = distributed.received(batch)
    np.testing.assert_array_equal(cut, images)
    monkeypatch.setattr(spread, "process_count", lambda: 2)
    shares = []
    dataset = tf.data.Dataset.from_tensors((images, np.arange(6)))
    for index in range(2):
        monkeypatch.setattr(spread, "process_index", lambda index=index: index)
        shares.append(own := distributed.own_rows(6))
        (part, rows), mark = next(distributed.divided(dataset).as_numpy_iterator())
        np.testing.assert_array_equal(part[: own.stop - own.start], images[own])
        np.testing.assert_array_equal(rows, [[0, 1, 2, 3], [4, 5, 0, 0]][index])
        assert (part.shape, mark.shape) == ((4, 8, 8, 1), (2, 6))
    assert shares == [slice(0, 4), slice(4, 6)]
    asked.auto_shard_dataset = False
    assert distributed.divided(dataset) is dataset  # on this process only


def test_merging_and_gathering_cost_nothing_on_one_device():
    rows = keras.ops.ones((3, 2))
    assert distributed.replica_gather(rows, 3) is rows
    assert distributed.replica_sum(rows) is rows
    assert distributed.nonempty(rows) is rows
    assert distributed.replica_share(3) == (0, 3)
