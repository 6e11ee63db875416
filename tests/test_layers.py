"""The convolutions of `keras_egan.layers`, compared with Keras's layers."""

import itertools

import keras
import numpy as np
import pytest
from keras import ops

import keras_egan
from keras_egan import layers, networks
from keras_egan.backend.keras_internals import flat_layers
from tests.conftest import on
from tests.registry import uint8_images
from tests.test_networks_labels import FAMILIES

SIZES = list(itertools.product((2, 3, 4, 5), (2, 3)))
OTHERS = [
    {"kernel_size": (5, 2), "strides": (1, 3)},
    {"kernel_size": 3},
    {"kernel_size": 2, "dilation_rate": 2},
]
SETTINGS = [*({"kernel_size": size, "strides": by} for size, by in SIZES), *OTHERS]
CASES = [
    *itertools.product(("Conv2D", "Conv2DTranspose"), SETTINGS),
    ("Conv2D", {"kernel_size": 5, "strides": 2, "groups": 2}),
    ("Conv2DTranspose", {"kernel_size": 3, "strides": 2, "output_padding": 1}),
]


def pair(name, image_shape, settings, **more):
    """Return our layer and Keras's with the same weights."""
    made = []
    for module in (layers, keras.layers):
        layer = getattr(module, name)(4, activation="tanh", **{**settings, **more})
        layer.build((None, *image_shape))
        made.append(layer)
    rng = np.random.default_rng(0)
    weights = [rng.normal(0.0, 0.3, weight.shape) for weight in made[0].weights]
    for layer in made:
        layer.set_weights(weights)
    return made


def pure(layer):
    """Return a layer as a function of its weights and images."""

    def call(weights, images):
        pairs = list(zip(layer.trainable_variables, weights, strict=True))
        with keras.StatelessScope(pairs):
            return layer(images)

    return call


def arguments(layer, images, seed=1):
    rng = np.random.default_rng(seed)
    dtype = layer.compute_dtype
    weights = [v.value for v in layer.trainable_variables]
    return weights, rng.normal(size=images).astype(dtype)


def close(run, both, tolerance=1e-5):
    """Compare the results of `run` for our layer and for Keras's."""
    import jax

    found, expected = jax.jit(lambda: [run(layer) for layer in both])()
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert one.dtype == other.dtype
        scale = float(np.abs(np.asarray(other, "float64")).max())
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * (1.0 + scale))


@on("jax")
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("name", "settings"), CASES)
def test_values_and_gradients_are_those_of_keras(name, settings, padding):
    """Test images larger than the kernel, and images with one smaller side."""
    import jax

    small = (3, 2) if name == "Conv2DTranspose" or padding == "same" else (6, 5)
    for sides in ((7, 6), small):
        both = pair(name, (*sides, 2), settings, padding=padding)
        inputs = arguments(both[0], (3, *sides, 2))
        shape = both[0].compute_output_shape((3, *sides, 2))
        weights = np.random.default_rng(2).normal(size=shape).astype("float32")

        def run(layer, weights=weights, inputs=inputs):
            values, pull_back = jax.vjp(pure(layer), *inputs)
            return values, pull_back(weights)

        close(run, both)


@on("jax")
@pytest.mark.parametrize("name", ["Conv2DTranspose", "Conv2D"])
@pytest.mark.parametrize(("kernel_size", "padding"), [(3, "valid"), (4, "same"), (5, "same")])
@pytest.mark.parametrize("how", ["channels_first", "float16", "twice", "forward"])
def test_further_ways_give_what_keras_gives(name, kernel_size, padding, how):
    """Test the other data format, half precision, second derivatives and forward mode."""
    import jax

    settings = {"kernel_size": kernel_size, "strides": 2, "padding": padding}
    shape, tolerance = (4, 5, 2), 1e-5
    if how == "channels_first":
        settings["data_format"], shape = how, (2, 4, 5)
    if how == "float16":
        settings["dtype"], tolerance = keras.DTypePolicy("float16"), 4e-3
    both = pair(name, shape, settings)
    inputs, direction = (arguments(both[0], (3, *shape), seed) for seed in (1, 2))

    def run(layer):
        def total(weights, images):
            return ops.sum(ops.sin(pure(layer)(weights, images)))

        gradient = jax.grad(total, argnums=(0, 1))
        if how == "twice":  # as for a penalty on the gradient at the images
            return jax.grad(lambda *x: ops.sum(gradient(*x)[1] ** 2), argnums=(0, 1))(*inputs)
        if how == "forward":
            return jax.jvp(pure(layer), inputs, direction), jax.jvp(gradient, inputs, direction)
        return pure(layer)(*inputs), gradient(*inputs)

    close(run, both, tolerance)


@on("jax")
def test_xla_reverses_no_convolution_of_a_step():
    """XLA does so when it exchanges kernel and images, and the result is slow."""
    import jax

    def compiled(module):
        network = keras.Sequential(
            [
                keras.Input((4, 4, 8)),
                module.Conv2DTranspose(8, 5, strides=2, padding="same"),
                module.Conv2DTranspose(8, 5, strides=2, padding="same"),
                module.Conv2D(8, 5, strides=2, padding="same"),
                module.Conv2D(8, 5, strides=2, padding="same"),
                module.Conv2D(8, 5, strides=2, padding="same"),
            ]
        )

        def loss(weights, images):
            return ops.sum(ops.sin(pure(network)(weights, images)))

        inputs = [v.value for v in network.trainable_variables], ops.ones((16, 4, 4, 8))
        return jax.jit(jax.grad(loss, argnums=(0, 1))).lower(*inputs).compile().as_text()

    assert "rhs_reversal" in compiled(keras.layers)
    assert "rhs_reversal" not in compiled(layers)


@on("jax")
def test_a_penalty_by_forward_mode_trains():
    """A user's own penalty, on the slope along a direction."""
    import jax

    class Slope(keras_egan.EnergyGAN):
        def discriminator_loss(self, real, fake):
            return real.energy - 0.5 * fake.energy

        def penalty(self, real, fake):
            x, ones = real.images, jax.numpy.ones_like(real.images)
            _, slope = jax.jvp(lambda x: self.discriminator(x, training=True), (x,), (ones,))
            return jax.numpy.mean(slope**2)

    generator, discriminator = networks.magan_cifar10(filters=4, latent_dim=3)
    gan = Slope(generator, discriminator)
    gan.compile("sgd", "sgd")
    assert np.isfinite(gan.fit(uint8_images(4, (32, 32, 3)), verbose=0).history["d_loss"]).all()


@on("torch")
@pytest.mark.parametrize("family", FAMILIES)
def test_networks_use_them(family):
    """These are slow in Keras's form: transposed, or with a kernel larger than the output."""
    pair = getattr(networks, family.partition(" ")[0])(**FAMILIES[family])
    for layer in (layer for network in pair for layer in flat_layers(network)):
        if isinstance(layer, keras.layers.Conv2DTranspose):
            assert isinstance(layer, layers.Conv2DTranspose)
        elif isinstance(layer, keras.layers.Conv2D) and max(layer.strides) > 1:
            small = min(layer.output.shape[1:3]) < layer.kernel_size[0]
            assert isinstance(layer, layers.Conv2D) or not small


def test_they_are_saved_and_opened(tmp_path):
    shape = (8, 8, 2)
    model = keras.Sequential(
        [
            keras.Input(shape),
            layers.Conv2D(3, 5, strides=4, padding="same", activation="relu"),
            layers.Conv2DTranspose(2, 4, strides=2, padding="same"),
        ]
    )
    model.save(tmp_path / "model.keras")
    opened = keras.models.load_model(tmp_path / "model.keras")
    assert [type(layer) for layer in opened.layers] == [layers.Conv2D, layers.Conv2DTranspose]
    images = np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")
    expected, found = (ops.convert_to_numpy(x(images)) for x in (model, opened))
    np.testing.assert_array_equal(found, expected)
