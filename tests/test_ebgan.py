"""EBGAN's own algorithm."""

import random
import re
import warnings

import keras
import numpy as np
import pytest

import keras_egan
from keras_egan.training.batch import BatchShard
from tests.registry import EAGERLY, float_images, tiny_critic, tiny_networks, uint8_images, weights


def ebgan(networks=None, **arguments):
    random.seed(0)
    networks = networks or tiny_networks()
    gan = keras_egan.EBGAN(*networks, **{"margin": 1.5, "seed": 1, **arguments})
    gan.compile("sgd", "sgd", **EAGERLY)
    return gan


@pytest.mark.parametrize("pt_weight", [0.0, 0.3])
def test_a_step_reports_the_losses_of_the_paper(pt_weight):
    """With the learning rates at 0, evaluation's figures follow from what the networks give."""
    gan = ebgan(pt_weight=pt_weight, margin=1.6)
    images = float_images(12)
    figures = gan.evaluate(images, batch_size=12, verbose=0, return_dict=True)

    gan.reset_metrics()
    latents = gan.draw_latents(BatchShard(12, 0, 12), gan.progress.evaluation)
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
    with pytest.raises(Exception, match="needs batches of at least 2 images"):
        gan.fit(uint8_images(5), batch_size=4, verbose=0)  # the last batch
    ebgan().fit(uint8_images(5), batch_size=4, verbose=0)


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


def test_a_margin_on_the_right_scale_brings_no_warning():
    history = ebgan().fit(uint8_images(), batch_size=16, verbose=0).history  # warnings are errors
    assert 0 < history["fakes_inside_margin"][0] < 1


@pytest.mark.filterwarnings("ignore:For a whole epoch:UserWarning")
def test_the_pulling_away_term_spreads_the_embeddings():
    found = {}
    for pt_weight in (0.0, 20.0):
        gan = ebgan(pt_weight=pt_weight)
        gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.Adam(3e-2))
        found[pt_weight] = gan.fit(float_images(64), batch_size=16, epochs=25, verbose=0).history
    assert found[20.0]["pt"][-1] < 0.8 * found[0.0]["pt"][-1]


def test_a_critic_takes_no_pulling_away_term():
    networks = tiny_networks()[0], tiny_critic()
    with pytest.raises(ValueError, match="`pt_weight` needs the discriminator's embedding"):
        ebgan(networks, energy="output", pt_weight=0.1)
    gan = ebgan(networks, energy="output", margin=1.0)
    assert "pt" not in gan.running_means.figures
    images = float_images(3)
    expected = keras.ops.convert_to_numpy(gan.discriminator(images))[:, 0]
    np.testing.assert_allclose(gan.energy(images), expected, rtol=1e-6)
    with pytest.raises(ValueError, match=r"must be a critic.*returns \(8, 8, 1\)"):
        ebgan(energy="output")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"margin": 0.0}, "`margin` must be above 0; got 0.0"),
        ({"pt_weight": -0.1}, "`pt_weight` must be 0 or more; got -0.1"),
        ({"energy": "l3"}, "`energy` must be 'output', 'cross_entropy' or one of mae.*; got 'l3'"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        ebgan(**arguments)
