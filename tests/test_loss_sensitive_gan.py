"""LS-GAN's own algorithm. Its gradients and theorem are in test_theory."""

import random

import keras
import numpy as np
import pytest

import keras_egan
from keras_egan.training.batch import BatchShard
from tests.conftest import on
from tests.finite_differences import check_penalty
from tests.registry import EAGERLY, float_images, tiny_critic, tiny_networks, uint8_images, weights


def ls_gan(**arguments):
    random.seed(0)
    networks = tiny_networks()[0], tiny_critic()
    gan = keras_egan.LossSensitiveGAN(*networks, **{"seed": 1, **arguments})
    gan.compile("sgd", "sgd", **EAGERLY)
    return gan


def features():
    return keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(3)], name="features"
    )


@on("torch")
@pytest.mark.parametrize("delta", [None, features()], ids=["pixels", "features"])
def test_delta_is_the_summed_difference_of_each_pair(delta):
    gan = ls_gan(delta_weight=0.05, slope=0.2, first_term_weight=0.5, delta=delta)
    images = float_images(12)
    figures = gan.evaluate(images, batch_size=12, verbose=0, return_dict=True)

    gan.reset_metrics()
    latents = gan._draw_latents(BatchShard(12, 0, 12, seeds=gan._training_state.evaluation_seeds))
    fakes = keras.ops.convert_to_numpy(gan.generator(latents))
    real, fake = (keras.ops.convert_to_numpy(gan.discriminator(x))[:, 0] for x in (images, fakes))
    space = (lambda x: x) if delta is None else lambda x: keras.ops.convert_to_numpy(delta(x))
    summed = np.abs((space(images) - space(fakes)).reshape(12, -1)).sum(1)
    a = 0.05 * summed + real - fake
    expected = 0.5 * real.mean() + np.maximum(a, 0.2 * a).mean()
    assert figures["d_loss"] == pytest.approx(expected, rel=1e-4)
    assert figures["g_loss"] == pytest.approx(fake.mean(), rel=1e-4)


@on("torch")
def test_features_are_not_trained_but_saved(tmp_path):
    space = features()
    gan = ls_gan(delta=space)
    before = weights(space)
    gan.fit(uint8_images(20), batch_size=10, verbose=0)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.models.load_model(tmp_path / "gan.keras")
    for one, other in zip(before, weights(loaded.delta), strict=True):
        np.testing.assert_array_equal(one, other)
    images = uint8_images(20)
    assert loaded.evaluate(images, verbose=0) == gan.evaluate(images, verbose=0)


@on("jax")
@pytest.mark.parametrize("updates", ["alternating", "one_pass"])
def test_features_are_taken_as_at_inference(updates):
    """If L and the fakes are 0, the loss is delta_weight times the sum of features."""
    space = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Flatten(),
            keras.layers.BatchNormalization(epsilon=3.0),  # divides by 2, before training
            keras.layers.Dropout(0.5),
        ]
    )
    gan = ls_gan(delta=space, delta_weight=0.01, updates=updates)
    for layer in (gan.generator.layers[-2], gan.discriminator.layers[-1]):
        layer.kernel.assign(0.0 * layer.kernel)
    gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
    images, before = float_images(12), weights(space)
    figures = gan.train_on_batch(images, return_dict=True)
    expected = 0.01 * np.abs(images / 2).sum(axis=(1, 2, 3)).mean()
    assert float(figures["d_loss"]) == pytest.approx(expected, rel=1e-5)
    for one, other in zip(before, weights(space), strict=True):
        np.testing.assert_array_equal(one, other)


def test_weights_are_clipped_after_each_update():
    gan, free = ls_gan(weight_clip=0.02, slope=1.0), ls_gan(slope=1.0)
    generator = weights(gan.generator)
    for one in (gan, free):
        one.train_on_batch(uint8_images(16))
    for clipped, array in zip(weights(gan.discriminator), weights(free.discriminator), strict=True):
        np.testing.assert_allclose(clipped, np.clip(array, -0.02, 0.02), atol=1e-6)
    assert max(np.abs(array).max() for array in weights(gan.generator)) > 0.1
    assert not np.array_equal(generator[0], weights(gan.generator)[0])


def test_the_gradient_penalty_has_the_right_second_order_gradient():
    check_penalty(ls_gan(gradient_penalty=10.0), lambda norms, _: 10.0 * norms.mean())


@on("torch")
def test_a_layers_regularizer_counts():
    """Weight decay may also be a regularizer of the layers."""
    critic = tiny_critic()
    for layer in critic.layers:
        if layer.variables:
            layer.kernel.regularizer = keras.regularizers.L2(0.5)
    gan = keras_egan.LossSensitiveGAN(tiny_networks()[0], critic, delta_weight=0.0, slope=0.0)
    gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.0))
    critic.layers[-1].kernel.assign(np.zeros((8, 1)))  # all energies are equal
    kernel = weights(critic)[0]
    gan.train_on_batch(uint8_images(16))
    np.testing.assert_allclose(weights(critic)[0], 0.9 * kernel, rtol=1e-5, atol=1e-7)


@on("torch")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"delta_weight": -1.0}, "`delta_weight` must be 0 or more; got -1.0"),
        ({"slope": 1.5}, "`slope` must be 1 or less; got 1.5. Above 1, kept"),
        ({"first_term_weight": -0.5}, "`first_term_weight` must be 0 or more; got -0.5"),
        ({"gradient_penalty": -0.5}, "`gradient_penalty` must be 0 or more; got -0.5"),
        ({"weight_clip": 0.0}, "`weight_clip` must be above 0; got 0.0"),
        ({"delta": "l1"}, "`delta` must be a Keras model from images to features, or None"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ls_gan(**arguments)


@on("torch")
def test_a_dead_critic_is_said():
    gan = ls_gan()
    last = gan.discriminator.layers[-1]
    last.activation = keras.activations.relu
    gan.fit(uint8_images(), batch_size=16, verbose=0)  # alive; a warning would be an error
    last.bias.assign([-100.0])
    before = weights(gan.discriminator)
    with pytest.warns(UserWarning, match="returned 0 for all data and all fakes: the ReLU .* dead"):
        gan.fit(uint8_images(), batch_size=16, verbose=0)
    for one, other in zip(before, weights(gan.discriminator), strict=True):
        np.testing.assert_array_equal(one, other)


@on("torch")
def test_delta_may_not_share_the_discriminators_weights():
    critic = tiny_critic()
    hidden = keras.Model(critic.inputs, critic.layers[1].output)
    with pytest.raises(ValueError, match="`delta` must not share weights with `discriminator`"):
        keras_egan.LossSensitiveGAN(tiny_networks()[0], critic, delta=hidden)


@on("torch")
def test_weight_clip_goes_with_a_layers_constraint():
    critic = tiny_critic()
    kernel = critic.layers[-1].kernel
    kernel.constraint = constraint = keras.constraints.NonNeg()
    gan = keras_egan.LossSensitiveGAN(tiny_networks()[0], critic, weight_clip=0.02)
    gan.compile(keras.optimizers.SGD(0.1), "sgd")
    gan.train_on_batch(uint8_images(16))
    values = keras.ops.convert_to_numpy(kernel)
    assert (values.min(), kernel.constraint) == (0.0, constraint)
    assert values.max() == np.float32(0.02)
