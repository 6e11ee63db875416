"""Gradients of transposed convolutions, compared with sums by hand and finite differences."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_egan
from keras_egan import backend
from keras_egan.layers import Conv2DTranspose


def numpy(tensor):
    return np.array(ops.convert_to_numpy(tensor))


def run(network, inputs):
    with backend.no_grad():
        return numpy(network(inputs))


def gan_of(generator, critic):
    gan = keras_egan.LeastSquaresGAN(generator, critic, gradient_penalty=1.0)
    gan.compile("sgd", "sgd")
    return gan


def networks(**settings):
    """Return a generator of one transposed convolution, and a critic of its images."""
    latents = keras.Input((18,))
    x = layers.Reshape((3, 3, 2))(latents)
    images = Conv2DTranspose(3, use_bias=False, **settings)(x)
    image = keras.Input(images.shape[1:])
    score = layers.Dense(1)(layers.Flatten()(image))
    return keras.Model(latents, images), keras.Model(image, score)


@pytest.mark.parametrize(
    "settings",
    [
        {"kernel_size": 4, "strides": 2, "padding": "same"},
        {"kernel_size": 3, "strides": 2, "padding": "valid"},
        {"kernel_size": (3, 2), "strides": 3, "padding": "valid"},
        {"kernel_size": 3, "strides": 2, "padding": "same", "output_padding": 1},
        {"kernel_size": 2, "padding": "same", "dilation_rate": 2},
    ],
    ids=["same", "valid", "oblong", "output_padding", "dilated"],
)
def test_the_gradient_of_a_transposed_convolution_by_its_kernel(settings):
    """The convolution is linear in its kernel. The gradient with respect to one weight is the sum
    of the output gradient times the output of this weight alone."""
    gan = gan_of(*networks(**settings))
    rng = np.random.default_rng(0)
    (kernel,) = gan.generator.trainable_variables
    latents = ops.convert_to_tensor(rng.normal(size=(5, 18)).astype("float32"))
    weights = rng.normal(size=(5, *gan.image_shape)).astype("float32")
    weights = ops.convert_to_tensor(weights)
    value = rng.normal(size=kernel.shape)
    kernel.assign(value)

    def objective():
        images = gan.generator(latents, training=True)
        loss = ops.sum(ops.square(images) * weights)
        return loss, {"loss": loss}

    (grad,), _ = backend.gradients(objective, [kernel], gan)
    of_output = 2.0 * numpy(weights) * run(gan.generator, latents)
    expected = np.zeros(kernel.shape)
    for index in np.ndindex(*kernel.shape):
        alone = np.zeros(kernel.shape)
        alone[index] = 1.0
        kernel.assign(alone)
        expected[index] = np.sum(of_output * run(gan.generator, latents), dtype="float64")
    np.testing.assert_allclose(numpy(grad), expected, rtol=1e-4, atol=1e-3)


def test_a_penalty_on_a_critic_with_a_transposed_convolution():
    """Compare its gradient, a second derivative, with differences along random directions."""
    image = keras.Input((4, 4, 1))
    x = Conv2DTranspose(2, 3, strides=2, padding="same", activation="tanh")(image)
    critic = keras.Model(image, layers.Dense(1)(layers.Flatten()(x)))
    latents = keras.Input((2,))
    generator = keras.Model(latents, layers.Reshape((4, 4, 1))(layers.Dense(16)(latents)))
    gan = gan_of(generator, critic)
    rng = np.random.default_rng(1)
    images = ops.convert_to_tensor(rng.uniform(-1, 1, (6, 4, 4, 1)).astype("float32"))
    variables = critic.trainable_variables[:2]
    values = [rng.normal(0.0, 0.5, variable.shape) for variable in variables]

    def objective():
        loss = ops.mean(ops.square(gan.gradient_norms(images) - 1.0))
        return loss, {"loss": loss}

    def put(amount, directions):
        for variable, value, direction in zip(variables, values, directions, strict=True):
            variable.assign(value + amount * direction)

    put(0.0, values)
    grads, _ = backend.gradients(objective, variables, gan)
    for _ in range(4):
        directions = [rng.normal(size=variable.shape) for variable in variables]
        sides = []
        for amount in (1e-2, -1e-2):
            put(amount, directions)
            sides.append(float(backend.gradients(objective, variables, gan)[1]["loss"]))
        slope = sum(np.sum(numpy(grad) * d) for grad, d in zip(grads, directions, strict=True))
        np.testing.assert_allclose(slope, (sides[0] - sides[1]) / 2e-2, rtol=5e-3, atol=1e-4)
