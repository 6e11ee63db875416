"""GANs whose discriminator sees augmented images: the images, and the state in files."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_egan
from keras_egan.augment import DiffAugment
from keras_egan.training.batch import BatchShard
from tests.conftest import few, on
from tests.registry import (
    CASES,
    EAGERLY,
    float_images,
    state,
    tiny_critic,
    tiny_networks,
    uint8_images,
    weights,
)

cases = pytest.mark.parametrize("case", few(CASES, "began"), ids=lambda case: case.name)


@keras.saving.register_keras_serializable("keras_egan_tests")
class Counted(keras.layers.Layer):
    """Count its calls."""

    def build(self, input_shape):
        self.calls = self.add_weight(name="calls", initializer="zeros", trainable=False)

    def call(self, images):
        self.calls.assign_add(1.0)
        return images


def same(some, others):
    return all(map(np.array_equal, some, others))


def seen_changed(case, updates):
    """Assert that an augmentation that halves equals half the images and half the samples."""
    images = float_images(16)
    halved = case.build(augment=keras.layers.Rescaling(0.5), updates=updates)
    expected = case.build()
    small = keras.Sequential([expected.generator, keras.layers.Rescaling(0.5)])
    small.build((None, expected.latent_dim))
    arguments = {name: expected.get_config()[name] for name in case.arguments}
    expected = case.gan(small, expected.discriminator, seed=1, updates=updates, **arguments)
    for name, value in case.state.items():
        getattr(expected, name).assign(value)
    for gan, batch in ((halved, images), (expected, 0.5 * images)):
        gan.compile(keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.01), **EAGERLY)
        gan.train_on_batch(batch)
    for side in ("generator", "discriminator"):
        for one, other in zip(
            *(weights(getattr(g, side)) for g in (halved, expected)), strict=True
        ):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


@cases
def test_the_discriminator_sees_data_and_fakes_changed_in_both_steps(case):
    seen_changed(case, "alternating")


@cases
def test_the_discriminator_sees_data_and_fakes_changed_in_one_pass(case):
    seen_changed(case, "one_pass")


class Watched(keras_egan.EnergyGAN):
    """Logs the means of the discriminator's inputs: data, and fakes in both steps."""

    def discriminator_loss(self, real, fake):
        means = {"data": ops.mean(real.images), "fakes": ops.mean(fake.images)}
        return real.energy - fake.energy, means

    def generator_loss(self, fake):
        return fake.energy, {"fooled with": ops.mean(fake.images)}


@on("jax")
@pytest.mark.parametrize("updates", ["alternating", "one_pass"])
def test_data_and_fakes_have_draws_of_their_own(updates):
    """All pixels are 0.25, so the mean of an augmented batch is 0.25 plus its mean brightness."""
    generator, critic = tiny_networks()[0], tiny_critic()
    *_, last, _ = generator.layers
    last.kernel.assign(0.0 * last.kernel)
    last.bias.assign(np.full(64, np.arctanh(0.25)))
    gan = Watched(generator, critic, energy="output", augment="color", seed=1, updates=updates)
    gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
    images = np.full((12, 8, 8, 1), 0.25, "float32")
    rows = [gan.train_on_batch(images, return_dict=True) for _ in range(2)]
    found = [float(row[name]) - 0.25 for row in rows for name in ("data", "fakes", "fooled with")]
    if updates == "one_pass":  # both steps see the same fakes
        assert found.pop(5) == found[4]
        assert found.pop(2) == found[1]
    assert np.abs(found).max() < 0.5
    assert np.diff(np.sort(found)).min() > 1e-4


@pytest.mark.parametrize("d_steps", [1, 2])
def test_it_is_drawn_anew_for_data_and_fakes_at_each_step(d_steps):
    gan = CASES[0].build(augment=Counted(), d_steps=d_steps)
    gan.fit(uint8_images(48), batch_size=16, verbose=0)
    assert float(gan.augment.calls) == 3 * (2 * d_steps + 1)


@cases
def test_evaluation_and_energies_are_of_images_as_they_are(case):
    images, plain = uint8_images(20), case.build()
    augmented = case.build(augment="color,translation,cutout")
    expected = plain.evaluate(images, batch_size=10, verbose=0, return_dict=True)
    assert augmented.evaluate(images, batch_size=10, verbose=0, return_dict=True) == expected
    np.testing.assert_array_equal(augmented.energy(images), plain.energy(images))


@pytest.mark.filterwarnings("ignore:For a whole epoch:UserWarning")
@cases
def test_a_file_in_between_changes_nothing(case, tmp_path):
    def build():
        return case.build(
            augment=DiffAugment("color,translation,cutout", fill=-1.0, seed=3, name="t")
        )

    images, arguments = uint8_images(32), {"batch_size": 16, "verbose": 0}
    whole = build()
    whole.fit(images, epochs=2, **arguments)
    gan = build()
    gan.fit(images, **arguments)
    gan.save(tmp_path / "gan.keras")
    gan = keras_egan.load(tmp_path / "gan.keras")
    assert gan.augment.get_config() == whole.augment.get_config()
    gan.fit(images, **arguments)
    assert same(state(gan), state(whole))
    assert not same(weights(gan.discriminator), weights(trained_plainly(case, images, arguments)))


def trained_plainly(case, images, arguments):
    gan = case.build()
    gan.fit(images, epochs=2, **arguments)
    return gan.discriminator


@on("torch")
def test_a_policys_numbers_follow_from_the_gans_seed():
    def numbers(seed):
        gan = keras_egan.BEGAN(*tiny_networks(), augment="cutout", seed=seed)
        latents = gan._draw_latents(BatchShard(7, 0, 7, seeds=gan._training_state.seeds))
        return [
            keras.ops.convert_to_numpy(x).ravel() for x in (gan.augment.draw(7)["cutout"], latents)
        ]

    (one, latents), (again, _), (other, _) = numbers(5), numbers(5), numbers(6)
    np.testing.assert_array_equal(one, again)
    assert not np.isin(one, other).any()
    assert not np.isin(one, (latents + 1) / 2).any()


def test_keras_own_layers_train():
    augment = keras.Sequential(
        [keras.layers.RandomFlip("horizontal"), keras.layers.GaussianNoise(0.1)]
    )
    gan = CASES[0].build(augment=augment)
    history = gan.fit(uint8_images(48), batch_size=16, verbose=0).history
    assert np.isfinite(history["d_loss"]).all()


@on("torch")
@pytest.mark.parametrize(
    ("augment", "message"),
    [
        (0.5, "`augment` must be a Keras layer of images, a policy .*; got 0.5"),
        (["color"], "`augment` must be a Keras layer of images, a policy"),
        ("colour", "`policy` must be made of color, translation, cutout"),
        (
            keras.layers.Cropping2D(1),
            r"keep the images' shape, \(8, 8, 1\); it returns \(6, 6, 1\)",
        ),
    ],
)
def test_what_does_not_augment_is_refused(augment, message):
    with pytest.raises(ValueError, match=message):
        keras_egan.BEGAN(*tiny_networks(), augment=augment)
