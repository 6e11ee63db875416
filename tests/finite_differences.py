"""Gradient penalties on `registry.tiny_critic`, in NumPy and float64."""

import keras
import numpy as np

from keras_egan import backend
from keras_egan.training.batch import BatchShard
from tests.registry import float_images


def critic_parameters(critic):
    """Return the critic's weights as float64 arrays: L(x) = v . tanh(x W + b) + c."""
    return [keras.ops.convert_to_numpy(v).astype("float64") for v in critic.trainable_variables]


def input_gradients(parameters, images):
    """Return the gradient of L at each image, of shape `(n, pixels)`."""
    kernel, bias, output, _ = parameters
    hidden = np.tanh(images.reshape(len(images), -1).astype("float64") @ kernel + bias)
    return ((1.0 - hidden**2) * output[:, 0]) @ kernel.T


def check_penalty(gan, of_norms):
    """Assert the value and the gradient of `gan.penalty`, by central differences.

    `of_norms` computes the penalty in NumPy from the norms at data and at fakes.
    """
    images, fakes = float_images(6), float_images(6, seed=5)
    variables = gan.discriminator.trainable_variables
    rng = np.random.default_rng(0)
    for variable in variables:
        variable.assign(rng.normal(0.0, 0.4, variable.shape))

    def objective():
        rows = BatchShard(len(images), 0, len(images), seeds=gan._training_state.seeds)
        real, fake = (
            gan.score(keras.ops.convert_to_tensor(batch), training=True)._replace(rows=rows)
            for batch in (images, fakes)
        )
        value = rows.mean(gan.penalty(real, fake))
        return value, {"penalty": value}

    grads, figures = backend.gradients(objective, variables, gan)
    parameters = critic_parameters(gan.discriminator)

    def penalty():
        return of_norms(
            *(np.linalg.norm(input_gradients(parameters, x), axis=1) for x in (images, fakes))
        )

    np.testing.assert_allclose(float(figures["penalty"]), penalty(), rtol=1e-5)
    for parameter, grad in zip(parameters[:3], grads[:3], strict=True):
        expected = np.zeros_like(parameter)
        for index in np.ndindex(parameter.shape):
            value = parameter[index]
            sides = []
            for step in (1e-5, -1e-5):
                parameter[index] = value + step
                sides.append(penalty())
            parameter[index] = value
            expected[index] = (sides[0] - sides[1]) / 2e-5
        grad = keras.ops.convert_to_numpy(grad)
        np.testing.assert_allclose(grad, expected, rtol=1e-3, atol=1e-5)
    assert grads[3] is None or not keras.ops.convert_to_numpy(grads[3]).any()
