"""The networks of EBGAN, MAGAN, LSGAN and LS-GAN, against numbers worked out by hand."""

from functools import partial
from itertools import pairwise

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

NOISE_128 = 64 * 4**2 + 32 * 8**2 + 16 * 16**2 + 8 * 32**2 + 4 * 64**2
NOISE_256 = NOISE_128 + 2 * 128**2

# Networks of few filters, their images, their latents, and the embedding where there is one.
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
    """JAX would compile each initializer for each shape, a second or two at a time."""
    draw = np.random.default_rng(0).normal
    for name in ("GlorotUniform", "HeNormal", "RandomNormal", "TruncatedNormal"):
        initializer = getattr(keras.initializers, name)
        monkeypatch.setattr(initializer, "__call__", lambda self, shape, dtype: draw(0, 0.1, shape))


def made(build, image_shape):
    return build() if "magan" in build.func.__name__ else build(image_shape=image_shape)


def convs(size, *channels):
    """Returns the kernels' weights in a chain of square convolutions."""
    return sum(size * size * n * m for n, m in pairwise(channels))


def norms(*channels):
    """Returns the weights of normalisations: gamma, beta and two moving statistics each."""
    return 4 * sum(channels)


def normalised(model):
    """Returns N for each weight layer, or input, that normalisation follows, - for others."""
    marks = ""
    for layer in model.layers:
        if hasattr(layer, "kernel"):
            marks += "-"
        elif isinstance(layer, keras.layers.BatchNormalization):
            marks = marks[:-1] + "N"
    return marks


def run(model, inputs):
    return keras.ops.convert_to_numpy(model(inputs, training=False))


def noise(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


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


@every_case
def test_config_round_trip(build, image_shape, latent_dim, embedding):
    for network in made(build, image_shape):
        copy = type(network).from_config(network.get_config())
        copy.set_weights(network.get_weights())
        inputs = noise(2, *network.input_shape[1:])
        np.testing.assert_array_equal(run(copy, inputs), run(network, inputs))


@every_case
def test_channels_first_moves_channels(build, image_shape, latent_dim, embedding):
    """Built only: TensorFlow runs no channels-first convolution on the CPU."""
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


@pytest.mark.parametrize("layers", [{"n_layers_g": 1}, {"n_layers_d": 1}])
def test_too_few_layers_are_refused(layers):
    with pytest.raises(ValueError, match="`n_layers_g` and `n_layers_d` must be 2 or more"):
        ebgan_mlp(**layers)


# 4x4 kernels between the filters, then from each scale's noise planes to the next scale's filters.
EBGAN_128 = convs(4, 100, 16, 8, 4, 2, 1, 1) + 16 * (64 * 8 + 32 * 4 + 16 * 2 + 8 + 4)
EBGAN_256 = convs(4, 100, 32, 16, 8, 4, 2, 1, 1) + 16 * (64 * 16 + 32 * 8 + 16 * 4 + 8 * 2 + 4 + 2)
WEIGHTS = {  # of the generator, then of the encoder and the decoder, or of the critic
    ebgan: (
        ("NNNN-", convs(4, 100, 1024, 512, 256, 128, 3) + norms(1024, 512, 256, 128) + 3),
        ("-NN", convs(4, 3, 64, 128, 256) + 64 + norms(128, 256)),
        ("NN-", convs(4, 256, 128, 64, 3) + norms(128, 64) + 3),
    ),
    partial(ebgan, (128, 128, 3), filters=1): (
        ("NNNNNN-", EBGAN_128 + norms(16, 8, 4, 2, 1, 1) + convs(3, 1, 3) + 3),
        ("-NNN", convs(4, 3, 1, 2, 4, 8) + 1 + norms(2, 4, 8)),
        ("NNN-", convs(4, 8, 4, 2, 1, 3) + norms(4, 2, 1) + 3),
    ),
    partial(ebgan, (256, 256, 1), filters=1): (
        ("NNNNNNN-", EBGAN_256 + norms(32, 16, 8, 4, 2, 1, 1) + convs(3, 1, 1) + 1),
        ("-NNN", convs(4, 1, 1, 2, 4, 8) + 1 + norms(2, 4, 8)),
        ("NNN-", convs(4, 8, 4, 2, 1, 1) + norms(4, 2, 1) + 1),
    ),
    ebgan_mlp: (
        ("NNNN-", 100 * 800 + 3 * 800 * 800 + norms(800, 800, 800, 800) + 800 * 784 + 784),
        ("-", 784 * 1024 + 1024),
        ("-", 1024 * 784 + 784),
    ),
    ebgan_small: (
        ("-NN-", 65 * 8 * 8 * 128 + convs(3, 128, 128, 64, 1) + norms(128, 64) + 1),
        ("--", convs(3, 1, 64) + 64 + 16 * 16 * 64 * 32 + 32),
        ("NN-", 32 * 16 * 16 * 64 + norms(32, 16 * 16 * 64) + convs(3, 64, 1) + 1),
    ),
    magan_mnist: (
        ("---", convs(7, 50, 128) + convs(4, 128, 64, 1) + 128 + 64 + 1),
        ("--", 784 * 256 + 256 + 256 * 256 + 256),
        ("-", 256 * 784 + 784),
    ),
    magan_cifar10: (
        ("----", convs(4, 320, 512, 256, 128, 3) + 512 + 256 + 128 + 3),
        ("---", convs(4, 3, 128, 256, 512) + 128 + 256 + 512),
        ("---", convs(4, 512, 256, 128, 3) + 256 + 128 + 3),
    ),
    magan_celeba: (
        ("-----", convs(4, 350, 512, 256, 128, 64, 3) + 512 + 256 + 128 + 64 + 3),
        ("----", convs(4, 3, 64, 128, 256, 512) + 64 + 128 + 256 + 512),
        ("----", convs(4, 512, 256, 128, 64, 3) + 256 + 128 + 64 + 3),
    ),
    least_squares_vgg: (
        (
            "NNNNNNN-",
            1025 * 7**2 * 256 + convs(3, *[256] * 5, 128, 64, 3) + norms(1280, 128, 64) + 3,
        ),
        ("-NNN-", convs(5, 3, 64, 128, 256, 512) + 64 + norms(128, 256, 512) + 7 * 7 * 512 + 1),
    ),
    least_squares_dcgan: (
        ("NNNN-", 1025 * 16 * 512 + convs(5, 512, 256, 128, 64, 3) + norms(512, 256, 128, 64) + 3),
        ("-NNN-", convs(5, 3, 64, 128, 256, 512) + 64 + norms(128, 256, 512) + 16 * 512 + 1),
    ),
    partial(least_squares_dcgan, normalise_g=False, normalise_d=False): (
        ("-----", 1025 * 16 * 512 + convs(5, 512, 256, 128, 64, 3) + 256 + 128 + 64 + 3),
        ("-----", convs(5, 3, 64, 128, 256, 512) + 64 + 128 + 256 + 512 + 16 * 512 + 1),
    ),
    loss_sensitive: (
        ("NNNN-", convs(4, 100, 512, 256, 128, 64, 3) + norms(512, 256, 128, 64)),
        ("-NNN-", convs(4, 3, 64, 128, 256, 512, 1) + norms(128, 256, 512)),
    ),
    partial(loss_sensitive, (32, 32, 1), filters=2, normalise_d=False): (
        ("NNN-", convs(4, 100, 8, 4, 2, 1) + norms(8, 4, 2)),
        ("----", convs(4, 1, 2, 4, 8, 1) + 2 + 4 + 8 + 1),
    ),
}


@pytest.mark.parametrize("build", WEIGHTS)
def test_weights_and_normalisation_by_hand(build):
    with keras.StatelessScope(initialize_variables=False):
        generator, discriminator = build()
    keras.utils.clear_session(free_memory=False)  # or the next scope initializes them all
    halves = [getattr(discriminator, half, None) for half in ("encoder", "decoder")]
    networks = [generator, *(halves if halves[0] else [discriminator])]
    assert tuple((normalised(x), x.count_params()) for x in networks) == WEIGHTS[build]


def test_a_noise_plane_has_its_place_in_the_image():
    """A 64x64 plane's first pixel reaches rows 0 to 2 by the 4x4 layer, 0 to 3 by the 3x3 one."""
    generator, _ = ebgan((128, 128, 1), filters=1, latent_dim=3)
    latents = noise(1, generator.input_shape[1])
    moved = latents.copy()
    moved[0, -4 * 64 * 64 : -4 * 64 * 64 + 4] += 1.0
    change = np.abs(run(generator, latents) - run(generator, moved))
    _, rows, columns, _ = np.nonzero(change > 1e-6)
    assert max(rows.max(), columns.max()) == 3


@pytest.mark.parametrize(("n_layers", "dropout"), [(2, 0.5), (3, 0.0), (5, 0.5)])
def test_ebgan_mlp_counts_its_layers(n_layers, dropout):
    generator, discriminator = ebgan_mlp(
        (8, 8, 1),
        n_layers_g=n_layers,
        n_layers_d=n_layers,
        size_g=6,
        size_d=7,
        latent_dim=3,
        dropout_d=dropout,
    )
    hidden = n_layers - 1
    assert normalised(generator) == "N" * hidden + "-"
    assert normalised(discriminator.encoder) == "-" + "N" * (hidden - 1)
    assert discriminator.count_params() == 64 * 7 + 7 + (hidden - 1) * (49 + 28) + 7 * 64 + 64
    dropouts = [x for x in discriminator.encoder.layers if isinstance(x, keras.layers.Dropout)]
    assert [x.rate for x in dropouts] == ([dropout] * hidden if dropout else [])


def test_magan_mnist_takes_black_for_0():
    """No biases yet: 0 stays 0 up to the sigmoid, whose 1/2 is 0 outside."""
    _, discriminator = made(partial(magan_mnist, filters=4, units=6), None)
    black = np.full((1, 28, 28, 1), -1.0, "float32")
    np.testing.assert_allclose(run(discriminator, black), 0.0, atol=1e-6)
    assert np.abs(run(discriminator, black + 1.0)).max() > 1e-3


@pytest.mark.parametrize(("size", "strides", "first"), [(5, 2, 3), (3, 2, 4), (3, 1, 1)])
def test_transposed_convolutions_land_alike_on_every_backend(size, strides, first):
    """A pixel at 2 lays the kernel from 2 * strides, less (size - strides) // 2."""
    image = keras.Input((4, 4, 1))
    model = keras.Model(image, _least_squares._transposed(image, 1, size, strides))
    kernel = np.arange(1.0, 1.0 + size**2, dtype="float32").reshape(size, size)
    model.set_weights([kernel[..., None, None], np.zeros(1, "float32")])
    pixel = np.eye(1, 16, k=4 * 2 + 2, dtype="float32").reshape(1, 4, 4, 1)
    expected = np.zeros((4 * strides, 4 * strides), "float32")
    expected[first : first + size, first : first + size] = kernel
    np.testing.assert_allclose(run(model, pixel)[0, ..., 0], expected)


def test_loss_sensitive_nonnegative_is_the_linear_one_cut_at_0():
    _, linear = made(partial(loss_sensitive, filters=4, nonnegative=False), (16, 16, 1))
    _, cut = loss_sensitive((16, 16, 1), filters=4)
    cut.set_weights(linear.get_weights())
    images = noise(32, 16, 16, 1)
    scores = run(linear, images)
    assert scores.min() < 0.0 < scores.max()
    np.testing.assert_allclose(run(cut, images), np.maximum(scores, 0.0), atol=1e-7)
