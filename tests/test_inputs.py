"""What may be fed to a GAN, and every bad input's one clear error."""

import pathlib
import random

import keras
import numpy as np
import pytest
from keras import layers

import keras_egan
from keras_egan import datasets, inputs
from tests.registry import EAGERLY, IMAGE_SHAPE, float_images, tiny_networks, uint8_images, weights


@pytest.fixture
def gan():
    random.seed(0)
    gan = keras_egan.BEGAN(*tiny_networks(), seed=1)
    gan.compile("sgd", "sgd", **EAGERLY)
    return gan


def spoilt(value):
    images = float_images()
    images[7, 2, 3, 0] = value
    return images


BAD = {
    "0 to 255": (float_images() * 127.5 + 127.5, r"must lie in \[-1, 1\]; these go from 0 to 255"),
    "NaN": (spoilt(np.nan), "1 of the 50 samples hold NaN or infinite values, first .* index 7"),
    "infinite": (spoilt(np.inf), "NaN or infinite values"),
    "another shape": (
        uint8_images(20, (9, 8, 1)),
        r"shape \(20, 9, 8, 1\).*takes \(batch, 8, 8, 1\)",
    ),
    "no channels": (uint8_images()[..., 0], r"`images\[..., None\]`"),
    "int32": (uint8_images().astype("int32"), "images that are int32; they must be uint8 or float"),
    "empty": (uint8_images(0), "is empty: it is an array that gives no images"),
}


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


@pytest.mark.parametrize("name", ["0 to 255", "NaN", "another shape", "int32"])
def test_bad_images_have_no_energy(gan, name):
    images, _ = BAD[name]
    with pytest.raises(ValueError, match=r"images"):
        gan.energy(images)


def generator_of(images, wrap=lambda batch: (batch,)):
    for start in range(0, len(images), 20):
        yield wrap(images[start : start + 20])


class PyDataset(keras.utils.PyDataset):
    """Three batches, wrapped in one way or another."""

    def __init__(self, wrap=lambda batch: (batch,), **kwargs):
        super().__init__(**kwargs)
        self.wrap = wrap

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return self.wrap(uint8_images()[20 * index : 20 * index + 20])


class Loader:
    """A loader of no library; it may be gone through again and again."""

    def __init__(self, batches):
        self.batches = batches

    def __iter__(self):
        return iter(self.batches)


class LoaderOfKnownLength(Loader):
    def __len__(self):
        return len(self.batches)


def labelled(batch):
    return batch, np.array(["a label"] * len(batch))


def torch_loader(*arrays, collate=None):
    import torch

    tensors = torch.utils.data.TensorDataset(*map(torch.as_tensor, arrays))
    return torch.utils.data.DataLoader(tensors, batch_size=20, collate_fn=collate)


def plain(rows):
    import torch

    return torch.stack([row for (row,) in rows])


def tf_dataset(*arrays):
    import tensorflow as tf

    tensors = arrays if len(arrays) > 1 else arrays[0]
    return tf.data.Dataset.from_tensor_slices(tensors).batch(20)


def batches():
    return [images for (images,) in generator_of(uint8_images())]


# Each gives the images in three batches, and may be gone through again.
FORMS = {
    "tensor": lambda: keras.ops.convert_to_tensor(uint8_images()),
    "labelled arrays": lambda: (uint8_images(), np.arange(50)),
    "list of images": lambda: list(uint8_images()),
    "list of batches": batches,
    "list of labelled batches": lambda: [labelled(batch) for batch in batches()],
    "PyDataset": PyDataset,
    "PyDataset of arrays, in threads": lambda: PyDataset(lambda batch: batch, workers=2),
    "PyDataset of tensors": lambda: PyDataset(keras.ops.convert_to_tensor),
    "PyDataset with labels": lambda: PyDataset(labelled),
    "tf.data": lambda: tf_dataset(uint8_images()),
    "tf.data with labels": lambda: tf_dataset(uint8_images(), np.array(["a label"] * 50)),
    "DataLoader": lambda: torch_loader(uint8_images()),
    "DataLoader with labels": lambda: torch_loader(uint8_images(), np.arange(50)),
    "DataLoader of tensors": lambda: torch_loader(uint8_images(), collate=plain),
    "loader": lambda: LoaderOfKnownLength(batches()),
    "Batches": lambda: datasets.Batches(uint8_images(), 20, shuffle=False),
    "loaded": lambda: datasets.load(uint8_images(), batch_size=20, shuffle=False),
}
# Each of these has to be told how many batches are an epoch.
WITHOUT_LENGTH = {
    "generator": lambda: generator_of(uint8_images()),
    "generator of arrays": lambda: generator_of(uint8_images(), lambda batch: batch),
    "generator of lists": lambda: generator_of(uint8_images(), lambda batch: [batch]),
    "generator of tensors": lambda: generator_of(uint8_images(), keras.ops.convert_to_tensor),
    "generator with labels": lambda: generator_of(uint8_images(), labelled),
    "iterator": lambda: iter(batches()),
    "loader of unknown length": lambda: Loader(batches()),
}


def trained(data, **arguments):
    random.seed(0)
    gan = keras_egan.BEGAN(*tiny_networks(), seed=1)
    gan.compile("sgd", "sgd", **EAGERLY)
    gan.fit(data, batch_size=20, shuffle=False, verbose=0, **arguments)
    return gan


@pytest.fixture(scope="module")
def expected():
    """The generator's weights after one epoch of the plain array, and after two; then figures."""
    one, two = (trained(uint8_images(), epochs=epochs) for epochs in (1, 2))
    figures = two.evaluate(uint8_images(), batch_size=20, verbose=0)
    return weights(one.generator), weights(two.generator), figures


def check_alike(some, others):
    for one, other in zip(some, others, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_data_trains_and_evaluates_alike(form, expected):
    gan = trained(FORMS[form](), epochs=2)
    check_alike(expected[1], weights(gan.generator))
    figures = gan.evaluate(FORMS[form](), batch_size=20, verbose=0)
    np.testing.assert_allclose(figures, expected[2], rtol=1e-4)


@pytest.mark.parametrize("form", WITHOUT_LENGTH)
def test_data_of_unknown_length_trains_alike(form, expected):
    gan = trained(WITHOUT_LENGTH[form](), steps_per_epoch=3)
    check_alike(expected[0], weights(gan.generator))


def test_any_form_validates(gan):
    for form in ("list of batches", "DataLoader of tensors", "PyDataset with labels", "loader"):
        history = gan.fit(
            uint8_images(), batch_size=50, validation_data=FORMS[form](), verbose=0
        ).history
        assert np.isfinite(history["val_d_loss"]).all()


def test_a_loader_is_gone_through_anew_for_each_epoch_and_no_further():
    class Counting(LoaderOfKnownLength):
        passes = 0

        def __iter__(self):
            self.passes += 1
            return super().__iter__()

    loader = Counting(batches())
    _, data = inputs.accept(loader, IMAGE_SHAPE)
    assert len(data) == 3
    for epoch in range(3):
        data.begin(3 * epoch)
        np.testing.assert_array_equal(np.concatenate([b for (b,) in data]), uint8_images())
    assert loader.passes == 4  # one to look at the first batch


def test_bad_values_in_a_generator_are_refused(gan):
    with pytest.raises(ValueError, match=r"must lie in \[-1, 1\]"):
        gan.fit(generator_of(BAD["0 to 255"][0]), verbose=0)
    with pytest.raises(ValueError, match="`x` is empty: it is a generator that gives no images"):
        gan.fit(generator_of(uint8_images(0)), verbose=0)


NO_DATA = {
    "None": (lambda: None, "`x` is None. Pass images, an array or a dataset"),
    "number": (lambda: 3, "`x` is an int. Pass images"),
    "string": (lambda: "photos/", r"`x` is a str, 'photos/'.*`datasets.load\('photos/'\)`"),
    "path": (lambda: pathlib.Path("photos"), r"`x` is a PosixPath, .*`datasets.load\('photos'\)`"),
    "dict": (
        lambda: {"image": uint8_images()},
        r"`x` must give images.* a dict with the keys \['image'\].*`data\[\"image\"\]`",
    ),
    "tf.data of dicts": (lambda: tf_dataset({"image": uint8_images()}), r"the keys \['image'\]"),
    "loader of dicts": (lambda: [{"image": batches()[0]}], r"the keys \['image'\]"),
    "loader of strings": (lambda: ["a.png", "b.png"], "must give batches of images, .*got a str"),
    "empty list": (list, "`x` is empty: it is a list that gives no images"),
    "empty loader": (lambda: LoaderOfKnownLength([]), "empty: it is a LoaderOfKnownLength"),
    "empty batches": (lambda: [uint8_images(0)], "`x` is empty"),
    "single image": (lambda: uint8_images()[0], r"batch's axis is missing: `dataset.batch\(64\)`"),
    "tf.data of single images": (lambda: tf_dataset(uint8_images()).unbatch(), "axis is missing"),
    "channels first": (
        lambda: np.zeros((4, 1, 8, 8), "uint8"),
        r"channels come first: `numpy.moveaxis\(images, 1, -1\)`",
    ),
    "images and labels in a list": (
        lambda: [uint8_images(), np.arange(50)],
        r"list must hold batches of shape \(batch, 8, 8, 1\).*labels go in a tuple",
    ),
    "loader of unknown length": (
        lambda: Loader(batches()),
        "`x` is a Loader that does not tell its length.*`steps_per_epoch=`",
    ),
}


@pytest.mark.parametrize("name", NO_DATA)
def test_what_is_no_data_is_refused_by_name(name):
    make, message = NO_DATA[name]
    with pytest.raises(ValueError, match=message) as refusal:
        inputs.accept(make(), IMAGE_SHAPE)
    assert len(str(refusal.value)) < 300
    with pytest.raises(ValueError, match="`validation_data`"):
        inputs.accept(make(), IMAGE_SHAPE, "validation_data")


def test_vectors_may_have_any_finite_values():
    points = np.linspace(-5, 5, 12, dtype="float32").reshape(6, 2)
    for data in (points, list(points), [points[:4], points[4:]]):
        first, _ = inputs.accept(data, (2,))
        np.testing.assert_array_equal(first, points[: len(first)])
    points[3, 1] = np.nan
    with pytest.raises(ValueError, match=r"index 3.*all\(axis=\(1,\)\)"):
        inputs.accept(points, (2,))


def test_images_that_look_unscaled_are_warned_of_once():
    unscaled = (float_images() + 1) / 2
    with pytest.warns(UserWarning, match=r"`x` .*\[0, 1\].*`images \* 2 - 1`") as caught:
        inputs.accept(unscaled, IMAGE_SHAPE)
    assert len(caught) == 1
    for scaled in (float_images(), np.zeros((4, *IMAGE_SHAPE), "float32"), uint8_images()):
        inputs.accept(scaled, IMAGE_SHAPE)  # a warning would be an error
    inputs.accept(np.array([[0.0, 0.5], [0.1, 1.0]]), (2,))


@pytest.mark.parametrize("fraction", [0.2, 0.25, 0.33])
def test_validation_split_holds_out_what_keras_does(fraction):
    images, labels = uint8_images(), np.arange(50)
    (first, first_labels), (last, last_labels) = inputs.split((images, labels), fraction)
    held_out = int(np.ceil(round(50 * fraction, 9)))
    np.testing.assert_array_equal(last_labels, np.arange(50 - held_out, 50))
    np.testing.assert_array_equal(first_labels, np.arange(50 - held_out))
    np.testing.assert_array_equal(np.concatenate([first, last]), images)
    alone, rest = inputs.split(images, fraction)
    np.testing.assert_array_equal(alone, first)
    np.testing.assert_array_equal(rest, last)


def test_validation_split_needs_arrays():
    with pytest.raises(ValueError, match=r"`x` is a DataLoader.*`validation_data=` instead"):
        inputs.split(torch_loader(uint8_images()), 0.2)
    for fraction in (0.0, 1.0, 0.999, -0.5):
        with pytest.raises(ValueError, match="`validation_split` must leave samples on both sides"):
            inputs.split(uint8_images(), fraction)


def test_batches_of_nothing_are_refused(gan):
    with pytest.raises(ValueError, match="`batch_size` must be a whole number, 1 or more; got 0"):
        gan.fit(uint8_images(), batch_size=0, verbose=0)
    with pytest.raises(ValueError, match="`batch_size` must be a whole number, 1 or more; got -1"):
        gan.energy(uint8_images(), batch_size=-1)


def test_networks_that_do_not_fit():
    generator, discriminator = tiny_networks()
    _, larger = tiny_networks((12, 12, 1))
    with pytest.raises(
        ValueError, match=r"samples of shape \(8, 8, 1\), but .* takes \(12, 12, 1\)"
    ):
        keras_egan.BEGAN(generator, larger)
    critic = keras.Sequential([keras.Input(IMAGE_SHAPE), layers.Flatten(), layers.Dense(1)])
    with pytest.raises(ValueError, match="must be an auto-encoder"):
        keras_egan.BEGAN(generator, critic)
    with pytest.raises(ValueError, match="a reconstruction must have its image's shape"):
        keras_egan.networks.Autoencoder(discriminator.encoder, larger.decoder)


def test_subclassed_networks_need_latent_dim():
    class Generator(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(64)
            self.reshape = layers.Reshape(IMAGE_SHAPE)

        def call(self, latents):
            return self.reshape(self.dense(latents))

    class Discriminator(keras.Model):
        def __init__(self):
            super().__init__()
            self.code = layers.Dense(2)

        def call(self, images):
            flat = keras.ops.reshape(images, (-1, 64))
            return keras.ops.reshape(flat * keras.ops.mean(self.code(flat)), (-1, *IMAGE_SHAPE))

    with pytest.raises(ValueError, match="`latent_dim` is missing"):
        keras_egan.BEGAN(Generator(), Discriminator())
    gan = keras_egan.BEGAN(Generator(), Discriminator(), latent_dim=3)
    gan.compile("sgd", "sgd", **EAGERLY)
    gan.fit(uint8_images(), verbose=0)
    assert gan.sample(2).shape == (2, *IMAGE_SHAPE)
