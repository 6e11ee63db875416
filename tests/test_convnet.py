"""The networks for images of any size, and their cost."""

import contextlib
import importlib.util
import math
from itertools import pairwise
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

import keras_egan
from keras_egan.layers import UpsampledConv2D
from keras_egan.networks import Autoencoder, convnet, residual
from tests.conftest import on
from tests.registry import EAGERLY, uint8_images

SIDES = [(28, 28, 1), (32, 32, 3), (64, 64, 3), (96, 64, 3), (128, 128, 3), (256, 256, 3)]
GRIDS = [(7, 7), (4, 4), (4, 4), (6, 4), (4, 4), (4, 4)]


@pytest.fixture(autouse=True)
def numpy_weights(monkeypatch):
    """Avoid that JAX compiles each initializer for each shape, a second or two each."""
    draw = np.random.default_rng(0).normal
    monkeypatch.setattr(
        keras.initializers.GlorotUniform, "__call__", lambda self, shape, dtype: draw(0, 0.1, shape)
    )


@contextlib.contextmanager
def data_format(name):
    keras.config.set_image_data_format(name)
    try:
        yield
    finally:
        keras.config.set_image_data_format("channels_last")


def moved(image_shape, name):
    return (image_shape[-1], *image_shape[:-1]) if name == "channels_first" else image_shape


def run(model, inputs, training=False):
    return keras.ops.convert_to_numpy(model(inputs, training=training))


def noise(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


def conv(size, *channels):
    """Return the kernels' weights in a chain of square convolutions."""
    return sum(size * size * n * m for n, m in pairwise(channels))


@pytest.mark.parametrize("name", ["channels_last", "channels_first"])
@pytest.mark.parametrize("use_bias", [True, False])
def test_upsampling_and_convolution_in_one(name, use_bias):
    x = noise(*moved((5, 6, 4), name))[None]
    with data_format(name):
        both = UpsampledConv2D(3, use_bias=use_bias)
        both.build(x.shape)
        weights = [noise(*weight.shape) for weight in both.weights]
        both.set_weights(weights)
        doubled = layers.UpSampling2D()(x)
        convolution = layers.Conv2D(3, 3, padding="same", use_bias=use_bias)
        convolution.build(doubled.shape)
        convolution.set_weights(weights)
        result = keras.ops.convert_to_numpy(both(x))
        expected = keras.ops.convert_to_numpy(convolution(doubled))
    assert both.compute_output_shape(x.shape) == result.shape
    np.testing.assert_allclose(result, expected, atol=1e-5)


@on("torch")
def test_upsampling_a_constant_leaves_no_checkerboard():
    """Images appear where a transposed convolution of the same weights and stride 2 has them."""
    x = np.ones((1, 6, 6, 2), "float32")
    smooth, checkered = UpsampledConv2D(1), layers.Conv2DTranspose(1, 4, 2, padding="same")
    deviations = []
    for layer in (smooth, checkered):
        layer.build(x.shape)
        layer.set_weights([noise(*weight.shape) for weight in layer.weights])
        inside = keras.ops.convert_to_numpy(layer(x))[0, 3:-3, 3:-3]
        deviations.append(inside.std())
    assert deviations[0] < 1e-5 < 0.1 < deviations[1]


def test_upsampled_convolutions_are_saved(tmp_path):
    model = keras.Sequential([keras.Input((4, 5, 2)), UpsampledConv2D(3, use_bias=False)])
    model.save(tmp_path / "model.keras")
    loaded, x = keras.models.load_model(tmp_path / "model.keras"), noise(2, 4, 5, 2)
    np.testing.assert_array_equal(run(loaded, x), run(model, x))


@on("torch")
@pytest.mark.parametrize("name", ["channels_last", "channels_first"])
@pytest.mark.parametrize(
    ("image_shape", "grid"),
    [*zip(SIDES, GRIDS, strict=True), ((100, 75, 3), (7, 5)), ((8, 9, 1), (4, 5))],
)
def test_depth_follows_from_the_size(name, image_shape, grid):
    shape = moved(image_shape, name)
    with data_format(name):
        generator, discriminator = convnet(shape, filters=1, latent_dim=3, embedding_dim=2)
    halvings = math.ceil(math.log2(max(image_shape[:2]) / max(grid)))
    for decoder in (generator, discriminator.decoder):
        assert decoder.output_shape == (None, *shape)
        reshape = next(x for x in decoder.layers if isinstance(x, layers.Reshape))
        assert reshape.target_shape == moved((*grid, min(2**halvings, 8)), name)
        assert sum(isinstance(x, UpsampledConv2D) for x in decoder.layers) == halvings
    assert discriminator.input_shape == (None, *shape)
    convolutions = [x for x in discriminator.encoder.layers if isinstance(x, layers.Conv2D)]
    assert [x.filters for x in convolutions] == [min(2**i, 8) for i in range(1, halvings + 1)]


@on("torch")
def test_parameters_by_hand():
    """64x64x3 with 4 filters: 4, 8, 16, 32 and 32 channels, from the image to 4x4."""
    n, latent_dim, embedding_dim = 4, 6, 5
    decoder = conv(3, 8 * n, 8 * n, 4 * n, 2 * n, n) + conv(3, n, 3) + 3
    decoder += 4 * (8 * n + 8 * n + 4 * n + 2 * n + n)  # normalised: the grid, and each scale
    grid = 4 * 4 * 8 * n
    encoder = conv(4, 3, 2 * n, 4 * n, 8 * n, 8 * n) + 2 * n + 4 * (4 * n + 8 * n + 8 * n)
    generator, autoencoder = convnet(filters=n, latent_dim=latent_dim, embedding_dim=embedding_dim)
    assert generator.count_params() == latent_dim * grid + decoder
    assert autoencoder.encoder.count_params() == encoder + grid * embedding_dim + 4 * embedding_dim
    assert autoencoder.decoder.count_params() == embedding_dim * grid + decoder
    again, critic = convnet(filters=n, latent_dim=latent_dim, embedding_dim=None)
    assert again.count_params() == generator.count_params()
    assert critic.count_params() == encoder + grid + 1


@on("torch")
@pytest.mark.parametrize("image_shape", [(16, 24, 1), (9, 13, 3)])
def test_shapes_names_ranges_and_config(image_shape):
    generator, autoencoder = convnet(image_shape, filters=1, latent_dim=3, embedding_dim=2)
    _, critic = convnet(image_shape, filters=1, latent_dim=3, embedding_dim=None)
    assert [x.name for x in (generator, autoencoder, critic)] == [
        "generator",
        "discriminator",
        "discriminator",
    ]
    assert [network.inputs[0].name for network in (generator, critic)] == ["latents", "image"]
    images = run(generator, 100.0 * noise(4, 3))
    assert images.shape == (4, *image_shape)
    assert -1.0 <= images.min() < images.max() <= 1.0
    assert isinstance(autoencoder, Autoencoder)
    reconstruction = run(autoencoder, images)
    assert reconstruction.shape == images.shape
    assert -1.0 <= reconstruction.min() < reconstruction.max() <= 1.0
    assert run(critic, images).shape == (4, 1)
    for network, x in ((generator, noise(2, 3)), (autoencoder, images), (critic, images)):
        copy = type(network).from_config(network.get_config())
        copy.set_weights(network.get_weights())
        np.testing.assert_array_equal(run(copy, x), run(network, x))


@on("torch")
def test_black_is_0_inside():
    """Biases are 0 at first, so 0 stays 0 up to the sigmoid, whose 1/2 is 0 outside."""
    _, autoencoder = convnet((8, 8, 1), filters=2, embedding_dim=3)
    black = np.full((2, 8, 8, 1), -1.0, "float32")
    np.testing.assert_allclose(run(autoencoder, black), 0.0, atol=1e-6)
    assert np.abs(run(autoencoder, np.tanh(noise(2, 8, 8, 1)))).max() > 1e-3


@on("torch")
def test_the_embedding_is_normalized_over_the_batch():
    _, autoencoder = convnet((16, 16, 3), filters=2, embedding_dim=4)
    embedding = run(autoencoder.encoder, noise(64, 16, 16, 3), training=True)
    np.testing.assert_allclose(embedding.mean(axis=0), 0.0, atol=1e-5)
    assert (embedding.std(axis=0) > 0.5).all()
    assert (embedding.std(axis=0) <= 1.0).all()


def large(image_shape):
    return [pytest.mark.slow] if max(image_shape) > 32 else []


@on("torch")
@pytest.mark.parametrize("name", ["channels_last", "channels_first"])
@pytest.mark.parametrize("image_shape", [pytest.param(x, marks=large(x)) for x in SIDES])
def test_a_step_at_every_size(name, image_shape):
    """This works on CPUs too: TensorFlow runs channels-first convolutions there by oneDNN."""
    shape = moved(image_shape, name)
    with data_format(name):
        check_step(keras_egan.BEGAN, shape, embedding_dim=4)


@on("torch")
@pytest.mark.parametrize("gan", [keras_egan.LeastSquaresGAN, keras_egan.LossSensitiveGAN])
def test_a_step_with_a_critic(gan):
    check_step(gan, (9, 16, 3), embedding_dim=None)


def test_a_step_with_penalties_of_residual_networks():
    check_step(keras_egan.RelativisticGAN, (9, 16, 3), None, build=residual, filters=2)


@on("torch")
@pytest.mark.parametrize("name", ["channels_last", "channels_first"])
@pytest.mark.parametrize("image_shape", [(28, 28, 1), (100, 75, 3), (256, 256, 3)])
def test_residual_networks_of_any_size(name, image_shape):
    shape = moved(image_shape, name)
    with data_format(name):
        generator, critic = residual(shape, filters=2, latent_dim=3)
        images = run(generator, noise(2, 3))
        assert images.shape == (2, *shape)
        assert -1.0 < images.min() < images.max() < 1.0
        assert run(critic, images).shape == (2, 1)


def check_step(gan, shape, embedding_dim, build=convnet, filters=1):
    """Assert that one step changes each kernel, and leaves all finite."""
    networks = build(shape, filters=filters, latent_dim=4, embedding_dim=embedding_dim)
    gan = gan(*networks, seed=0)
    gan.compile(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3), **EAGERLY)
    before = [np.array(x) for network in networks for x in network.get_weights()]
    figures = gan.fit(uint8_images(4, shape), batch_size=4, verbose=0).history
    after = [x for network in networks for x in network.get_weights()]
    assert all(np.isfinite(x) for values in figures.values() for x in values)
    assert all(np.isfinite(x).all() for x in after)
    kernels = [pair for pair in zip(before, after, strict=True) if pair[0].ndim > 1]
    assert not any(np.array_equal(*pair) for pair in kernels)


@on("torch")
@pytest.mark.parametrize("sides", [(7, 32), (64, 4)])
def test_small_sides_are_refused(sides):
    with pytest.raises(ValueError, match=f"sides of 8 or more; got {sides[0]} and {sides[1]}"):
        convnet((*sides, 3))


@pytest.fixture(scope="module")
def flops():
    path = Path(__file__).parents[1] / "benchmarks" / "flops.py"
    spec = importlib.util.spec_from_file_location("flops", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@on("torch")
@pytest.mark.parametrize("name", ["channels_last", "channels_first"])
def test_operations_by_hand(flops, name):
    """16x24x3 with 2 filters: 2, 4 and 8 channels at 16x24, 8x12 and 4x6."""
    with data_format(name):
        shape = moved((16, 24, 3), name)
        generator, autoencoder = convnet(shape, filters=2, latent_dim=5, embedding_dim=7)
        _, critic = convnet(shape, filters=2, latent_dim=5, embedding_dim=None)
    # Each doubling: 2x2 taps to four times the channels, around every pixel.
    up = 5 * 7 * (4 * 8 * 4 * 4) + 9 * 13 * (4 * 4 * 4 * 2) + 16 * 24 * (9 * 2 * 3)
    down = 8 * 12 * (16 * 3 * 4) + 4 * 6 * (16 * 4 * 8)
    grid = 4 * 6 * 8
    g, d = 2 * (5 * grid + up), 2 * (down + grid * 7 + 7 * grid + up)
    assert flops.flops(generator) == g
    assert flops.flops(autoencoder) == d
    assert flops.flops(critic) == 2 * (down + grid)
    assert flops.training_flops(generator, autoencoder) == 4 * g + 8 * d


@on("torch")
def test_operations_of_transposed_convolutions(flops):
    model = keras.Sequential(
        [
            keras.Input((4, 4, 3)),
            layers.Conv2DTranspose(5, 4, strides=2, padding="same"),
            layers.BatchNormalization(),
        ]
    )
    assert flops.flops(model) == 2 * 16 * (4 * 4 * 3 * 5)
