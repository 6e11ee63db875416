"""Losses and penalties that a user's own GAN may have."""

import keras
import numpy as np
import pytest

from tests.conftest import on
from tests.registry import EAGERLY, LinearGAN, float_images, tiny_critic, tiny_networks


class Drawing(LinearGAN):
    """Its loss draws random numbers, and logs a penalty."""

    def discriminator_loss(self, real, fake):
        share = real.rows.own(lambda n: keras.random.uniform((n, 1, 1, 1), seed=real.rows.seeds))
        between = share * real.images + (1.0 - share) * fake.images
        norms = self.gradient_norms(between, real.labels)
        return real.energy - fake.energy + norms, {"norms": norms}


@pytest.mark.parametrize("classes", [None, 3])
def test_a_loss_may_draw_numbers_and_log_what_it_computes(classes):
    """A critic of slope 2 in each of 64 pixels has a gradient of norm 16 everywhere."""
    generator, _ = tiny_networks(classes=classes)
    image = keras.Input((8, 8, 1))
    inputs = image if classes is None else [image, keras.Input((), dtype="int32")]
    score = keras.layers.Dense(1, kernel_initializer=keras.initializers.Constant(2.0))
    critic = keras.Model(inputs, score(keras.layers.Flatten()(image)))
    gan = Drawing(generator, critic, energy="output", num_classes=classes, seed=0)
    gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0), **EAGERLY)
    images, labels = float_images(8), np.arange(8) % 3
    given = (images,) if classes is None else (images, labels)
    logs = gan.fit(*given, batch_size=4, verbose=0).history
    assert logs["norms"] == pytest.approx([16.0], rel=1e-5)
    logs = gan.evaluate(*given, batch_size=4, verbose=0, return_dict=True)
    assert float(logs["norms"]) == pytest.approx(16.0, rel=1e-5)


@on("torch")
def test_a_penalty_returns_no_metrics():
    class Pair(LinearGAN):
        def penalty(self, real, fake):
            return fake.energy, {"energy": fake.energy}

    gan = Pair(tiny_networks()[0], tiny_critic(), energy="output")
    gan.compile("sgd", "sgd")
    with pytest.raises(TypeError, match=r"`penalty` must return one number .*got a tuple"):
        gan.train_on_batch(float_images(8))


@on("torch")
@pytest.mark.parametrize(
    ("returned", "named"),
    [
        (
            lambda real: real.energy[:, None] - real.energy[None],
            r"`d_loss` .*its shape is \(2, 2\)",
        ),
        (lambda real: (real.energy, {"norms": real.images}), r"`norms` .*\(2, 8, 8, 1\)"),
        (lambda real: (real.energy, {"g_loss": real.energy}), "give 'g_loss' more than once"),
        (lambda real: (real.energy, {"d_loss": real.energy}), "give 'd_loss' more than once"),
    ],
)
def test_compile_refuses_what_the_logs_cannot_hold(returned, named):
    class Other(LinearGAN):
        def discriminator_loss(self, real, fake):
            return returned(real)

    gan = Other(tiny_networks()[0], tiny_critic(), energy="output")
    with pytest.raises(ValueError, match=named):
        gan.compile("sgd", "sgd")


@on("torch")
def test_two_states_of_one_name_are_refused():
    gan = LinearGAN(tiny_networks()[0], tiny_critic(), energy="output")
    gan.add_state("share")
    with pytest.raises(ValueError, match="'share' is taken"):
        gan.add_state("share")


class Early(LinearGAN):
    def __init__(self, generator, discriminator, early, **kwargs):
        early(self)
        super().__init__(generator, discriminator, **kwargs)


@on("torch")
@pytest.mark.parametrize(
    "early", [lambda gan: gan.add_state("first"), lambda gan: setattr(gan, "weight", 1.0)]
)
def test_the_base_is_made_first(early):
    with pytest.raises(RuntimeError, match=r"Early .* before its base is made\. Call `super"):
        Early(*tiny_networks(), early)


@on("torch")
def test_an_indicator_is_a_scalar():
    class Vector(LinearGAN):
        def indicators(self, metrics):
            return {"both": keras.ops.stack([metrics["real_energy"], metrics["fake_energy"]])}

    gan = Vector(*tiny_networks())
    gan.compile("sgd", "adam")
    with pytest.raises(ValueError, match=r"`indicators` .* scalars, and 'both' has the shape \(2"):
        gan.train_on_batch(float_images(4))


@on("torch")
def test_an_indicator_needs_a_name_of_its_own():
    class Other(LinearGAN):
        def discriminator_loss(self, real, fake):
            return real.energy - fake.energy, {"share": real.energy}

        def indicators(self, metrics):
            return {"share": metrics["d_loss"]}

    gan = Other(tiny_networks()[0], tiny_critic(), energy="output")
    gan.compile("sgd", "sgd")
    with pytest.raises(ValueError, match="give 'share' more than once"):
        gan.train_on_batch(float_images(8))


class Counting(LinearGAN):
    """Its controller counts the steps."""

    def __init__(self, *networks, **kwargs):
        super().__init__(*networks, **kwargs)
        self.count = self.add_state("count")

    def indicators(self, metrics):
        return {"count": self.count}

    def control(self, logs):
        self.count.assign(logs["count"] + 1.0)


@pytest.mark.parametrize("given", [{}, EAGERLY], ids=["compiled", "eagerly"])
def test_a_returned_state_is_logged_as_it_was_before_control(given):
    gan = Counting(tiny_networks()[0], tiny_critic(), energy="output")
    gan.compile("sgd", "sgd", **given)
    for step in range(3):
        logs = gan.train_on_batch(float_images(8), return_dict=True)
        assert float(logs["count"]) == step
        assert float(gan.count) == step + 1.0


@on("torch")
def test_a_generator_loss_names_its_second_argument_real():
    class Other(LinearGAN):
        def generator_loss(self, fake, data=None):
            return fake.energy - data.energy

    gan = Other(tiny_networks()[0], tiny_critic(), energy="output")
    with pytest.raises(TypeError, match="must be named `real`; got `data`"):
        gan.compile("sgd", "sgd")


@on("torch")
def test_metrics_are_a_dict():
    class Pair(LinearGAN):
        def discriminator_loss(self, real, fake):
            return real.energy, fake.energy

    gan = Pair(tiny_networks()[0], tiny_critic(), energy="output")
    with pytest.raises(TypeError, match="a dict of metrics; got a pair with a Tensor"):
        gan.compile("sgd", "sgd")


def test_a_loss_that_scores_images_changes_nothing_in_compile_and_evaluate():
    """The critic's batch normalisation has moments in training, and moving averages elsewhere."""
    generator, _ = tiny_networks()
    critic = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Flatten(),
            keras.layers.BatchNormalization(momentum=0.5),
            keras.layers.Dense(1),
        ]
    )

    class Norms(LinearGAN):
        def discriminator_loss(self, real, fake):
            norms = self.gradient_norms(fake.images, fake.labels)
            return real.energy - fake.energy + norms, {"norms": norms}

    gan = Norms(generator, critic, energy="output", seed=0)
    images = float_images(8)

    def averages():
        return np.concatenate([value.ravel() for value in critic.get_weights()])

    before = averages()
    gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
    np.testing.assert_array_equal(averages(), before)
    first = gan.evaluate(images, batch_size=4, verbose=0, return_dict=True)
    np.testing.assert_array_equal(averages(), before)
    second = gan.evaluate(images, batch_size=4, verbose=0, return_dict=True)
    assert first == second
    gan.fit(images, batch_size=4, verbose=0)
    assert np.abs(averages() - before).max() > 0.01


def test_the_penalty_of_an_array_before_compile():
    """The gradient of a critic of slope 2 in 64 pixels has the norm 16. A state may weight it."""
    generator, _ = tiny_networks()
    slope = keras.layers.Dense(1, kernel_initializer=keras.initializers.Constant(2.0))
    critic = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), slope])
    gan = LinearGAN(generator, critic, energy="output", seed=0)
    state = gan.add_state("r1", initial=3.0)
    real = gan.score(float_images(4))  # an array will do
    for weight in (3.0, state, keras.ops.convert_to_tensor(3.0)):
        found = gan.zero_centered_penalty((weight, real), (0.0, real))
        found = keras.ops.convert_to_numpy(found)
        assert found == pytest.approx(0.5 * 3.0 * 16.0**2, rel=1e-5)
