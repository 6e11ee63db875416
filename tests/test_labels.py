"""Conditional GANs: labels in training, samples, energies, metrics and files."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_egan
from keras_egan import callbacks, pictures
from tests import interrupted
from tests.conftest import few, on
from tests.registry import (
    CASES,
    CONDITIONAL,
    EAGERLY,
    IMAGE_SHAPE,
    LATENT_DIM,
    given,
    state,
    tiny_critic,
    tiny_networks,
    uint8_images,
    weights,
)
from tests.test_cls_gan import numpy

pytestmark = pytest.mark.filterwarnings("ignore:For a whole epoch:UserWarning")
conditional = pytest.mark.parametrize(
    "case", few(CONDITIONAL, "began_classes", "cls_gan"), ids=lambda case: case.name
)


@on("torch")
@pytest.mark.parametrize("updates", ["alternating", "one_pass"])
@pytest.mark.parametrize("index", range(5), ids=lambda index: CASES[index].name)
def test_labels_that_say_nothing_change_nothing(index, updates):
    """With embeddings fixed at 0, the conditional GAN has the weights of the unconditional one."""
    plain = CASES[index].build(updates=updates, **EAGERLY)
    gan = CONDITIONAL[index].build(updates=updates, **EAGERLY)
    for side in ("generator", "discriminator"):
        for layer in getattr(gan, side)._flatten_layers():
            if isinstance(layer, keras.layers.Embedding):
                layer.embeddings.assign(0.0 * layer.embeddings)
                layer.trainable = False
    gan.compile(*(keras.optimizers.SGD(2e-3, momentum=0.9) for _ in range(2)), **EAGERLY)
    pairs = zip(plain.trainable_variables, gan.trainable_variables, strict=True)
    for one, other in pairs:
        other.assign(numpy(one))
    images = uint8_images(20)
    plain.fit(images, batch_size=10, epochs=2, shuffle=False, verbose=0)
    gan.fit(*given(gan, images), batch_size=10, epochs=2, shuffle=False, verbose=0)
    for one, other in zip(plain.trainable_variables, gan.trainable_variables, strict=True):
        np.testing.assert_allclose(numpy(one), numpy(other), rtol=1e-5, atol=1e-6)


@conditional
def test_labels_make_a_difference(case):
    gan = case.build()
    one, other = (gan.sample(3, seed=0, labels=label) for label in (0, 1))
    assert not np.allclose(one, other)
    images = uint8_images(3)
    assert not np.allclose(gan.energy(images, labels=0), gan.energy(images, labels=2))
    pair = gan.sample(2, seed=0, labels=[1, 0])
    # A last digit may differ: JAX 0.12 on a CPU rounds a matrix product by its number of rows.
    np.testing.assert_allclose(pair[0], other[0], rtol=0, atol=1e-6)


def test_fakes_have_the_labels_of_their_batch():
    seen = []

    @keras.saving.register_keras_serializable("keras_egan_tests")
    class Watching(keras_egan.EnergyGAN):
        def discriminator_loss(self, real, fake):
            if not ops.is_tensor(real.energy) or self.run_eagerly:
                seen.append((numpy(real.labels), numpy(fake.labels)))
            return real.energy - fake.energy

    networks = tiny_networks(classes=3)[0], tiny_critic(classes=3)
    gan = Watching(*networks, energy="output", num_classes=3, seed=0)
    gan.compile("sgd", "sgd", run_eagerly=True)
    seen.clear()
    if keras.backend.backend() == "jax":  # its steps are traced nevertheless
        pytest.skip("the values are not there to be looked at")
    gan.train_on_batch(uint8_images(4), np.array([2, 0, 1, 1]))
    np.testing.assert_array_equal(seen, [[[2, 0, 1, 1]] * 2])


@on("torch")
def test_samples_have_the_shares_of_the_data():
    gan = CONDITIONAL[3].build(**EAGERLY)
    np.testing.assert_array_equal(np.bincount(gan.labels.drawn(3000, None, 0)) > 900, [True] * 3)
    labels = np.array([0] * 30 + [2] * 10)
    gan.fit(uint8_images(40), labels, batch_size=16, epochs=2, verbose=0)
    np.testing.assert_array_equal(numpy(gan.labels.counts), [60, 0, 20])
    drawn = gan.labels.drawn(10_000, None, seed=0)
    shares = np.bincount(drawn, minlength=3) / 10_000
    np.testing.assert_allclose(shares, [0.75, 0.0, 0.25], atol=0.02)  # 4.6 deviations
    expected = gan.sample(8, seed=0, labels=gan.labels.drawn(8, None, seed=0))
    np.testing.assert_array_equal(gan.sample(8, seed=0), expected)


@on("torch")
@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "`x` gives images without labels"),
        (
            np.arange(20) % 3 + 1,
            "The labels of `x` must go from 0 to 2 with `num_classes` 3; got 3",
        ),
        (np.arange(20) % 3 - 1, "The labels of `x` must go from 0 to 2 .*; got -1"),
        (np.arange(20) % 3 / 2, "The labels of `x` must be whole numbers; got float64"),
        (np.eye(3, dtype=int)[np.arange(20) % 3], r"shape \(20, 3\), which looks one-hot"),
        (np.arange(19) % 3, r"of shape \(20,\); got shape \(19,\)"),
        (np.zeros((20, 2), int), r"of shape \(20,\); got shape \(20, 2\)"),
    ],
)
def test_bad_labels_are_refused(labels, message):
    gan = CONDITIONAL[0].build()
    before = state(gan)
    with pytest.raises(ValueError, match=message):
        gan.fit(uint8_images(20), labels, verbose=0)
    with pytest.raises(ValueError, match=message):
        gan.evaluate(uint8_images(20), labels, verbose=0)
    assert all(map(np.array_equal, before, state(gan)))


def test_bad_labels_after_the_first_batch_are_refused():
    gan = CONDITIONAL[0].build(**EAGERLY)
    batches = [
        (uint8_images(4), np.array([0, 1, 2, 0])),
        (uint8_images(4), np.array([0, 3, 2, -7])),
    ]
    with pytest.raises(ValueError, match=r"2 images were .* or had labels of no class"):
        gan.fit(batches, verbose=0)


@on("torch")
def test_bad_arguments_are_refused():
    gan = CONDITIONAL[0].build()
    images = uint8_images(3)
    with pytest.raises(ValueError, match="`labels` are missing"):
        gan.energy(images)
    with pytest.raises(ValueError, match=r"`labels` must be .* \(3,\); got shape \(2,\)"):
        gan.energy(images, labels=[0, 1])
    with pytest.raises(ValueError, match=r"`labels` must go from 0 to 2 .*; got 3"):
        gan.sample(2, labels=3)
    with pytest.raises(ValueError, match="`labels` must be a whole number, a list of 2, or None"):
        gan.sample(2, labels="cat")
    with pytest.raises(ValueError, match="`x` is a list of batches, with labels beside the list"):
        gan.fit([(images, [0, 1, 2])], [0, 1, 2])
    with pytest.raises(ValueError, match="`labels` need a GAN with classes; this one has none"):
        CASES[0].build().sample(2, labels=1)
    with pytest.raises(ValueError, match="`num_classes` must be a whole number, 2 or more; got 1"):
        keras_egan.BEGAN(*tiny_networks(classes=3), num_classes=1)
    with pytest.raises(ValueError, match="`generator` must have two inputs, latents"):
        keras_egan.BEGAN(*tiny_networks(), num_classes=3)
    with pytest.raises(ValueError, match="`discriminator` must have two inputs, samples and"):
        keras_egan.BEGAN(tiny_networks(classes=3)[0], tiny_networks()[1], num_classes=3)
    networks = tiny_networks(classes=3)[0], tiny_critic(logits=4)
    with pytest.raises(ValueError, match=r"a classifier .*must return \(3,\); it returns \(4,\)"):
        keras_egan.LossSensitiveGAN(*networks, energy="cross_entropy", num_classes=3)


def test_a_training_that_was_cut_off_goes_on_with_its_labels(tmp_path):
    labels = np.random.default_rng(0).integers(3, size=50)

    def build():
        return CONDITIONAL[0].build(interrupted.adam, **EAGERLY)

    data = uint8_images(50), labels
    whole = build()
    interrupted.train(whole, data=data)
    interrupted.cut_off(tmp_path, 6, gan=build(), data=data)
    gan = build()
    other = uint8_images(50), (labels + 1) % 3
    with pytest.raises(ValueError, match="labels was"):
        interrupted.train(build(), callbacks.Backup(tmp_path, every=1), data=other)
    interrupted.train(gan, callbacks.Backup(tmp_path, every=1), data=data)
    assert all(map(np.array_equal, state(gan), state(whole)))


@on("torch")
def test_a_row_of_the_grid_is_a_class(tmp_path):
    from PIL import Image

    gan = CONDITIONAL[0].build(**EAGERLY)
    grids = callbacks.SampleGrid(tmp_path, columns=2)
    gan.fit(*given(gan, uint8_images(8)), batch_size=4, verbose=0, callbacks=[grids])
    samples = gan.sample(6, seed=0, labels=[0, 0, 1, 1, 2, 2])
    with Image.open(tmp_path / "00000002.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), pictures.grid(samples, 2))


@on("torch")
def test_any_form_of_labeled_data_trains_alike():
    images, labels = uint8_images(20), np.arange(20) % 3
    found = []
    for data in (
        (images, labels),
        keras_egan.datasets.Batches(images, 5, shuffle=False, labels=labels),
        keras_egan.datasets.load((images, labels), batch_size=5, shuffle=False, labels=True),
        [(images[i : i + 5], labels[i : i + 5].tolist()) for i in range(0, 20, 5)],
        [(images[i : i + 5], labels[i : i + 5, None]) for i in range(0, 20, 5)],
    ):
        gan = CONDITIONAL[0].build(**EAGERLY)
        gan.fit(data, batch_size=5, shuffle=False, verbose=0)
        found.append(weights(gan))
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-6, atol=1e-7)


@pytest.mark.slow
@on("tensorflow")
def test_export(tmp_path):
    import tensorflow as tf

    gan = CONDITIONAL[0].build()
    z = np.random.default_rng(0).uniform(-1, 1, (4, LATENT_DIM)).astype("float32")
    labels = np.array([0, 2, 1, 1], "int32")
    expected = gan.predict([z, labels], verbose=0)
    gan.export(tmp_path / "served", seed_endpoint=True)
    served = tf.saved_model.load(str(tmp_path / "served"))
    np.testing.assert_allclose(served.serve([z, labels]), expected, atol=1e-5)
    assert served.generate(7, 5, 2).shape == (5, *IMAGE_SHAPE)
    assert np.any(served.generate(7, 5, 2) != served.generate(7, 5, 1))


@pytest.mark.slow
@on("tensorflow")  # there, only "torch" needs a second process
@pytest.mark.parametrize(
    ("suffix", "format"),
    [
        (".onnx", "onnx"),
        (".tflite", "litert"),
        pytest.param(".xml", "openvino", marks=pytest.mark.nightly),
        pytest.param(".pt2", "torch", marks=pytest.mark.nightly),
    ],
)
def test_other_formats(suffix, format, tmp_path):
    path = CONDITIONAL[0].build().export(tmp_path / f"generator{suffix}", format)
    assert path.stat().st_size > 0  # after the comparison in its own runtime


def test_samples_drawn_while_training_have_the_shares_so_far():
    gan, found = CONDITIONAL[3].build(), []

    class Drawing(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 3:
                samples = gan.sample(40, seed=0)
                labels = gan.labels.drawn(40, None, seed=0)  # after `sample` has waited
                found.append((samples, gan.sample(40, seed=0, labels=labels), labels))

    images, labels = uint8_images(40), np.array([0, 2, 2, 2] * 10)
    gan.fit(images, labels, batch_size=8, verbose=0, shuffle=False, callbacks=[Drawing()])
    ((drawn, expected, kinds),) = found
    np.testing.assert_array_equal(drawn, expected)
    assert 1 not in kinds
