"""Users' own arrays, datasets and loaders, prepared as those that are loaded by name."""

import keras
import numpy as np
import pytest
from PIL import Image

from keras_egan import datasets
from tests.numbered import batches, numbered


def test_float_arrays_are_rounded_to_uint8():
    levels = np.arange(256, dtype="uint8").reshape(1, 16, 16, 1)
    for floats in (levels + 0.2, levels / 255, levels / 127.5 - 1):
        taken = batches(datasets.load(floats.astype("float32")))[0]
        assert taken.dtype == np.uint8
        np.testing.assert_array_equal(taken, levels)


def test_channels_that_come_first_are_put_last():
    images = np.arange(2 * 3 * 8 * 9, dtype="uint8").reshape(2, 3, 8, 9)
    taken = batches(datasets.load(images, shuffle=False))[0]
    np.testing.assert_array_equal(taken, images.transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(batches(datasets.load(taken, shuffle=False))[0], taken)


class Floats(keras.utils.PyDataset):
    """Four batches of floats from 0 to 1, and labels."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return numbered(12)[3 * index : 3 * index + 3] / 255, ["a label"] * 3


def tf_batches(scale=1.0):
    import tensorflow as tf

    images = (numbered(12) * scale).astype("float32")
    return tf.data.Dataset.from_tensor_slices((images, range(12))).batch(3)


def torch_batches():
    import torch

    images = torch.as_tensor(numbered(12) / 127.5 - 1).permute(0, 3, 1, 2)
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(images), batch_size=3)


GIVEN = {
    "tf.data from 0 to 255": tf_batches,
    "tf.data from 0 to 1": lambda: tf_batches(1 / 255),
    "tf.data of single images": lambda: tf_batches().unbatch().apply(of_length(12)),
    "tf.data of dicts": lambda: tf_batches().map(lambda image, label: {"image": image}),
    "DataLoader from -1 to 1, channels first": torch_batches,
    "PyDataset from 0 to 1": Floats,
    "Batches": lambda: datasets.Batches(numbered(12), 3, shuffle=False),
    "list": lambda: [(batch, "labels") for batch in numbered(12).reshape(4, 3, 6, 8, 1)],
}


def of_length(count):
    import tensorflow as tf

    return tf.data.experimental.assert_cardinality(count)


@pytest.mark.parametrize("name", GIVEN)
def test_datasets_and_loaders_are_prepared(name):
    arguments = {"batch_size": 3} if "single" in name else {}
    dataset = datasets.load(GIVEN[name](), shuffle=False, **arguments)
    assert datasets.image_shape(dataset) == (6, 8, 1)
    assert len(dataset) == 4
    for _ in range(2):
        taken = batches(dataset)
        assert {batch.dtype for batch in taken} == {np.dtype("uint8")}
        np.testing.assert_array_equal(np.concatenate(taken), numbered(12))
    dataset.begin(4, done=2)
    np.testing.assert_array_equal(np.concatenate(batches(dataset)), numbered(12)[6:])
    small = datasets.load(GIVEN[name](), shuffle=False, image_size=4, **arguments)
    assert batches(small)[0].shape == (3, 4, 4, 1)


def test_a_py_dataset_is_shuffled_by_batches():
    dataset = datasets.load(Floats(), seed=3)

    def order(step):
        dataset.begin(step)
        return [int(batch[0, 0, 0, 0]) for batch in batches(dataset)]

    assert sorted(order(0)) == [0, 3, 6, 9]
    assert len({tuple(order(step)) for step in range(10)}) > 3
    assert order(0) == order(0)


def test_a_folder_through_keras(tmp_path):
    for value in (10, 200):
        Image.new("RGB", (12, 8), (value, 0, 0)).save(tmp_path / f"{value}.png")
    given = keras.utils.image_dataset_from_directory(
        tmp_path, labels=None, image_size=(8, 12), batch_size=1, shuffle=False, verbose=False
    )
    dataset = datasets.load(given, image_size=4)
    assert [batch[0, 0, 0, 0] for batch in batches(dataset)] == [10, 200]
    assert datasets.image_shape(dataset) == (4, 4, 3)


def test_what_a_given_dataset_cannot_do_is_refused():
    with pytest.raises(ValueError, match="`batch_size` and `drop_remainder` do not apply"):
        datasets.load(tf_batches(), batch_size=7)
    with pytest.raises(ValueError, match="does not tell how many batches it has"):
        datasets.load(tf_batches().filter(lambda *batch: True))
    with pytest.raises(ValueError, match=r"`source` is empty: the \w+ gives no batch"):
        datasets.load(tf_batches().take(0))
    mixed = datasets.load([numbered(3) / 255, numbered(3).astype(float)], shuffle=False)
    with pytest.raises(ValueError, match="as in the first batch from 0 to 1; these go from 0 to 2"):
        batches(mixed)
