"""Batches whose order depends on the seed and the training step alone."""

import copy
import itertools
import pickle

import keras
import numpy as np
import pytest

from keras_egan import backend, datasets
from keras_egan.training.training_state import TrainingState
from tests.conftest import on
from tests.forms import trained
from tests.registry import uint8_images

pytestmark = on("torch")


def numbers(count=10):
    return np.arange(count)


def batches(**arguments):
    return datasets.Batches(numbers(), batch_size=4, seed=3, **arguments)


def test_the_order_of_images_is_of_the_seed_or_another_one_each_time():
    def order_seed(seed):
        return int(TrainingState(seed).order_seed)

    assert [order_seed(seed) for seed in (0, 7)] == [0, 7]
    keras.utils.set_random_seed(0)
    drawn = [order_seed(None) for _ in range(9)]
    assert len(set(drawn)) == 9
    keras.utils.set_random_seed(0)
    assert drawn == [order_seed(None) for _ in range(9)]


def test_random_numbers_are_set_back_once_after_loading():
    state, store = TrainingState(0), {}
    state.save_own_variables(store)
    state.load_own_variables(store)
    state.continue_random_state()
    np.testing.assert_array_equal(backend.random_state(), store["random_state"])
    keras.utils.set_random_seed(1)
    state.continue_random_state()
    assert np.any(backend.random_state() != store["random_state"])


class Passes:
    """A source that is read from the beginning, in an order that depends on the step."""

    def __init__(self):
        self.begun = []

    def __call__(self, step, done):
        self.begun.append((step, done))
        order = np.random.default_rng([3, step]).permutation(10)
        return itertools.islice(iter(np.array_split(order, [4, 8])), done, None)


def stream():
    return datasets.Stream(Passes(), 3)


SOURCES = pytest.mark.parametrize("source", [batches, stream])


def taken(dataset, count=None):
    return [dataset[i][0].tolist() for i in range(len(dataset) if count is None else count)]


def test_shuffling_is_seeded_and_new_every_epoch():
    def epochs(seed):
        dataset = datasets.Batches(numbers(50), batch_size=50, seed=seed)
        orders = []
        for _ in range(2):
            orders.append(taken(dataset)[0])
            dataset.begin(1)
        return orders

    first, second = epochs(1)
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != list(range(50))
    assert first != second
    assert epochs(1) == [first, second]
    assert epochs(2) != [first, second]


@SOURCES
def test_endless_batches_go_on_where_the_steps_say(source):
    """The same batches follow, from step 0 or resumed at a later step."""
    dataset = source()
    dataset.begin(0, endless=True)
    assert dataset.num_batches is None
    through = taken(dataset, 9)
    for once in (through[:3], through[3:6]):
        assert sorted(i for batch in once for i in batch) == list(range(10))
    assert through[:3] != through[3:6]
    for step in (2, 3, 7):
        dataset.begin(step, endless=True)
        assert taken(dataset, 9 - step) == through[step:]
        dataset.begin(step - 2, 2, endless=True)
        assert taken(dataset, 9 - step) == through[step:]


@SOURCES
def test_the_rest_of_an_epoch(source):
    dataset = source()
    dataset.begin(6)
    whole = taken(dataset)
    dataset.begin(6, done=1)
    assert len(dataset) == 2
    assert taken(dataset) == whole[1:]
    with pytest.raises(ValueError, match="`done` must be at most the 3 batches of a pass; got 4"):
        dataset.begin(6, done=4)


@SOURCES
@pytest.mark.parametrize("duplicate", [copy.copy, lambda x: copy.copy(copy.copy(x))])
def test_a_copy_has_a_position_of_its_own(source, duplicate):
    original = source()
    whole = taken(original)
    original[0]
    moved = duplicate(original)
    moved.begin(3, done=1, endless=True)
    ahead = taken(moved, 8)
    assert original.num_batches == len(original) == 3
    assert original[1][0].tolist() == whole[1]
    # Each continues from its own place, in every order of turns.
    interleaved = [
        (original[i][0].tolist(), moved[i][0].tolist(), original[2][0].tolist()) for i in range(3)
    ]
    assert interleaved == [(whole[i], ahead[i], whole[2]) for i in range(3)]
    original.begin(6)
    assert taken(moved, 8) == ahead


def test_copies_share_the_samples():
    original = batches()
    assert copy.copy(original).samples is original.samples


def test_a_dataset_survives_workers_that_are_processes():
    assert taken(pickle.loads(pickle.dumps(datasets.Stream(range_of, 3)))) == [[0], [1], [2]]


def range_of(step, done):
    return iter(np.arange(done, 3)[:, None])


@pytest.mark.parametrize(("workers", "steps"), [(1, None), (3, None), (1, 5), (3, 5)])
def test_training_leaves_the_users_own_as_it_was(workers, steps):
    """Fit, then evaluate and validate, with the same dataset."""
    dataset = datasets.Batches(uint8_images(), 20, workers=workers, seed=2)
    before = [batch.tolist() for (batch,) in dataset]
    gan = trained(dataset, steps_per_epoch=steps, epochs=2, validation_data=dataset)
    expected = gan.evaluate(uint8_images(), batch_size=50, verbose=0)
    for data in (dataset, dataset):
        np.testing.assert_allclose(gan.evaluate(data, verbose=0)[0], expected[0], rtol=0.2)
    assert dataset.num_batches == len(dataset) == 3
    assert [batch.tolist() for (batch,) in dataset] == before


def test_a_stream_reads_each_batch_once():
    dataset = stream()
    taken(dataset, 2)  # as Keras does on TensorFlow
    assert taken(dataset) == taken(dataset)
    assert dataset.passes.begun == [(0, 0), (0, 0)]


def test_a_stream_that_ends_early_says_so():
    dataset = datasets.Stream(lambda step, done: iter([numbers()]), 2)
    with pytest.raises(ValueError, match="must give 2 batches in every pass; it ended after 1"):
        taken(dataset)


def images(channels_first):
    """Return images whose columns hold their own number."""
    columns = np.broadcast_to(np.arange(6, dtype="uint8")[:, None], (200, 4, 6, 3))
    return np.moveaxis(columns, -1, 1) if channels_first else columns


@pytest.mark.parametrize("channels_first", [False, True])
@pytest.mark.parametrize("kind", ["Batches", "Stream"])
def test_mirror_images_are_drawn_anew_from_seed_and_step(channels_first, kind):
    data = images(channels_first)
    row = (0, 0) if channels_first else (0, slice(None), 0)

    def mirrored(step, done=0, seed=1):
        if kind == "Batches":
            dataset = datasets.Batches(data, 50, seed=seed, horizontal_flip=True)
        else:
            parts = data.reshape(4, 50, *data.shape[1:])
            dataset = datasets.Stream(
                lambda step, done: iter(parts[done:]), 4, seed=seed, horizontal_flip=True
            )
        dataset.begin(step, done)
        rows = np.concatenate([[image[row] for image in batch] for (batch,) in dataset])
        flipped = rows[:, 0] == 5
        np.testing.assert_array_equal(rows[flipped], np.tile(range(5, -1, -1), (flipped.sum(), 1)))
        np.testing.assert_array_equal(rows[~flipped], np.tile(range(6), ((~flipped).sum(), 1)))
        return flipped.tolist()

    if channels_first:
        keras.config.set_image_data_format("channels_first")
    try:
        first = mirrored(0)
        assert 70 < sum(first) < 130  # 100, with a standard deviation of 7
        assert first == mirrored(0)
        assert mirrored(0, done=2) == first[100:]
        assert len({tuple(first[i : i + 50]) for i in range(0, 200, 50)}) == 4
        assert mirrored(4) != first
        assert mirrored(0, seed=2) != first
    finally:
        keras.config.set_image_data_format("channels_last")
    assert data.max() == 5  # the samples themselves do not change


@pytest.mark.parametrize("kind", ["Batches", "Stream"])
def test_the_shares_of_processes_make_up_the_batch(kind):
    data = images(channels_first=False)
    if kind == "Batches":
        labels = np.arange(200)
        dataset = datasets.Batches(data, 60, seed=1, horizontal_flip=True, labels=labels)
    else:
        dataset = datasets.Stream(lambda step, done: iter([data]), 1, seed=1, horizontal_flip=True)
    whole = dataset[0]
    total = len(whole[0])
    assert 0.2 < (whole[0][:, 0, 0, 0] == 5).mean() < 0.8
    cuts = [0, 7, 7, 31, total]  # one of four has none
    shares = [
        dataset.share(0, lambda n, i=i: slice(cuts[i], cuts[i + 1] if i < 3 else n))
        for i in range(4)
    ]
    assert {rows for _, rows in shares} == {total}
    for found, expected in zip(zip(*(part for part, _ in shares), strict=True), whole, strict=True):
        assert [len(part) for part in found] == np.diff(cuts).tolist()
        np.testing.assert_array_equal(np.concatenate(found), expected)


def test_load_mirrors_every_source(tmp_path):
    from PIL import Image

    data = images(channels_first=False)[:16]
    for index, image in enumerate(data):
        Image.fromarray(image).save(tmp_path / f"{index}.png")
    for source in (data, tmp_path, [data]):
        (batch,) = datasets.load(source, horizontal_flip=True, seed=4)[0]
        assert {*batch[:, 0, 0, 0].tolist()} == {0, 5}
        (batch,) = datasets.load(source)[0]
        assert {*batch[:, 0, 0, 0].tolist()} == {0}
