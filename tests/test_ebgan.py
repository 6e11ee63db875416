"""EBGAN's own algorithm."""

import random
import re
import warnings

import keras
import numpy as np
import pytest

import keras_egan
from keras_egan.training.batch import BatchShard
from tests.conftest import on
from tests.registry import EAGERLY, float_images, tiny_critic, tiny_networks, uint8_images, weights


def ebgan(networks=None, **arguments):
    random.seed(0)
    networks = networks or tiny_networks()
    gan = keras_egan.EBGAN(*networks, **{"margin": 1.5, "seed": 1, **arguments})
    gan.compile("sgd", "sgd", **EAGERLY)
    return gan


@pytest.mark.parametrize("pt_weight", [0.0, 0.3])
def test_a_step_reports_the_losses_of_the_paper(pt_weight):
    """With learning rates of 0, the metrics of `evaluate` follow from the networks' outputs."""
    gan = ebgan(pt_weight=pt_weight, margin=1.6)
    images = float_images(12)
    figures = gan.evaluate(images, batch_size=12, verbose=0, return_dict=True)

    gan.reset_metrics()
    latents = gan._draw_latents(BatchShard(12, 0, 12, seeds=gan._training_state.evaluation_seeds))
    fakes = keras.ops.convert_to_numpy(gan.generator(latents))
    real, fake = (
        np.sqrt(np.square(x - keras.ops.convert_to_numpy(gan.discriminator(x))).sum((1, 2, 3)))
        for x in (images, fakes)
    )
    embedding = keras.ops.convert_to_numpy(gan.discriminator.encoder(fakes)).astype("float64")
    cosines = embedding @ embedding.T / np.outer(*[np.linalg.norm(embedding, axis=1)] * 2)
    pt = (np.square(cosines).sum() - 12) / (12 * 11)
    expected = {
        "d_loss": real.mean() + np.maximum(1.6 - fake, 0.0).mean(),
        "g_loss": fake.mean() + pt_weight * pt,
        "pt": pt,
        "fakes_inside_margin": (fake < 1.6).mean(),
    }
    assert 0 < expected["fakes_inside_margin"] < 1
    for name, value in expected.items():
        assert figures[name] == pytest.approx(value, rel=1e-4), name


def test_a_batch_of_one_is_refused_with_a_pulling_away_term():
    gan = ebgan(pt_weight=0.1)
    before = weights(gan)
    with pytest.raises(Exception, match="needs batches of at least 2 images"):
        gan.fit(uint8_images(5), batch_size=1, verbose=0)
    for one, other in zip(before, weights(gan), strict=True):
        np.testing.assert_array_equal(one, other)
    for images in (uint8_images(5), keras_egan.datasets.load(uint8_images(5), batch_size=4)):
        with pytest.raises(ValueError, match=r"at least 2 images; got 1\. .*drop_remainder"):
            gan.fit(images, batch_size=4, verbose=0)  # the last batch, before training
    for one, other in zip(before, weights(gan), strict=True):
        np.testing.assert_array_equal(one, other)
    whole = keras_egan.datasets.load(uint8_images(5), batch_size=4, drop_remainder=True)
    gan.fit(whole, verbose=0)
    ebgan().fit(uint8_images(5), batch_size=4, verbose=0)


@on("torch")
@pytest.mark.parametrize(
    ("margin", "message"), [(1e-3, "no fake.* Raise `margin`"), (1e3, "every fake.* lower")]
)
def test_a_margin_on_the_wrong_scale_is_said_once(margin, message):
    gan = ebgan(margin=margin)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        history = gan.fit(uint8_images(), batch_size=16, epochs=3, verbose=0).history
    (said,) = [str(warning.message) for warning in seen if "margin" in str(warning.message)]
    assert re.search(message, said)
    assert history["fakes_inside_margin"] == [float(margin > 1)] * 3


@on("torch")
def test_a_margin_on_the_right_scale_brings_no_warning():
    history = ebgan().fit(uint8_images(), batch_size=16, verbose=0).history  # warnings are errors
    assert 0 < history["fakes_inside_margin"][0] < 1


@on("torch")
@pytest.mark.filterwarnings("ignore:For a whole epoch:UserWarning")
def test_the_pulling_away_term_spreads_the_embeddings():
    found = {}
    for pt_weight in (0.0, 20.0):
        gan = ebgan(pt_weight=pt_weight)
        gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.Adam(3e-2))
        found[pt_weight] = gan.fit(float_images(64), batch_size=16, epochs=25, verbose=0).history
    assert found[20.0]["pt"][-1] < 0.8 * found[0.0]["pt"][-1]


@on("torch")
def test_a_critic_takes_no_pulling_away_term():
    networks = tiny_networks()[0], tiny_critic()
    with pytest.raises(
        ValueError, match="`pt_weight` must be 0 for a `discriminator` without an encoder"
    ):
        ebgan(networks, energy="output", pt_weight=0.1)
    gan = ebgan(networks, energy="output", margin=1.0)
    assert "pt" not in gan._running_means.names
    images = float_images(3)
    expected = keras.ops.convert_to_numpy(gan.discriminator(images))[:, 0]
    np.testing.assert_allclose(gan.energy(images), expected, rtol=1e-6)
    with pytest.raises(ValueError, match=r"must be a critic.*returns \(8, 8, 1\)"):
        ebgan(energy="output")


@on("torch")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"margin": 0.0}, "`margin` must be above 0; got 0.0"),
        ({"pt_weight": -0.1}, "`pt_weight` must be 0 or more; got -0.1"),
        ({"energy": "l3"}, "`energy` must be one of mae, .*, output, cross_entropy; got 'l3'"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ebgan(**arguments)


def marks(count, ground):
    """Return images of `ground` with one mark each, which differ in place and texture."""
    rng = np.random.default_rng(0)
    images = np.full((count, 64, 64, 1), ground, "float32")
    for image in images:
        row, column = rng.integers(0, 52, 2)
        image[row : row + 12, column : column + 12] = rng.uniform(-1.0, 1.0, (12, 12, 1))
    return images


PULLED = {  # 0 inside the network, or else the part that all images share would dominate
    "convnet": ({"filters": 4}, -1.0),
    "dcgan_autoencoder": ({"filters": 4}, -1.0),
    "ebgan": ({"filters": 8}, 0.0),
    "ebgan_mlp": ({"size_d": 64}, 0.0),
    "ebgan_mlp of three layers": ({"size_d": 64, "n_layers_d": 3}, 0.0),
    "ebgan_small": ({"filters": 4}, 0.0),
}


@on("torch")
@pytest.mark.parametrize("name", PULLED)
def test_the_pulling_away_term_tells_copies_from_different_images(name):
    """In training mode, compare 32 copies of one image, with noise of 0.001, and 32 images."""
    make = getattr(keras_egan.networks, name.partition(" ")[0])
    arguments, ground = PULLED[name]
    gan = ebgan(make((64, 64, 1), **arguments), pt_weight=0.1)
    images = marks(32, ground)
    noise = np.random.default_rng(1).normal(0.0, 1e-3, images.shape)
    copies = (images[:1] + noise).astype("float32")
    terms = []
    for batch in (copies, images):
        with keras_egan.backend.no_grad():
            _, figures = gan.generator_loss(gan.score(batch, training=True))
        terms.append(float(keras.ops.mean(figures["pt"])))
    assert terms[0] > 0.98
    assert terms[1] < 0.4


@on("torch")
def test_the_pulling_away_term_of_a_users_own_auto_encoder():
    """No layer is named "embedding", or the halves are a user's own model."""
    generator, discriminator = tiny_networks()

    class Halves(keras.Model):
        def __init__(self):
            super().__init__()
            self.encoder, self.decoder = discriminator.encoder, discriminator.decoder

        def call(self, images, training=False):
            return self.decoder(self.encoder(images, training=training), training=training)

    images, terms = float_images(6), []
    for network in (discriminator, Halves()):
        gan = ebgan((generator, network), pt_weight=0.3)
        embedding, code = gan._embed(images, False)
        np.testing.assert_array_equal(
            *(keras.ops.convert_to_numpy(x) for x in (embedding, code)), strict=True
        )
        terms.append(gan.evaluate(images, verbose=0, return_dict=True)["pt"])
    assert terms[0] == pytest.approx(terms[1], rel=1e-5)


@on("torch")
def test_both_embeddings_are_those_of_one_pass():
    """Test before and after the normalisation, in both modes, and on a saved copy."""
    _, discriminator = keras_egan.networks.dcgan_autoencoder((8, 8, 1), filters=2)
    opened = type(discriminator).from_config(discriminator.get_config())
    opened.set_weights(discriminator.get_weights())
    images = float_images(16)
    for network in (discriminator, opened):
        before, after = (keras.ops.convert_to_numpy(x) for x in network.embed(images, True))
        expected = (before - before.mean(axis=0)) / np.sqrt(before.var(axis=0) + 1e-3)
        np.testing.assert_allclose(after, expected, atol=1e-4)
        moving = network.encoder.layers[-1].moving_mean
        np.testing.assert_allclose(
            keras.ops.convert_to_numpy(moving), 0.1 * before.mean(axis=0), rtol=1e-3, atol=1e-5
        )
        code = keras.ops.convert_to_numpy(network.encoder(images))
        np.testing.assert_allclose(keras.ops.convert_to_numpy(network.embed(images)[1]), code)
        assert len(network.weights) == len(network.encoder.weights + network.decoder.weights)
