"""CLS-GAN: its energy, and images without a label."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_egan
from keras_egan import losses
from keras_egan.training.batch import BatchShard
from tests.conftest import on
from tests.registry import (
    CONDITIONAL,
    EAGERLY,
    uint8_images,
)

pytestmark = pytest.mark.filterwarnings("ignore:For a whole epoch:UserWarning")


CLS = CONDITIONAL[-1]


def numpy(tensor):
    return ops.convert_to_numpy(tensor)


@on("torch")
def test_classification_energy():
    """The energy is -log softmax of the label's logit; without a label, that of the best class."""
    logits = np.array([[1.0, 2.0, 4.0], [0.0, 0.0, -1.0], [3.0, 1.0, 2.0]], "float32")
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = [-np.log(p[0, 1]), -np.log(p[1, 2]), -np.log(p[2].max())]
    np.testing.assert_allclose(
        numpy(losses.classification_energy(logits, np.array([1, 2, -1]))), expected, rtol=1e-6
    )


def test_images_without_a_label_take_part_in_cls_gan():
    gan = CLS.build(**EAGERLY)
    images, labels = uint8_images(12), np.array([0, 1, 2, -1] * 3)
    history = gan.fit(images, labels, batch_size=4, epochs=1, verbose=0).history
    assert all(np.isfinite(values).all() for values in history.values())
    np.testing.assert_array_equal(numpy(gan.labels.counts), [3, 3, 3])
    logits = numpy(gan.discriminator(images / np.float32(127.5) - 1))
    expected = logits.argmax(axis=1) == np.arange(12) % 3
    figures = gan.evaluate(images, np.arange(12) % 3, verbose=0, return_dict=True)
    assert figures["accuracy"] == pytest.approx(expected.mean())
    # Unlabelled images count neither as right nor as wrong, in every order.
    labels = np.array([0, -1, -1, -1, -1, -1, 0, -1, 2, 0, -1, -1])
    figures = gan.evaluate(images, labels, batch_size=5, verbose=0, return_dict=True)
    known = labels >= 0
    right = (logits.argmax(axis=1) == labels)[known]
    assert figures["accuracy"] == pytest.approx(right.mean())
    assert figures["labeled"] == pytest.approx(known.mean())
    figures = gan.evaluate(images, np.full(12, -1), verbose=0, return_dict=True)
    assert figures["accuracy"] == 0.0


@on("jax")
def test_fakes_of_unlabeled_images_are_of_every_class():
    gan, labels = CLS.build(), np.repeat([-1, 1], [3000, 100]).astype("int32")
    rows = BatchShard(3100, 0, 3100, seeds=gan._training_state.seeds)
    rows, unfit = gan.labels.received((None, labels), rows)
    np.testing.assert_array_equal(numpy(rows.labels), labels)
    assert not numpy(unfit).any()
    drawn, known = np.split(numpy(rows.fake_labels), [3000])
    np.testing.assert_array_equal(known, labels[3000:])
    shares = np.bincount(drawn, minlength=3) / 3000
    np.testing.assert_allclose(shares, [1 / 3] * 3, atol=0.04)  # 4.6 deviations


class ClassCounting(keras_egan.LossSensitiveGAN):
    """Logs the number of fakes per class. All pixels of a fake of class k are k / 4."""

    def generator_loss(self, fake):
        made = ops.mean(fake.images, axis=(1, 2, 3))
        kinds = {f"of class {k}": ops.abs(made - k / 4) < 0.1 for k in range(3)}
        return super().generator_loss(fake), kinds


@on("jax")
@pytest.mark.parametrize("updates", ["alternating", "one_pass"])
def test_fakes_of_unlabeled_images_are_scored_as_what_they_were_made_as(updates):
    """The classifier always gives 0.1, 0.2, 0.7, so the energies are -log of these."""
    energies = -np.log([0.1, 0.2, 0.7])
    label = keras.Input((), dtype="int32")
    latents, images = keras.Input((4,)), keras.Input((8, 8, 1))
    kind = keras.layers.Embedding(3, 64, embeddings_initializer="zeros")
    fakes = kind(label) + keras.layers.Dense(64, kernel_initializer="zeros")(latents)
    generator = keras.Model([latents, label], keras.layers.Reshape((8, 8, 1))(fakes))
    kind.embeddings.assign(np.repeat(np.arange(3)[:, None] / 4, 64, axis=1))
    logits = keras.layers.Dense(
        3,
        kernel_initializer="zeros",
        bias_initializer=lambda shape, dtype: ops.cast(-energies, dtype),
    )(keras.layers.Flatten()(images))
    gan = ClassCounting(
        generator,
        keras.Model(images, logits),
        energy="cross_entropy",
        num_classes=3,
        delta_weight=0.0,
        slope=1.0,
        updates=updates,
        seed=1,
    )
    gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
    unlabeled = uint8_images(30), np.full(30, -1)
    for run in (gan.train_on_batch, gan.test_on_batch):
        figures = {name: float(value) for name, value in run(*unlabeled, return_dict=True).items()}
        shares = [figures[f"of class {k}"] for k in range(3)]
        assert min(shares) > 0
        assert sum(shares) == pytest.approx(1.0)
        assert figures["fake_energy"] == pytest.approx(energies @ shares, rel=1e-5)
        assert figures["g_loss"] == pytest.approx(figures["fake_energy"])
        assert figures["real_energy"] == pytest.approx(energies.min(), rel=1e-5)
        assert figures["d_loss"] == pytest.approx(energies.min() - energies @ shares, rel=1e-5)
