"""LSGAN's own algorithm. Its losses and theorem are in test_losses and test_theory."""

import random

import keras
import numpy as np
import pytest

import keras_egan
from keras_egan.training.batch import BatchShard
from tests.conftest import on
from tests.finite_differences import check_penalty, critic_parameters, input_gradients
from tests.registry import EAGERLY, float_images, tiny_critic, tiny_networks, uint8_images


def lsgan(discriminator=None, **arguments):
    random.seed(0)
    networks = tiny_networks()[0], discriminator or tiny_critic()
    gan = keras_egan.LeastSquaresGAN(*networks, **{"seed": 1, **arguments})
    gan.compile("sgd", "sgd", **EAGERLY)
    return gan


@on("torch")
def test_the_presets():
    gan = lsgan(**keras_egan.LeastSquaresGAN.PEARSON)
    assert (gan.fake_label, gan.real_label, gan.generator_label) == (-1.0, 1.0, 0.0)
    gan = lsgan(**keras_egan.LeastSquaresGAN.SYMMETRIC)
    assert (gan.fake_label, gan.real_label, gan.generator_label) == (-1.0, 1.0, 1.0)
    gan = lsgan()
    assert (gan.fake_label, gan.real_label, gan.generator_label) == (0.0, 1.0, 1.0)


@on("torch")
def test_energy_is_low_where_the_critic_is_high():
    gan, images = lsgan(), float_images(5)
    scores = keras.ops.convert_to_numpy(gan.discriminator(images))[:, 0]
    np.testing.assert_allclose(gan.energy(images), -scores, rtol=1e-6)


def critics():
    def critic(*last):
        return keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), *last])

    image = keras.Input((8, 8, 1))
    score = keras.layers.Dense(1)(keras.layers.Flatten()(image))
    yield "sigmoid", critic(keras.layers.Dense(1, activation="sigmoid"))
    yield "tanh", critic(keras.layers.Dense(1), keras.layers.Activation("tanh"))
    yield "sigmoid", keras.Model(image, keras.layers.Activation("sigmoid")(score))
    inner = critic(keras.layers.Dense(1, activation="sigmoid"))
    yield "sigmoid", keras.Sequential([keras.Input((8, 8, 1)), inner, keras.layers.Reshape((1,))])


@on("torch")
@pytest.mark.parametrize(("name", "critic"), list(critics()))
def test_a_bounded_critic_is_refused(name, critic):
    with pytest.raises(ValueError, match=f"it ends in '{name}', which bounds the scores"):
        lsgan(critic)


@on("torch")
def test_an_autoencoder_is_refused():
    with pytest.raises(ValueError, match="`discriminator` must be a critic"):
        lsgan(tiny_networks()[1])


def test_the_gradient_penalty_has_the_right_second_order_gradient():
    # The perturbation is so small that the points are the data.
    gan = lsgan(gradient_penalty=2.34, perturbation=1e-9)
    check_penalty(gan, lambda norms, _: 2.34 * np.square(norms - 1.0).mean())


@on("torch")
def test_r1_has_the_right_second_order_gradient_beside_the_other_penalty():
    gan = lsgan(gradient_penalty=2.34, perturbation=1e-9, r1_weight=0.7)
    check_penalty(gan, lambda r1, _: (2.34 * np.square(r1 - 1.0) + 0.35 * np.square(r1)).mean())


@on("torch")
def test_the_penalty_is_taken_at_perturbed_data_drawn_anew():
    gan = lsgan(gradient_penalty=1.0, perturbation=30.0)
    seen, original = [], gan.gradient_norms
    gan.gradient_norms = lambda images, labels: seen.append(images) or original(images)
    images = float_images(40)
    rows = BatchShard(40, 0, 40, seeds=gan._training_state.seeds)
    for _ in range(2):
        gan.penalty(gan.score(keras.ops.convert_to_tensor(images))._replace(rows=rows), None)
    first, second = (
        (keras.ops.convert_to_numpy(keras.ops.stop_gradient(x)) - images) / 30 for x in seen
    )
    assert not np.allclose(first, second)
    # alpha u is at most alpha in an image of 64 pixels, and alpha is spread over [0, 1).
    largest = first.reshape(40, -1).max(1)
    assert first.min() >= -1e-6
    assert largest.max() < 1.0
    assert largest.min() < 0.2
    assert largest.mean() == pytest.approx(0.5, abs=0.15)
    ratio = first.reshape(40, -1).mean(1) / largest
    np.testing.assert_allclose(ratio, 0.5, atol=0.13)


@on("torch")
def test_the_penalty_trains_and_leaves_evaluation_alone():
    found = {}
    for weight in (0.0, 50.0):
        gan = lsgan(gradient_penalty=weight, perturbation=0.1)
        gan.compile(keras.optimizers.Adam(1e-2), keras.optimizers.SGD(0.0))
        seeds = np.array(keras.ops.convert_to_numpy(gan._training_state.seeds.state))
        before = gan.evaluate(uint8_images(), verbose=0)
        assert (keras.ops.convert_to_numpy(gan._training_state.seeds.state) == seeds).all()
        gan.fit(uint8_images(), batch_size=10, epochs=20, verbose=0)
        norms = np.linalg.norm(
            input_gradients(critic_parameters(gan.discriminator), float_images()), axis=1
        )
        found[weight] = before, np.abs(norms - 1.0).mean()
    assert found[0.0][0] == found[50.0][0]
    assert found[50.0][1] < 0.5 * found[0.0][1]


@on("torch")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"fake_label": 1.0}, "`fake_label` must be below `real_label`; got 1.0 and 1.0"),
        ({"gradient_penalty": -1.0}, "`gradient_penalty` must be 0 or more"),
        ({"r1_weight": -1.0}, "`r1_weight` must be 0 or more; got -1.0"),
        ({"penalty_stride": 0}, "`penalty_stride` must be a whole number from 1 up; got 0"),
        ({"perturbation": 0.0}, "`perturbation` must be above 0; got 0.0"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        lsgan(**arguments)
