"""BEGAN's networks, and properties of all networks."""

import random

import keras
import numpy as np
import pytest

import keras_egan
from keras_egan.layers import VanishingResidual
from keras_egan.networks import began, dcgan_autoencoder, mlp
from tests.conftest import on
from tests.registry import uint8_images


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


@on("torch")
def test_the_papers_parameter_count():
    """There are 17.33 million at n = 128, N_h = 64, 64x64x3, counted here by hand."""
    n, code = 128, 64

    def conv(channels, filters):
        return 3 * 3 * channels * filters + filters

    encoder = conv(3, n)
    for scale in (1, 2, 3):
        encoder += 2 * conv(scale * n, scale * n) + conv(scale * n, (scale + 1) * n)
    encoder += 2 * conv(4 * n, 4 * n) + 8 * 8 * 4 * n * code + code
    decoder = code * 8 * 8 * n + 8 * 8 * n + 4 * 2 * conv(n, n) + conv(n, 3)
    generator, discriminator = began()
    assert discriminator.encoder.count_params() == encoder
    assert generator.count_params() == discriminator.decoder.count_params() == decoder
    assert encoder + 2 * decoder == 17_334_214


@on("torch")
@pytest.mark.parametrize(
    ("sides", "smallest"),
    [
        ((15, 4), (15, 4)),
        ((16, 16), (8, 8)),
        ((28, 28), (14, 14)),
        ((32, 32), (8, 8)),
        ((96, 96), (12, 12)),
        ((48, 64), (6, 8)),
        ((64, 64), (8, 8)),
        ((128, 128), (8, 8)),
        ((256, 256), (8, 8)),
    ],
)
def test_sides(sides, smallest):
    generator, discriminator = began((*sides, 3), filters=1, latent_dim=2, repeats=1)
    assert generator.output_shape == discriminator.input_shape == (None, *sides, 3)
    assert discriminator.decoder.output_shape == (None, *sides, 3)
    reshape = next(x for x in generator.layers if isinstance(x, keras.layers.Reshape))
    assert reshape.target_shape == (*smallest, 1)


@on("torch")
@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("skips", [False, True])
def test_images_pass_through(channels, skips):
    generator, discriminator = began((16, 32, channels), filters=2, latent_dim=3, skips=skips)
    images = generator(np.zeros((2, 3), "float32"))
    assert tuple(discriminator(images).shape) == (2, 16, 32, channels)


@on("torch")
def test_skips_double_the_channels_after_each_upsampling():
    plain, _ = began((32, 32, 3), filters=4, latent_dim=2)
    skipping, _ = began((32, 32, 3), filters=4, latent_dim=2, skips=True)
    extra = 2 * 3 * 3 * 4 * 4  # two upsamplings, each before a convolution to 4 channels
    assert skipping.count_params() - plain.count_params() == extra


@on("torch")
@pytest.mark.parametrize("sides", [(34, 34), (100, 100), (64, 16), (3, 3), (34, 32)])
def test_impossible_sides_are_refused(sides):
    with pytest.raises(ValueError, match=f"`image_shape` must .* 4 to 15; got {sides[0]} and"):
        began((*sides, 3))


@on("torch")
def test_the_data_format_is_read():
    keras.config.set_image_data_format("channels_first")
    try:
        for networks in (began((3, 32, 48), filters=2, skips=True), dcgan_autoencoder((1, 32, 32))):
            generator, discriminator = networks
            assert generator.output_shape == discriminator.input_shape
        assert generator.output_shape == (None, 1, 32, 32)
    finally:
        keras.config.set_image_data_format("channels_last")


@on("torch")
def test_a_residual_vanishes_in_equal_steps():
    layer = VanishingResidual(steps=4)
    assert layer.trainable_variables == []  # no optimizer may change the carry
    inputs, outputs = np.full((2, 3), 8.0, "float32"), np.zeros((2, 3), "float32")
    for step in range(6):
        expected = 8.0 * max(1 - step / 4, 0)
        np.testing.assert_allclose(numpy(layer(inputs, outputs)), np.full((2, 3), expected))
        layer.advance()


@on("torch")
def test_a_network_of_vanishing_residuals_starts_as_the_identity_between_scales():
    """With carry 1 the repeated convolutions do nothing, however many there are."""
    random.seed(0)
    generator, _ = began((8, 8, 1), filters=2, latent_dim=3, vanishing_residuals=True, repeats=3)
    z = np.ones((1, 3), "float32")
    before = numpy(generator(z))
    for layer in [x for x in generator.layers if isinstance(x, keras.layers.Conv2D)][:-1]:
        layer.set_weights([np.zeros_like(w) for w in layer.get_weights()])
    np.testing.assert_allclose(numpy(generator(z)), before, rtol=1e-6)


def test_the_carry_advances_once_a_training_step_and_is_saved(tmp_path):
    networks = began((8, 8, 1), filters=2, vanishing_residuals=True, carry_steps=10)
    gan = keras_egan.BEGAN(*networks, d_steps=2)
    gan.compile("sgd", "sgd")
    gan.fit(uint8_images(48), batch_size=16, verbose=0)
    gan.save(tmp_path / "gan.keras")
    loaded = keras.models.load_model(tmp_path / "gan.keras")
    for model in (gan.generator, gan.discriminator.decoder, loaded.generator):
        carries = [float(x.carry) for x in model.layers if isinstance(x, VanishingResidual)]
        assert carries == pytest.approx([0.7] * len(carries), abs=1e-6)
        assert carries
    gan.fit(uint8_images(160), batch_size=16, verbose=0)
    assert float(next(x for x in gan.generator.layers if hasattr(x, "carry")).carry) == 0.0


def test_batch_statistics_and_seeds_move_in_training_only():
    generator, discriminator = dcgan_autoencoder((8, 8, 1), filters=2, latent_dim=3)
    gan = keras_egan.BEGAN(generator, discriminator)
    gan.compile("sgd", "sgd")
    norms = [
        layer
        for model in (generator, discriminator.encoder, discriminator.decoder)
        for layer in model.layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    assert len(norms) == 5
    start = [numpy(norm.moving_mean).copy() for norm in norms]
    seed = numpy(gan._training_state.seeds.state).copy()
    gan.evaluate(uint8_images(16), verbose=0)
    assert all(np.array_equal(a, numpy(b.moving_mean)) for a, b in zip(start, norms, strict=True))
    np.testing.assert_array_equal(seed, numpy(gan._training_state.seeds.state))
    gan.fit(uint8_images(16), verbose=0)
    assert not any(
        np.array_equal(a, numpy(b.moving_mean)) for a, b in zip(start, norms, strict=True)
    )
    assert not np.array_equal(seed, numpy(gan._training_state.seeds.state))


@on("torch")
def test_dcgan_stays_in_range_and_refuses_odd_sides():
    generator, discriminator = dcgan_autoencoder((8, 12, 3), filters=2, latent_dim=3)
    images = generator(np.random.default_rng(0).normal(size=(4, 3)).astype("float32"))
    assert tuple(images.shape) == (4, 8, 12, 3)
    assert np.abs(numpy(discriminator(images))).max() <= 1.0
    with pytest.raises(ValueError, match="sides divisible by 4; got 30 and 32"):
        dcgan_autoencoder((30, 32, 1))


@on("torch")
def test_steps_of_a_residual_must_be_positive():
    with pytest.raises(ValueError, match="`steps` must be above 0; got 0"):
        VanishingResidual(steps=0)


@on("torch")
def test_multi_layer_networks():
    generator, critic = mlp(dimensions=3, latent_dim=5, n_layers=2, units=7)
    # 5x7 + 7, 7x7 + 7, 7x3 + 3; and the same from 3 to 1.
    assert generator.count_params() == 42 + 56 + 24
    assert critic.count_params() == 28 + 56 + 8
    assert critic.output_shape == (None, 1)
    _, autoencoder = mlp(dimensions=3, n_layers=1, units=7, embedding_dim=2)
    assert autoencoder.encoder.output_shape == (None, 2)
    assert autoencoder(np.zeros((4, 3), "float32")).shape == (4, 3)


@on("torch")
def test_the_scale_of_multi_layer_networks():
    networks = {}
    for scale in (1.0, 3.0):
        random.seed(0)
        generator, autoencoder = mlp(units=7, embedding_dim=1, scale=scale)
        networks[scale] = generator, autoencoder, mlp(units=7, scale=scale)[1]
    points = np.random.default_rng(0).normal(size=(4, 2)).astype("float32")
    one, three = ([numpy(network(points)) for network in networks[s]] for s in (1.0, 3.0))
    thirds = [numpy(network(points / 3)) for network in networks[1.0]]
    np.testing.assert_allclose(three[0], 3 * one[0], rtol=1e-5)
    np.testing.assert_allclose(three[1], 3 * thirds[1], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(three[2], thirds[2], rtol=1e-4, atol=1e-6)
    with pytest.raises(ValueError, match="`scale` must be above 0; got 0"):
        mlp(scale=0)
