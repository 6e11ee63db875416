"""The data that a GAN accepts, and the one clear error for each bad input."""

import pathlib
import pickle

import keras
import numpy as np
import pytest

import keras_egan
from keras_egan.datasets import inputs, sharing
from tests.conftest import on
from tests.forms import (
    Loader,
    LoaderOfKnownLength,
    batches,
    generator_of,
    tf_dataset,
    torch_loader,
)
from tests.registry import (
    CONDITIONAL,
    EAGERLY,
    IMAGE_SHAPE,
    float_images,
    uint8_images,
    weights,
)
from tests.tiny import began


@pytest.fixture
def gan():
    return began(rate=0.01)


def spoilt(value):
    images = float_images()
    images[7, 2, 3, 0] = value
    return images


BAD = {
    "0 to 255": (float_images() * 127.5 + 127.5, r"must lie in \[-1, 1\]; got 0 to 255"),
    "NaN": (
        spoilt(np.nan),
        "1 of the 50 samples hold NaN or infinite values, the first at index 7",
    ),
    "infinite": (spoilt(np.inf), "NaN or infinite values"),
    "another shape": (
        uint8_images(20, (9, 8, 1)),
        r"shape \(20, 9, 8, 1\).*takes \(batch, 8, 8, 1\)",
    ),
    "no channels": (uint8_images()[..., 0], r"`images\[..., None\]`"),
    "int32": (uint8_images().astype("int32"), "must give uint8 or float images; got int32"),
    "empty": (uint8_images(0), "is empty: an array that gives no images"),
}


@on("torch")
@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("call", ["fit", "evaluate", "validation_data"])
def test_bad_images_are_refused_before_anything_moves(gan, name, call):
    images, message = BAD[name]
    before = weights(gan)
    calls = {
        "fit": gan.fit,
        "evaluate": gan.evaluate,
        "validation_data": lambda x, **rest: gan.fit(uint8_images(), validation_data=x, **rest),
    }
    with pytest.raises(ValueError, match=message):
        calls[call](images, verbose=0)
    for one, other in zip(before, weights(gan), strict=True):
        np.testing.assert_array_equal(one, other)


@on("torch")
def test_labels_need_classes(gan):
    images, labels = uint8_images(), np.arange(50)
    message = "`y` needs a GAN with classes; .* Make the GAN with `num_classes=`, or omit"
    calls = gan.fit, gan.evaluate, gan.train_on_batch, gan.test_on_batch
    for call in calls:
        with pytest.raises(ValueError, match=message):
            call(images, labels)
    gan.fit((images, labels), validation_data=(images, labels), verbose=0)  # left out, as always


@on("torch")
@pytest.mark.parametrize("name", ["0 to 255", "NaN", "another shape", "int32"])
def test_bad_images_have_no_energy(gan, name):
    images, _ = BAD[name]
    with pytest.raises(ValueError, match=r"images"):
        gan.energy(images)


def test_bad_values_in_a_generator_are_refused(gan):
    with pytest.raises(ValueError, match=r"must lie in \[-1, 1\]"):
        gan.fit(generator_of(BAD["0 to 255"][0]), verbose=0)
    with pytest.raises(ValueError, match="`x` is empty: a generator that gives no images"):
        gan.fit(generator_of(uint8_images(0)), verbose=0)


NO_DATA = {
    "None": (lambda: None, "`x` must be an array of images or a dataset; got None"),
    "number": (lambda: 3, "`x` must be an array .*; got an int"),
    "string": (lambda: "photos/", r"`x` must be .* a str, 'photos/'.*`datasets.load\('photos/'\)`"),
    "path": (lambda: pathlib.Path("photos"), r"got a PosixPath, .*`datasets.load\('photos'\)`"),
    "dict": (
        lambda: {"image": uint8_images()},
        r"`x` must give images.* a dict with the keys \['image'\].*`data\[\"image\"\]`",
    ),
    "tf.data of dicts": (lambda: tf_dataset({"picture": uint8_images()}), r"keys \['picture'\]"),
    "loader of dicts": (lambda: [{"picture": batches()[0]}], r'keys .*`data\["picture"\]`'),
    "loader of strings": (lambda: ["a.png", "b.png"], "must give batches of images as .*got a str"),
    "empty list": (list, "`x` is empty: a list that gives no images"),
    "empty loader": (lambda: LoaderOfKnownLength([]), "empty: a LoaderOfKnownLength"),
    "empty batches": (lambda: [uint8_images(0)], "`x` is empty"),
    "single image": (lambda: uint8_images()[0], r"batch axis is missing: `dataset.batch\(64\)`"),
    "tf.data of single images": (lambda: tf_dataset(uint8_images()).unbatch(), "axis is missing"),
    "channels first": (
        lambda: np.zeros((4, 1, 8, 8), "uint8"),
        r"channels come first: `numpy.moveaxis\(images, 1, -1\)`",
    ),
    "images that differ": (
        lambda: [uint8_images()[0], uint8_images()[0, 1:]],
        r"images of `\w+` differ in shape: \(7, 8, 1\), \(8, 8, 1\). Resize them: `datasets.load",
    ),
    "images and labels in a list": (
        lambda: [uint8_images(), np.arange(50)],
        r"list must hold batches of shape \(batch, 8, 8, 1\).*labels as a tuple",
    ),
    "loader of unknown length": (
        lambda: Loader(batches()),
        "`x` is a Loader of unknown length.*`steps_per_epoch=`",
    ),
}


@on("torch")
@pytest.mark.parametrize("name", NO_DATA)
def test_what_is_no_data_is_refused_by_name(name):
    make, message = NO_DATA[name]
    with pytest.raises(ValueError, match=message) as refusal:
        inputs.accept(make(), IMAGE_SHAPE)
    assert len(str(refusal.value)) < 300
    with pytest.raises(ValueError, match="`validation_data`"):
        inputs.accept(make(), IMAGE_SHAPE, "validation_data")


@on("torch")
def test_vectors_may_have_any_finite_values():
    points = np.linspace(-5, 5, 12, dtype="float32").reshape(6, 2)
    for data in (points, list(points), [points[:4], points[4:]]):
        first, _ = inputs.accept(data, (2,))
        np.testing.assert_array_equal(first, points[: len(first)])
    points[3, 1] = np.nan
    with pytest.raises(ValueError, match=r"index 3.*all\(axis=\(1,\)\)"):
        inputs.accept(points, (2,))


@pytest.mark.parametrize("dtype", ["uint8", "int32", "bool"])
def test_vectors_are_never_scaled(dtype):
    """Scaled like images, rows of 0 and 1 would become -1 and -0.99."""
    rows = np.eye(4, dtype=dtype)[np.arange(12) % 4]
    gan = keras_egan.LeastSquaresGAN(*keras_egan.networks.mlp(4, latent_dim=2, units=3), seed=0)
    gan.compile("sgd", "sgd", **EAGERLY)
    message = rf"samples of shape \(4,\) .* got {dtype}.* `x.astype\(\"float32"
    for call in (gan.fit, gan.evaluate, gan.train_on_batch, gan.energy):
        with pytest.raises(ValueError, match=message) as refusal:
            call(rows)
        assert "uint8 images" not in str(refusal.value)
    first, _ = inputs.accept(rows.astype("float32"), (4,))
    np.testing.assert_array_equal(first, rows)


@on("torch")
def test_masks_of_0_and_1_are_warned_of_once():
    masks = uint8_images() % 2
    with pytest.warns(
        UserWarning, match=r"`x` gives uint8 .* 0 and 1, .*`images \* 255`"
    ) as caught:
        inputs.accept(masks, IMAGE_SHAPE)
    assert len(caught) == 1
    for images in (masks * 255, np.zeros_like(masks), uint8_images()):
        inputs.accept(images, IMAGE_SHAPE)  # a warning would be an error


@on("torch")
@pytest.mark.parametrize("labels", [["cat", "dog"] * 3, np.array(["cat", "dog"] * 3, object)])
def test_names_of_classes_are_to_be_numbered(labels):
    gan = CONDITIONAL[0].build()
    with pytest.raises(
        ValueError, match=r"whole numbers; .* `numpy.unique\(labels, return_inverse=T"
    ):
        gan.fit(uint8_images(6), labels, verbose=0)
    np.testing.assert_array_equal(np.unique(labels, return_inverse=True)[1], [0, 1] * 3)


class Sent(keras.utils.PyDataset):
    def __len__(self):
        return 2

    def __getitem__(self, index):
        return uint8_images()[25 * index : 25 * index + 25], "labels"


@on("torch")
def test_a_users_dataset_can_be_sent_to_other_processes():
    _, data = inputs.accept(Sent(workers=2, use_multiprocessing=True), IMAGE_SHAPE)
    sent = pickle.loads(pickle.dumps(data))
    assert (sent.workers, sent.use_multiprocessing, sent.num_batches) == (2, True, 2)
    for index in range(2):
        (images,) = sent[index]
        np.testing.assert_array_equal(images, uint8_images()[25 * index : 25 * index + 25])


@pytest.mark.nightly
@on("jax")
def test_a_dataset_is_read_by_processes_that_are_spawned(tmp_path):
    """Start processes as macOS and Windows do."""
    from tests.test_backend import run

    (tmp_path / "script.py").write_text(SPAWNING)
    assert run([tmp_path / "script.py"], PYTHONPATH=".").split()[-1] == "2"


SPAWNING = """
import multiprocessing

if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    from tests.test_inputs import Sent
    from tests.tiny import began

    gan = began()
    gan.fit(Sent(workers=2, use_multiprocessing=True), verbose=0)
    print(int(gan.step))
"""


@on("torch")
def test_images_that_look_unscaled_are_warned_of_once():
    unscaled = (float_images() + 1) / 2
    with pytest.warns(UserWarning, match=r"`x` .*\[0, 1\].*`images \* 2 - 1`") as caught:
        inputs.accept(unscaled, IMAGE_SHAPE)
    assert len(caught) == 1
    for scaled in (float_images(), np.zeros((4, *IMAGE_SHAPE), "float32"), uint8_images()):
        inputs.accept(scaled, IMAGE_SHAPE)  # a warning would be an error
    inputs.accept(np.array([[0.0, 0.5], [0.1, 1.0]]), (2,))


@on("torch")
@pytest.mark.parametrize("fraction", [0.2, 0.25, 0.33])
def test_validation_split_holds_out_what_keras_does(fraction):
    images, labels = uint8_images(), np.arange(50)
    (first, first_labels), (last, last_labels) = sharing.split((images, labels), fraction)
    held_out = int(np.ceil(round(50 * fraction, 9)))
    np.testing.assert_array_equal(last_labels, np.arange(50 - held_out, 50))
    np.testing.assert_array_equal(first_labels, np.arange(50 - held_out))
    np.testing.assert_array_equal(np.concatenate([first, last]), images)
    alone, rest = sharing.split(images, fraction)
    np.testing.assert_array_equal(alone, first)
    np.testing.assert_array_equal(rest, last)


@on("torch")
def test_validation_split_needs_arrays():
    with pytest.raises(ValueError, match=r"`x` is a DataLoader.*`validation_data=` instead"):
        sharing.split(torch_loader(uint8_images()), 0.2)
    for fraction in (0.0, 1.0, 0.999, -0.5):
        with pytest.raises(ValueError, match="`validation_split` must leave samples on both sides"):
            sharing.split(uint8_images(), fraction)


@on("torch")
def test_batches_of_nothing_are_refused(gan):
    with pytest.raises(ValueError, match="`batch_size` must be a whole number, 1 or more; got 0"):
        gan.fit(uint8_images(), batch_size=0, verbose=0)
    with pytest.raises(ValueError, match="`batch_size` must be a whole number, 1 or more; got -1"):
        gan.energy(uint8_images(), batch_size=-1)
