"""Users' own arrays, datasets and loaders, prepared like those that are loaded by name."""

import keras
import numpy as np
import pytest
from PIL import Image

from keras_egan import datasets
from tests.conftest import on
from tests.numbered import batches, numbered

pytestmark = on("torch")


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
    """Return four batches of floats from 0 to 1, and labels."""

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
    with pytest.raises(ValueError, match="has an unknown number of batches"):
        datasets.load(tf_batches().filter(lambda *batch: True))
    with pytest.raises(ValueError, match=r"`source` is empty: a \w+ that gives no"):
        datasets.load(tf_batches().take(0))
    mixed = datasets.load([numbered(3) / 255, numbered(3).astype(float)], shuffle=False)
    with pytest.raises(ValueError, match="0 to 1, as in the first batch; got 0 to 2"):
        batches(mixed)


def colors(n=10, channels=3):
    """Return numbered images whose last channel is greater by 100."""
    images = numbered(n, channels=channels)
    images[..., -1] += 100
    return images


class ByIndex:
    """A dataset like PyTorch's: a length, and an example by index."""

    def __init__(self, examples):
        self.examples = examples

    def __len__(self):
        return len(self.examples)

    def __getitem__(self, index):
        return self.examples[index]


def unindexed(items):
    """A loader that can only be iterated over."""
    return type(
        "Loader", (), {"__iter__": lambda _: iter(items), "__len__": lambda _: len(items)}
    )()


def torch_examples():
    import torch

    images = torch.as_tensor(colors()).permute(0, 3, 1, 2) / 127.5 - 1.0
    return torch.utils.data.TensorDataset(images, torch.arange(10) % 3)


LABELS = np.arange(10) % 3
SINGLE = {
    "channels last": lambda: list(colors()),
    "channels first": lambda: list(np.moveaxis(colors(), -1, 1)),
    "floats": lambda: list((colors() / 255).astype("float32")),
    "with labels": lambda: list(zip(colors(), LABELS, strict=True)),
    "dataset of one example each": lambda: ByIndex(list(colors())),
    "dataset of dicts": lambda: ByIndex(
        [{"image": x, "label": y} for x, y in zip(colors(), LABELS, strict=True)]
    ),
    "PyTorch's Dataset": torch_examples,
}


@pytest.mark.parametrize("name", SINGLE)
def test_single_images_are_put_into_batches(name):
    dataset = datasets.load(SINGLE[name](), batch_size=4, shuffle=False)
    assert datasets.image_shape(dataset) == (6, 8, 3)
    assert [batch.shape for batch in batches(dataset)] == [(4, 6, 8, 3)] * 2 + [(2, 6, 8, 3)]
    np.testing.assert_array_equal(np.concatenate(batches(dataset)), colors())
    small = datasets.load(SINGLE[name](), image_size=4, grayscale=True, seed=3)
    (batch,) = batches(small)
    assert batch.shape == (10, 4, 4, 1)
    shades = np.arange(10) + round(0.114 * 100)
    assert sorted(batch[:, 0, 0, 0]) == shades.tolist() != batch[:, 0, 0, 0].tolist()


@pytest.mark.parametrize("name", ["with labels", "dataset of dicts", "PyTorch's Dataset", "beside"])
def test_single_images_keep_their_labels(name):
    source = (list(colors()), LABELS) if name == "beside" else SINGLE[name]()
    dataset = datasets.load(source, batch_size=10, labels=True, seed=1)
    images, labels = dataset[0]
    assert labels.dtype == np.int32
    assert sorted(images[:, 0, 0, 0]) == list(range(10)) != images[:, 0, 0, 0].tolist()
    np.testing.assert_array_equal(labels, images[:, 0, 0, 0] % 3)


def test_gray_images_may_lack_an_axis():
    for source in (list(numbered()[..., 0]), ByIndex(numbered()[..., 0])):
        np.testing.assert_array_equal(batches(datasets.load(source, shuffle=False))[0], numbered())


@pytest.mark.parametrize("wrap", [list, ByIndex])
def test_images_of_several_sizes_are_resized(wrap):
    images = [np.full((n + 4, 9 - n, 3), n, "uint8") for n in range(4)]
    dataset = datasets.load(wrap(images), image_size=5, shuffle=False)
    expected = np.broadcast_to(np.arange(4)[:, None, None, None], (4, 5, 5, 3))
    np.testing.assert_array_equal(batches(dataset)[0], expected)
    with pytest.raises(
        ValueError, match=r"differ in shape: the first has \(4, 9, 3\), .* index 1 has \(5, 8, 3"
    ):
        datasets.load(wrap(images))
    mixed = [numbered(1)[0], colors(1)[0]]
    with pytest.raises(ValueError, match="or `grayscale=True` if their channels differ"):
        datasets.load(wrap(mixed))
    assert batches(datasets.load(wrap(mixed), grayscale=True))[0].shape == (2, 6, 8, 1)


def test_an_example_unlike_the_first_ones_is_named_when_it_is_read():
    images = [*colors(64), np.zeros((7, 8, 3), "uint8")]
    dataset = datasets.load(ByIndex(images), batch_size=65)
    with pytest.raises(ValueError, match=r"at index 64 has \(7, 8, 3\). Pass `image_size=`"):
        dataset[0]


def gray_batches():
    """Return four batches of grey images without a channel axis; the last has three images."""
    return np.split(numbered(13)[..., 0], [5, 10])


@pytest.mark.parametrize("wrap", [list, ByIndex])
def test_batches_by_index(wrap):
    dataset = datasets.load(wrap(gray_batches()))
    assert [len(batch) for batch in batches(dataset)] == [5, 5, 3]
    np.testing.assert_array_equal(np.concatenate(batches(dataset)), numbered(13))
    dataset.begin(0, done=2)
    np.testing.assert_array_equal(batches(dataset)[0], numbered(13)[10:])
    labeled = [(batch, np.zeros(len(batch), int)) for batch in gray_batches()[::-1]]
    found = datasets.load(wrap(labeled), labels=True)
    assert [batch.shape for batch in batches(found)] == [(n, 6, 8, 1) for n in (3, 5, 5)]


class Pictures(keras.utils.PyDataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return colors()[index]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ([colors()[0], colors()], r"`source` as a list must hold batches .*, or single images"),
        (Pictures(), r"a Pictures, gives items of shape \(6, 8, 3\), which look like single imag"),
        (
            colors()[0],
            r"hold several images; got \(6, 8, 3\), which looks like one .*`source\[None",
        ),
        (
            tuple(colors()),
            r"a tuple must be \(images, labels\); got 10 items. Pass a list of images",
        ),
        ([Image.new("F", (4, 4))], "its values are floats of unknown range"),
        (
            (gray_batches(), np.zeros(3, int)),
            "`source` gives batches, with labels beside the source. Make",
        ),
        ([(colors()[0], "a cat")], r"`labels` must be .* <U5. .*return_inverse=True"),
        ([(colors()[0], np.eye(3)[0])], r"looks one-hot"),
        (list(colors().astype("int32")), "must be uint8 or float; got int32"),
        ([colors()[0] * 3.0], "must go from 0 to 255, .*; got 0 to 300"),
        (list(colors()), "`source` gives images without labels"),
    ],
)
def test_what_is_no_list_of_images_is_refused(source, message):
    with pytest.raises(ValueError, match=message):
        datasets.load(source, labels=True)


def test_single_images_that_can_only_be_iterated_over_are_put_into_batches():
    loaded = datasets.load(unindexed(list(np.moveaxis(colors(), -1, 1))), batch_size=4)
    assert [len(batch) for batch in batches(loaded)] == [4, 4, 2]
    np.testing.assert_array_equal(np.concatenate(batches(loaded)), colors())
    rest = datasets.load(unindexed(list(colors())), batch_size=4, drop_remainder=True)
    assert [len(batch) for batch in batches(rest)] == [4, 4]


def test_images_of_pillow_are_read_as_those_of_a_folder_are():
    clear = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    grays = [Image.new("L", (4, 4), 10), Image.new("I;16", (4, 4), 257 * 7)]
    images = [Image.new("RGB", (4, 4), (1, 2, 3)), clear, Image.new("CMYK", (4, 4)), *grays]
    for wrap in (list, ByIndex, unindexed):
        (batch,) = batches(datasets.load(wrap(images), shuffle=False, batch_size=5))
        pixels = [[1, 2, 3], [255] * 3, [255] * 3, [10] * 3, [7] * 3]
        np.testing.assert_array_equal(batch[:, 1, 1], pixels)
        (batch,) = batches(datasets.load(wrap(grays), shuffle=False, batch_size=5))
        np.testing.assert_array_equal(batch[:, 1, 1], [[10], [7]])


def test_a_user_of_a_package_called_datasets_is_no_user_of_hugging_face():
    own = type("Own", (ByIndex,), {"__module__": "datasets.mine"})(list(colors()))
    assert batches(datasets.load(own))[0].shape == (10, 6, 8, 3)
