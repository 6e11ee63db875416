"""Every family of networks with labels, and the normalisation within classes."""

import keras
import numpy as np
import pytest

import keras_egan
from keras_egan import networks, presets
from keras_egan.layers import WithinClassNormalization
from tests.conftest import few, on
from tests.layers import within_classes
from tests.registry import EAGERLY

CLASSES = 3
FAMILIES = {
    "began": {"image_shape": (16, 16, 1), "filters": 2, "latent_dim": 4},
    "convnet": {"image_shape": (12, 10, 1), "filters": 2},
    "convnet critic": {"image_shape": (12, 10, 1), "filters": 2, "embedding_dim": None},
    "dcgan_autoencoder": {"image_shape": (8, 8, 1), "filters": 2},
    "ebgan": {"image_shape": (64, 64, 1), "filters": 1},
    "ebgan planes": {"image_shape": (128, 128, 1), "filters": 1},
    "ebgan_mlp": {"image_shape": (8, 8, 1), "size_g": 8, "size_d": 8},
    "ebgan_small": {"image_shape": (8, 8, 1), "filters": 2},
    "least_squares_dcgan": {"image_shape": (16, 16, 1), "filters": 2, "latent_dim": 5},
    "least_squares_vgg": {"image_shape": (16, 16, 1), "filters": 2, "latent_dim": 5},
    "loss_sensitive": {"image_shape": (8, 8, 1), "filters": 2, "nonnegative": False},
    "magan_cifar10": {"filters": 4, "latent_dim": 4},
    "magan_mnist": {"filters": 4, "units": 8, "latent_dim": 4},
    "mlp": {"units": 4},
    "mlp auto-encoder": {"units": 4, "embedding_dim": 1},
    "residual": {"image_shape": (12, 10, 1), "filters": 2},
    "residual auto-encoder": {"image_shape": (12, 10, 1), "filters": 2, "embedding_dim": 3},
}


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.parametrize("family", few(FAMILIES, "dcgan_autoencoder", "loss_sensitive"))
def test_a_step_with_labels_moves_all_and_labels_matter(family):
    make = getattr(networks, family.partition(" ")[0])
    generator, discriminator = make(num_classes=CLASSES, **FAMILIES[family])
    energy = "norm" if hasattr(discriminator, "encoder") else "output"
    gan = keras_egan.EBGAN(
        generator, discriminator, margin=1e3, energy=energy, num_classes=CLASSES, seed=0
    )
    gan.compile("sgd", "sgd", **EAGERLY)
    images = np.random.default_rng(0).uniform(-1, 1, (6, *gan.image_shape)).astype("float32")
    samples = [gan.sample(4, seed=0, labels=label) for label in (1, 2)]
    assert not np.array_equal(*samples)
    outputs = [numpy(gan.discriminator([images, np.full(6, label)])) for label in (1, 2)]
    assert not np.array_equal(*outputs)  # energies may be alike by rounding
    before = [numpy(variable).copy() for variable in gan.trainable_variables]
    gan.train_on_batch(images, np.arange(6) % CLASSES)
    for variable, value in zip(gan.trainable_variables, before, strict=True):
        if variable.shape == (1,):
            continue  # a score's bias, on which data and fakes pull equally
        assert not np.array_equal(value, numpy(variable)), variable.path


@pytest.mark.parametrize("labels", [[0, 1, 3] * 4, [4, 2, 0, 3, 1], [0, 0, 0, 1, 1, 4]])
def test_within_class_normalization(labels):
    """Batches have several images per class, one per class, and both; also at inference."""
    rng, labels = np.random.default_rng(0), np.array(labels, "int32")
    layer = WithinClassNormalization(5, momentum=0.8, epsilon=1e-3)
    state = np.zeros((5, 4)), np.zeros(4), np.ones(4)
    for batch in range(2):
        x = rng.normal(3.0, 2.0, (len(labels), 4)).astype("float32")
        x[labels == 1] += 7.0
        found = numpy(layer([x, labels], training=True))
        expected, state = within_classes(x, labels, state, momentum=0.8)
        np.testing.assert_allclose(found, expected, atol=1e-4, err_msg=f"batch {batch}")
    for weight, value in zip(layer.non_trainable_weights, state[1:] + state[:1], strict=True):
        np.testing.assert_allclose(numpy(weight), value, rtol=1e-5, atol=1e-5)
    class_means, mean, variance = state
    expected = (x - class_means[labels] - mean) / np.sqrt(variance + 1e-3)
    np.testing.assert_allclose(numpy(layer([x, labels])), expected, atol=1e-4)


@on("torch")
def test_differences_within_classes_are_as_large_in_training_as_at_inference():
    """Moments of 20,000 samples with known means do not depend on the class sizes."""
    rng = np.random.default_rng(0)
    for n in (1, 2, 5):
        labels = np.repeat(np.arange(20_000 // n, dtype="int32"), n)
        centers = rng.normal(0.0, 10.0, (20_000 // n, 1)).astype("float32")
        layer = WithinClassNormalization(len(centers), momentum=0.0, epsilon=0.0)
        layer.build([(None, 1), (None,)])
        layer.class_means.assign(centers)
        x = centers[labels] + rng.normal(0.0, 3.0, (len(labels), 1)).astype("float32")
        layer([x, labels], training=True)
        assert float(layer.moving_variance[0]) == pytest.approx(9.0, rel=0.05)


def test_an_image_alone_of_its_class_moves_the_encoder():
    """In a batch of one image per class, each embedding differs and has a gradient."""
    labels = np.arange(CLASSES, dtype="int32")
    generator, discriminator = networks.dcgan_autoencoder(
        (8, 8, 1), filters=2, latent_dim=4, num_classes=CLASSES
    )
    gan = keras_egan.BEGAN(generator, discriminator, num_classes=CLASSES, seed=0)
    gan.compile(keras.optimizers.SGD(1.0), keras.optimizers.SGD(0.0), **EAGERLY)
    kernel = discriminator.encoder.trainable_variables[0]
    before = numpy(kernel).copy()
    images = np.random.default_rng(0).uniform(-1, 1, (CLASSES, 8, 8, 1)).astype("float32")
    gan.train_on_batch(images, labels)
    assert np.abs(numpy(kernel) - before).max() > 1e-6


@on("torch")
@pytest.mark.parametrize(
    ("build", "size"),
    [
        (networks.convnet, {"image_shape": (8, 8, 1), "filters": 2}),
        (networks.dcgan_autoencoder, {"image_shape": (8, 8, 1), "filters": 2}),
        (networks.residual, {"image_shape": (8, 8, 1), "filters": 2, "embedding_dim": 3}),
    ],
)
def test_the_decoder_normalizes_within_classes(build, size):
    """Only layers after the normalisation see the label, and no layer sees a class's mean."""
    _, discriminator = build(num_classes=CLASSES, **size)
    decoder = discriminator.decoder
    (layer,) = [x for x in decoder.layers if isinstance(x, WithinClassNormalization)]
    assert layer.num_classes == CLASSES
    rng = np.random.default_rng(0)
    embedding = rng.normal(size=(6, decoder.inputs[0].shape[-1])).astype("float32")
    labels = np.arange(6, dtype="int32") % CLASSES
    shift = rng.normal(size=(CLASSES, embedding.shape[-1])).astype("float32")
    before = numpy(decoder([embedding, labels]))
    layer.class_means.assign(shift)
    after = numpy(decoder([embedding + shift[labels], labels]))
    np.testing.assert_allclose(after, before, atol=1e-4)


@on("torch")
@pytest.mark.parametrize("family", FAMILIES)
def test_a_label_begins_small_in_the_generator(family):
    """The generator must not confuse it with the latents, which are of the order of 1."""
    generator, _ = getattr(networks, family.partition(" ")[0])(num_classes=100, **FAMILIES[family])
    (layer,) = [x for x in generator.layers if isinstance(x, keras.layers.Embedding)]
    drawn = numpy(layer.embeddings)
    assert drawn.std() == pytest.approx(0.05, rel=0.1)


@on("torch")
def test_a_classifier_for_cls_gan():
    generator, classifier = networks.loss_sensitive(
        (8, 8, 1), filters=2, num_classes=CLASSES, classifier=True
    )
    assert classifier.output_shape == (None, CLASSES)
    assert classifier.input_shape == (None, 8, 8, 1)
    keras_egan.LossSensitiveGAN(
        generator, classifier, energy="cross_entropy", num_classes=CLASSES, first_term_weight=1.0
    )
    with pytest.raises(ValueError, match="`classifier=True` needs `num_classes`"):
        networks.loss_sensitive((8, 8, 1), classifier=True)


@on("torch")
def test_presets_take_classes(tmp_path):
    gan = presets.build("began/digits", num_classes=10, network_arguments={"filters": 2}, seed=0)
    gan.save(tmp_path / "gan.keras")
    opened = keras_egan.load(tmp_path / "gan.keras")
    assert opened.num_classes == 10
    np.testing.assert_array_equal(
        opened.sample(3, seed=1, labels=[1, 2, 3]), gan.sample(3, seed=1, labels=[1, 2, 3])
    )
