"""Every family of networks with labels, and the normalisation within classes."""

import keras
import numpy as np
import pytest

import keras_egan
from keras_egan import networks, presets
from keras_egan.layers import WithinClassNormalization
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
}


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


@pytest.mark.parametrize("family", FAMILIES)
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
            continue  # a score's bias, which data and fakes pull at alike
        assert not np.array_equal(value, numpy(variable)), variable.path


def test_within_class_normalization():
    rng = np.random.default_rng(0)
    x, labels = rng.normal(3.0, 2.0, (12, 5)).astype("float32"), np.array([0, 1, 3] * 4, "int32")
    x[labels == 1] += 7.0
    layer = WithinClassNormalization(5, momentum=0.5, epsilon=1e-3)
    found = numpy(layer([x, labels], training=True))
    means = np.stack(
        [x[labels == k].mean(axis=0) if k in labels else np.zeros(5) for k in range(5)]
    )
    apart = x - means[labels]
    np.testing.assert_allclose(found, apart / np.sqrt(apart.var(axis=0) + 1e-3), atol=1e-5)
    np.testing.assert_allclose(numpy(layer.class_means), 0.5 * means, rtol=1e-5)
    apart, variance = x - 0.5 * means[labels], 0.5 + 0.5 * apart.var(axis=0)
    expected = apart / np.sqrt(variance + 1e-3)  # whose moving mean is 0, as each class's is
    np.testing.assert_allclose(numpy(layer([x, labels])), expected, atol=1e-5)
    alike = numpy(layer([0 * x + labels[:, None], labels], training=True))
    np.testing.assert_allclose(alike, 0.0, atol=1e-4)  # one and the same a class


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


def test_presets_take_classes(tmp_path):
    gan = presets.build("began/digits", num_classes=10, network_arguments={"filters": 2}, seed=0)
    gan.save(tmp_path / "gan.keras")
    opened = keras_egan.load(tmp_path / "gan.keras")
    assert opened.num_classes == 10
    np.testing.assert_array_equal(
        opened.sample(3, seed=1, labels=[1, 2, 3]), gan.sample(3, seed=1, labels=[1, 2, 3])
    )
