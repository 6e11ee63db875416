"""Two sets of images compared by all metrics at once, and the standard errors."""

import json

import keras
import numpy as np
import pytest

from keras_egan import datasets, metrics
from keras_egan.metrics import (
    DensityCoverage,
    FrechetDistance,
    InceptionScore,
    KernelDistance,
    PrecisionRecall,
    compare,
)
from tests.conftest import on
from tests.features import extractor, images, measure, rng

pytestmark = on("torch")


def features(n, mean=0.0, deviation=1.0, seed=0, size=3):
    return mean + deviation * rng(seed).normal(size=(n, size))


def test_its_figures_are_those_of_the_metrics():
    real, fake = features(70), features(50, 0.3, 1.2, seed=1)
    result = compare(real, fake, resamples=0)
    expected = {"frechet_distance": measure(FrechetDistance(), fake, real)}
    expected["kernel_distance"] = measure(KernelDistance(), fake, real)["kernel_distance"]
    expected |= measure(PrecisionRecall(), fake, real)
    expected |= measure(DensityCoverage(), fake, real)
    assert {name: figure.value for name, figure in result.figures.items()} == expected
    assert np.isnan([figure.error for figure in result.figures.values()]).all()


def test_images_are_rounded_and_pass_in_batches():
    real, fake = images(60), images(48, seed=1)
    network = extractor()
    classifier = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "softmax")])
    result = compare(real, fake, network, classifier, resamples=0)
    floats = fake / np.float32(127.5) - 1.0
    floats += rng().uniform(-0.49, 0.49, fake.shape).astype("float32") / 127.5
    form = {"image_size": 4, "batch_size": 7, "shuffle": False}
    others = compare(
        datasets.load(real, **form),
        (floats.clip(-1, 1)[start : start + 13] for start in range(0, 48, 13)),
        network,
        classifier,
        resamples=0,
    )
    assert others.protocol == result.protocol
    for name, figure in result.figures.items():
        assert others.figures[name].value == pytest.approx(figure.value, rel=1e-4)
    score = InceptionScore(keras.Sequential([network, classifier]))
    found = result.figures["inception_score"].value
    assert found == pytest.approx(measure(score, fake), rel=1e-5)


def test_the_protocol_says_what_was_compared():
    network = extractor()
    result = compare(images(60), images(48, seed=1), network, resamples=2)
    protocol = result.protocol
    assert protocol["extractor"].startswith(f"{network.name}, weights ")
    assert protocol["features"] == 4
    assert (protocol["real_count"], protocol["generated_count"]) == (60, 48)
    assert protocol["real_shape"] == protocol["generated_shape"] == (4, 4, 1)
    assert protocol["resize"] == "as the extractor does"
    read = json.loads(json.dumps(result.as_dict()))
    assert read["figures"]["density"] == result.figures["density"]._asdict()
    assert read["protocol"]["generated_count"] == 48
    without = compare(images(60), images(48), network, resamples=0).as_dict()
    assert without["figures"]["density"]["error"] is None
    assert "frechet_distance" in str(result)
    assert "generated_count         48" in str(result)
    network.layers[-1].kernel.assign(2 * network.layers[-1].kernel)
    other = compare(images(60), images(48, seed=1), network, resamples=0)
    assert other.protocol["extractor"] != protocol["extractor"]
    with pytest.raises(ValueError, match=r"`real` has features of .*, but `extractor` is"):
        compare(result.real, images(48), network)


def test_an_error_is_the_spread_over_other_samples():
    """The spread of 30 pairs of sets is known to 13 %. Errors of precision are too large."""
    results = []
    for seed in range(30):
        real, fake = (
            features(300, seed=2 * seed, size=8),
            features(300, 0.3, seed=2 * seed + 1, size=8),
        )
        results.append(compare(real, fake).figures)
    for name in results[0]:
        spread = np.std([figures[name].value for figures in results], ddof=1)
        error = np.sqrt(np.mean([figures[name].error ** 2 for figures in results]))
        assert 0.75 < error / spread < (1.6 if name in ("precision", "recall") else 1.35), name


def test_a_difference_of_two_generators_is_paired():
    """The second generator's samples are the first's, shifted, so both have the same errors."""
    real, fake, moved = features(300), features(300, 0.5, seed=1), np.array([0.1, 0.0, 0.0])
    one = compare(real, fake, metrics=[FrechetDistance()])
    other = compare(one.real, fake + moved, metrics=[FrechetDistance()])
    (figure,) = other.minus(one).values()
    shift = fake.mean(axis=0) - real.mean(axis=0)
    expected = np.square(shift + moved).sum() - np.square(shift).sum()
    assert figure.value == pytest.approx(expected, abs=1e-9)
    # It is 0.2 * shift + 0.01, so its error is 0.2 times that of the first mean.
    assert figure.error == pytest.approx(0.2 * np.sqrt(2 / 300), rel=0.25)
    assert figure.error < one.figures["frechet_distance"].error / 3
    same = one.minus(one, resamples=3)["frechet_distance"]
    assert same == (0.0, 0.0)


def test_what_cannot_be_compared_is_refused():
    one = compare(features(50), features(40), resamples=0)
    for other, difference in (
        (compare(features(50), features(41), resamples=0), "generated_count"),
        (compare(features(50, seed=1), features(40), resamples=0), "real features"),
        (compare(features(50), features(40), metrics=[FrechetDistance()], resamples=0), "figures"),
    ):
        with pytest.raises(ValueError, match=f"these differ in {difference}"):
            one.minus(other)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"real": features(39)}, "`real` must hold 40 images or more; got 39"),
        ({"generated": features(40, size=2)}, "`real` has 3 features per image, `generated` 2"),
        ({"generated": images(40)}, "Pass images only with an `extractor`"),
        ({"resamples": 1}, "`resamples` must be 2 or more, or 0"),
        ({"metrics": [metrics.ClassAccuracy()]}, "`metrics` must be metrics without labels"),
    ],
)
def test_bad_input_gets_one_clear_error(arguments, message):
    given = {"real": features(40), "generated": features(40), **arguments}
    with pytest.raises(ValueError, match=message):
        compare(**given)
