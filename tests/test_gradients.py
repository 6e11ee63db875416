"""Gradients of what the backends compute by ways of their own, against sums worked out by hand."""

import threading
from contextlib import nullcontext

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_egan
from keras_egan import backend

BACKEND = keras.backend.backend()


def numpy(tensor):
    return np.array(ops.convert_to_numpy(tensor))


def run(network, inputs):
    with backend.no_grad():
        return numpy(network(inputs))


def quick():
    """Returns the context in which a backend's steps are traced."""
    if BACKEND != "jax":
        return nullcontext()
    from keras_egan.backend.convolutions import quick_convolutions

    return quick_convolutions()


def gan_of(generator, critic):
    gan = keras_egan.LeastSquaresGAN(generator, critic, gradient_penalty=1.0)
    gan.compile("sgd", "sgd")
    return gan


def networks(**settings):
    """Returns a generator that is one transposed convolution, and a critic of its images."""
    latents = keras.Input((18,))
    x = layers.Reshape((3, 3, 2))(latents)
    images = layers.Conv2DTranspose(3, use_bias=False, **settings)(x)
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
    """The convolution is linear in its kernel: the gradient by one weight is the sum of the
    gradient of its output times the output that this weight makes alone."""
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

    with quick():
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
    """Its gradient, a second derivative, by differences along random directions."""
    image = keras.Input((4, 4, 1))
    x = layers.Conv2DTranspose(2, 3, strides=2, padding="same", activation="tanh")(image)
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
    with quick():
        grads, _ = backend.gradients(objective, variables, gan)
    for _ in range(4):
        directions = [rng.normal(size=variable.shape) for variable in variables]
        sides = []
        for amount in (1e-2, -1e-2):
            put(amount, directions)
            sides.append(float(backend.gradients(objective, variables, gan)[1]["loss"]))
        slope = sum(np.sum(numpy(grad) * d) for grad, d in zip(grads, directions, strict=True))
        np.testing.assert_allclose(slope, (sides[0] - sides[1]) / 2e-2, rtol=5e-3, atol=1e-4)


class Plain(layers.Layer):
    """A layer of a user's own, in JAX's words, and dilated as Keras's are not."""

    def build(self, shape):
        self.kernel = self.add_weight(shape=(3, 3, 4, 2), name="kernel")

    def call(self, images):
        import jax

        by_name = jax.lax.conv_general_dilated(
            lhs=images,
            rhs=self.kernel.value,
            window_strides=(2, 2),
            padding=[(1, 1), (1, 1)],
            lhs_dilation=(2, 2),
            dimension_numbers=jax.lax.conv_dimension_numbers(
                images.shape, self.kernel.shape, ("NHWC", "HWIO", "NHWC")
            ),
        )
        return by_name + jax.lax.conv_transpose(
            lhs=images, rhs=self.kernel.value, strides=(1, 1), padding="SAME"
        )


LAYERS = {
    "of a user's own": Plain,
    "5x5": lambda: layers.Conv2D(3, 5, strides=2, padding="same"),
    "valid": lambda: layers.Conv2D(3, 4, strides=2),
    "oblong": lambda: layers.Conv2D(3, (5, 2), strides=(1, 2), padding="same"),
    "groups": lambda: layers.Conv2D(4, 5, strides=2, padding="same", groups=2),
    "depthwise": lambda: layers.DepthwiseConv2D(5, strides=2, padding="same"),
    "transposed": lambda: layers.Conv2DTranspose(3, 5, strides=2, padding="same"),
    "transposed valid": lambda: layers.Conv2DTranspose(3, 5, strides=3),
    "output_padding": lambda: layers.Conv2DTranspose(
        3, 5, strides=2, padding="same", output_padding=1
    ),
    "channels_first": lambda: keras.Sequential(
        [
            layers.Conv2DTranspose(3, 5, strides=2, padding="same", data_format="channels_first"),
            layers.Conv2D(3, 5, strides=4, padding="same", data_format="channels_first"),
        ]
    ),
    "1D": lambda: keras.Sequential(
        [
            layers.Reshape((16, 4)),
            layers.Conv1D(3, 25, strides=4, padding="same"),
            layers.Conv1DTranspose(2, 9, strides=4, padding="same"),
        ]
    ),
}
by_jax = pytest.mark.skipif(BACKEND != "jax", reason="JAX's convolutions")


@by_jax
@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
def test_quick_convolutions_and_their_gradients_are_those_of_before(layer):
    import jax
    from keras_egan.backend.convolutions import quick_convolutions

    rng = np.random.default_rng(0)
    images = rng.normal(size=(3, 4, 4, 4)).astype("float32")
    layer = layer()
    layer.build(images.shape)
    weights = [rng.normal(size=v.shape).astype("float32") for v in layer.trainable_variables]

    def run(images, weights):
        pairs = list(zip(layer.trainable_variables, weights, strict=True))
        with keras.StatelessScope(pairs):
            return ops.sum(ops.sin(layer(images)))

    value_and_gradients = jax.value_and_grad(run, argnums=(0, 1))
    expected = value_and_gradients(images, weights)
    originals = jax.lax.conv_general_dilated, jax.lax.conv_transpose
    with quick_convolutions():
        found = value_and_gradients(images, weights)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
    assert (jax.lax.conv_general_dilated, jax.lax.conv_transpose) == originals


@by_jax
def test_xla_reverses_no_convolution_of_a_step():
    """It does so where it exchanges kernel and images, and has no quick way for what comes of it;
    and what Keras calls is what was made quick."""
    import jax
    from keras_egan.backend.convolutions import quick_convolutions

    generator = keras.Sequential(
        [
            keras.Input((4, 4, 8)),
            layers.Conv2DTranspose(8, 5, strides=2, padding="same"),
            layers.Conv2DTranspose(8, 5, strides=2, padding="same"),
            layers.Conv2D(8, 5, strides=2, padding="same"),
            layers.Conv2D(8, 5, strides=2, padding="same"),
        ]
    )
    variables = generator.trainable_variables

    def gradients(weights, images):
        def loss(weights, images):
            with keras.StatelessScope(list(zip(variables, weights, strict=True))):
                return ops.sum(ops.sin(generator(images)))

        return jax.grad(loss, argnums=(0, 1))(weights, images)

    def text():
        arguments = [numpy(v) for v in variables], ops.ones((16, 4, 4, 8))
        lowered = jax.jit(lambda *arguments: gradients(*arguments)).lower(*arguments)
        return lowered.compile().as_text()

    assert "rhs_reversal" in text()
    with quick_convolutions():
        assert "rhs_reversal" not in text()


@by_jax
def test_threads_leave_jax_as_it_was():
    import jax
    from keras_egan.backend.convolutions import quick_convolutions

    originals = jax.lax.conv_general_dilated, jax.lax.conv_transpose
    entered = threading.Event()

    def other():
        with quick_convolutions():
            entered.set()

    thread = threading.Thread(target=other)
    with quick_convolutions():
        thread.start()
        assert not entered.wait(0.1)
    thread.join()
    assert (jax.lax.conv_general_dilated, jax.lax.conv_transpose) == originals
