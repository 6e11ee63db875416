"""The networks of EBGAN, MAGAN, LSGAN and LS-GAN: shapes, ranges, and details of each."""

from functools import partial

import keras
import numpy as np
import pytest

from keras_egan.networks import (
    Autoencoder,
    _least_squares,
    ebgan,
    ebgan_mlp,
    ebgan_small,
    least_squares_dcgan,
    least_squares_vgg,
    loss_sensitive,
    magan_celeba,
    magan_cifar10,
    magan_mnist,
)
from tests.conftest import on

NOISE_128 = 64 * 4**2 + 32 * 8**2 + 16 * 16**2 + 8 * 32**2 + 4 * 64**2
NOISE_256 = NOISE_128 + 2 * 128**2

# Networks of few filters, their images, their latents, and their embedding, if any.
tiny = partial(ebgan, filters=1, latent_dim=7)
mlp = partial(ebgan_mlp, n_layers_d=3, size_g=9, size_d=8, dropout_d=0.5)
vgg, dcgan, critic = (
    partial(f, filters=2) for f in (least_squares_vgg, least_squares_dcgan, loss_sensitive)
)
CASES = [
    pytest.param(tiny, (64, 64, 3), 7, (8, 8, 4), id="ebgan_64"),
    pytest.param(tiny, (128, 128, 1), 7 + NOISE_128, (8, 8, 8), id="ebgan_128"),
    pytest.param(tiny, (256, 256, 3), 7 + NOISE_256, (16, 16, 8), id="ebgan_256"),
    pytest.param(mlp, (28, 28, 1), 100, (8,), id="ebgan_mlp"),
    pytest.param(partial(ebgan_small, filters=2), (32, 28, 1), 64, (32,), id="ebgan_small"),
    pytest.param(partial(magan_mnist, filters=4, units=6), (28, 28, 1), 50, (6,), id="magan_mnist"),
    pytest.param(
        partial(magan_cifar10, filters=8), (32, 32, 3), 320, (4, 4, 8), id="magan_cifar10"
    ),
    pytest.param(partial(magan_celeba, filters=8), (64, 64, 3), 350, (4, 4, 8), id="magan_celeba"),
    pytest.param(vgg, (32, 48, 1), 1024, None, id="least_squares_vgg"),
    pytest.param(dcgan, (64, 64, 3), 1024, None, id="least_squares_dcgan"),
    pytest.param(critic, (64, 64, 3), 100, None, id="loss_sensitive_64"),
    pytest.param(critic, (128, 128, 3), 100, None, id="loss_sensitive_128"),
]
every_case = pytest.mark.parametrize(("build", "image_shape", "latent_dim", "embedding"), CASES)


@pytest.fixture(autouse=True)
def numpy_weights(monkeypatch):
    """Avoid that JAX compiles each initializer for each shape, a second or two each."""
    draw = np.random.default_rng(0).normal
    for name in ("GlorotUniform", "HeNormal", "RandomNormal", "TruncatedNormal"):
        initializer = getattr(keras.initializers, name)
        monkeypatch.setattr(initializer, "__call__", lambda self, shape, dtype: draw(0, 0.1, shape))


def made(build, image_shape):
    return build() if "magan" in build.func.__name__ else build(image_shape=image_shape)


def run(model, inputs):
    return keras.ops.convert_to_numpy(model(inputs, training=False))


def noise(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


@on("torch")
@every_case
def test_shapes_names_and_ranges(build, image_shape, latent_dim, embedding):
    generator, discriminator = made(build, image_shape)
    assert (generator.name, discriminator.name) == ("generator", "discriminator")
    assert generator.input_shape == (None, latent_dim)
    assert [tensor.name for tensor in generator.inputs] == ["latents"]
    images = run(generator, 100.0 * noise(2, latent_dim))
    assert images.shape == (2, *image_shape)
    assert -1.0 <= images.min() < images.max() <= 1.0

    assert discriminator.input_shape == (None, *image_shape)
    if embedding is None:
        assert [tensor.name for tensor in discriminator.inputs] == ["image"]
        assert run(discriminator, images).shape == (2, 1)
    else:
        assert isinstance(discriminator, Autoencoder)
        assert [tensor.name for tensor in discriminator.encoder.inputs] == ["image"]
        assert [tensor.name for tensor in discriminator.decoder.inputs] == ["embedding"]
        assert discriminator.encoder.output_shape == (None, *embedding)
        assert run(discriminator, images).shape == images.shape


@on("torch")
@every_case
def test_config_round_trip(build, image_shape, latent_dim, embedding):
    for network in made(build, image_shape):
        copy = type(network).from_config(network.get_config())
        copy.set_weights(network.get_weights())
        inputs = noise(2, *network.input_shape[1:])
        np.testing.assert_array_equal(run(copy, inputs), run(network, inputs))


@on("torch")
@every_case
def test_channels_first_moves_channels(build, image_shape, latent_dim, embedding):
    """Build only, because TensorFlow runs no channels-first convolution on the CPU."""
    last = made(build, image_shape)
    *sides, channels = image_shape
    keras.config.set_image_data_format("channels_first")
    try:
        first = made(build, (channels, *sides))
    finally:
        keras.config.set_image_data_format("channels_last")
    assert first[0].output_shape == first[1].input_shape == (None, channels, *sides)
    assert [x.count_params() for x in first] == [x.count_params() for x in last]
    if embedding:
        assert first[1].encoder.output_shape == (None, embedding[-1], *embedding[:-1])


@on("torch")
@pytest.mark.parametrize(
    ("networks", "sides", "hint"),
    [
        (ebgan, (32, 32), "square, with sides of 64, 128 or 256; got sides of 32 and 32"),
        (ebgan, (64, 128), "square, .* got sides of 64 and 128"),
        (ebgan_small, (32, 30), "divisible by 4; got 32 and 30. Resize .* to 32 and 32 "),
        (least_squares_vgg, (100, 112), "by 16; got 100 and 112. Resize .* to 112 and 112 "),
        (least_squares_dcgan, (64, 28), "divisible by 16; got 64 and 28. Resize .* to 64 and 32 "),
        (loss_sensitive, (4, 4), "power of 2 from 8 up as its side; got sides of 4 and 4"),
    ],
)
def test_impossible_shapes_are_refused(networks, sides, hint):
    with pytest.raises(ValueError, match=f"`image_shape` must .*{hint}") as refused:
        networks(image_shape=(*sides, 3))
    assert " Resize " in str(refused.value)


@on("torch")
@pytest.mark.parametrize("layers", [{"n_layers_g": 1}, {"n_layers_d": 1}])
def test_too_few_layers_are_refused(layers):
    with pytest.raises(ValueError, match="`n_layers_g` and `n_layers_d` must be 2 or more"):
        ebgan_mlp(**layers)


@on("torch")
def test_a_noise_plane_has_its_place_in_the_image():
    """The first pixel of a 64x64 plane reaches rows 0 to 2 by the 4x4 layer, 0 to 3 by the 3x3."""
    generator, _ = ebgan((128, 128, 1), filters=1, latent_dim=3)
    latents = noise(1, generator.input_shape[1])
    moved = latents.copy()
    moved[0, -4 * 64 * 64 : -4 * 64 * 64 + 4] += 1.0
    change = np.abs(run(generator, latents) - run(generator, moved))
    _, rows, columns, _ = np.nonzero(change > 1e-6)
    assert max(rows.max(), columns.max()) == 3


@on("torch")
def test_magan_mnist_takes_black_for_0():
    """Biases are 0 at first, so 0 stays 0 up to the sigmoid, whose 1/2 is 0 outside."""
    _, discriminator = made(partial(magan_mnist, filters=4, units=6), None)
    black = np.full((1, 28, 28, 1), -1.0, "float32")
    np.testing.assert_allclose(run(discriminator, black), 0.0, atol=1e-6)
    assert np.abs(run(discriminator, black + 1.0)).max() > 1e-3


@pytest.mark.parametrize(("size", "strides", "first"), [(5, 2, 3), (3, 2, 4), (3, 1, 1)])
def test_transposed_convolutions_land_alike_on_every_backend(size, strides, first):
    """A pixel at 2 adds the kernel from 2 * strides - (size - strides) // 2 on."""
    image = keras.Input((4, 4, 1))
    model = keras.Model(image, _least_squares._transposed(image, 1, size, strides))
    kernel = np.arange(1.0, 1.0 + size**2, dtype="float32").reshape(size, size)
    model.set_weights([kernel[..., None, None], np.zeros(1, "float32")])
    pixel = np.eye(1, 16, k=4 * 2 + 2, dtype="float32").reshape(1, 4, 4, 1)
    expected = np.zeros((4 * strides, 4 * strides), "float32")
    expected[first : first + size, first : first + size] = kernel
    np.testing.assert_allclose(run(model, pixel)[0, ..., 0], expected)


@on("torch")
def test_loss_sensitive_nonnegative_is_the_linear_one_cut_at_0():
    _, linear = made(partial(loss_sensitive, filters=4, nonnegative=False), (16, 16, 1))
    _, cut = loss_sensitive((16, 16, 1), filters=4)
    cut.set_weights(linear.get_weights())
    images = noise(32, 16, 16, 1)
    scores = run(linear, images)
    assert scores.min() < 0.0 < scores.max()
    np.testing.assert_allclose(run(cut, images), np.maximum(scores, 0.0), atol=1e-7)
