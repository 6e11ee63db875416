"""The rules of the diagnosis, each on metrics that show the symptom and on others."""

import numpy as np
import pytest
from keras import ops

from keras_egan.callbacks._symptoms import Evidence, Look, symptoms
from tests.conftest import on

pytestmark = on("torch")

GOOD = Look(variance=0.2, nearest=5.0, pt=0.1, extreme=0.8, energy=0.1, spread=0.02)
BOTH = ("discriminator", "generator")


def names(fakes=None, data=None, steps=None, learning=BOTH, moved=None, own=None, **rest):
    steps = {name: np.array(values, float) for name, values in (steps or {}).items()}
    fakes, data = (GOOD._replace(**(changes or {})) for changes in (fakes, data))
    evidence = Evidence(
        steps, rest.pop("settings", {}), data, fakes, learning, moved or {}, own or {}, **rest
    )
    found = dict(symptoms(evidence))
    assert all(sentence.endswith(".") for sentence in found.values())
    return [*found]


def began(k_t, ratio, gamma=0.5):
    real = np.full(len(k_t), 0.2)
    steps = {"k_t": k_t, "real_energy": real, "fake_energy": ratio * real}
    return names(steps=steps, settings={"gamma": gamma})


def test_nothing_is_said_of_a_training_that_goes_well():
    assert names() == []
    assert began([0.1, 0.2, 0.15], 0.5) == []


@pytest.mark.parametrize(
    ("k_t", "ratio", "expected"),
    [
        ([0, 0, 0], 0.8, ["k_t at 0"]),
        ([0, 0, 0], 0.5, []),  # at an equilibrium without fakes
        ([0, 0, 0.1], 0.8, []),  # on its way
        ([1, 1, 1], 0.3, ["k_t at 1"]),
        ([1, 1, 1], 0.5, []),
        ([0, 1, 0], 0.5, ["k_t swings"]),
        ([0, 0.9, 0], 0.5, []),
        ([0.01, 0.02, 0.03], 0.3, ["k_t too slow"]),
        ([0.01, 0.02, 0.03], 0.45, []),
        ([0.03, 0.02, 0.01], 0.3, []),
    ],
)
def test_k_t(k_t, ratio, expected):
    assert began(k_t, ratio) == expected


@pytest.mark.parametrize(
    ("d_loss", "learning", "expected"),
    [(50.0, BOTH, ["margin"]), (51.0, BOTH, []), (50.0, ("discriminator",), []), (50.0, (), [])],
)
def test_a_margin_of_magan_that_no_fake_is_under(d_loss, learning, expected):
    """The loss is the energy of data plus the hinge, which is expected in pre-training."""
    figures = {"d_loss": d_loss, "real_energy": 50.0, "fake_energy": 90.0, "margin": 60.0}
    steps = {name: [value] for name, value in {**figures, "phase": 2.0}.items()}
    assert names(steps=steps, learning=learning) == expected


@pytest.mark.parametrize(
    ("fakes", "expected"),
    [
        ({"variance": 0.019}, ["alike"]),
        ({"variance": 0.021}, []),
        ({"nearest": 0.7}, ["alike"]),
        ({"nearest": 0.8}, []),
        ({"pt": 0.96}, ["alike"]),
        ({"pt": 0.9}, []),
        ({"pt": np.nan}, []),
        ({"extreme": 0.99}, ["saturated"]),
        ({"extreme": 0.95}, []),
    ],
)
def test_samples(fakes, expected):
    assert names(fakes) == expected
    assert names(fakes, learning=("discriminator",)) == []


def test_embeddings_that_are_as_alike_on_data_are_no_symptom():
    assert names({"pt": 0.99}, {"pt": 0.9}) == []


@pytest.mark.parametrize("network", BOTH)
def test_a_network_that_stands_still(network):
    assert names(moved={network: 0.0}) == [f"dead {network}"]
    assert names(moved={network: 1e-5}) == []
    assert names(moved={network: 0.0}, learning=()) == []


def test_a_discriminator_with_one_energy_for_all():
    same = {"energy": 3.0, "spread": 1e-5}
    assert names(same, same) == ["blind discriminator"]
    assert names(same, {**same, "energy": 3.1}) == []


def test_one_class_and_what_the_gan_says_itself():
    assert names(classes=(0.95, 1)) == ["one class"]
    assert names(classes=(0.85, 1)) == []
    assert names(own={"margin": "Raise it."}) == ["margin"]


@pytest.mark.parametrize("spread", [1.0, 30.0])
def test_far_is_the_middle_of_the_distances_to_the_nearest(spread):
    """Return points in pairs at a distance of 1, or of `spread` for a fifth of the pairs."""
    starts = 1000.0 * np.arange(10)
    ends = starts + np.where(np.arange(10) < 2, spread, 1.0)
    points = np.concatenate([starts, ends]).reshape(20, 1).astype("float32")
    assert Look.at(points, np.zeros(20), None).nearest == pytest.approx(1.0)


def test_a_look_at_images():
    rng = np.random.default_rng(0)
    images = rng.uniform(-1, 1, (5, 2, 2, 1)).astype("float32")
    images[0, 0] = -1
    embedding = rng.normal(size=(5, 3)).astype("float32")
    energies = rng.uniform(size=5)
    look = Look.at(images, energies, ops.convert_to_tensor(embedding))
    pairs = np.linalg.norm((images[:, None] - images[None]).reshape(5, 5, -1), axis=2)
    pairs[np.diag_indices(5)] = np.inf
    units = embedding / np.linalg.norm(embedding, axis=1, keepdims=True)
    cosines = np.square(units @ units.T)[~np.eye(5, dtype=bool)]
    assert look.variance == pytest.approx(images.var(axis=0).mean(), rel=1e-5)
    assert look.nearest == pytest.approx(np.median(pairs.min(axis=1)), rel=1e-5)
    assert look.pt == pytest.approx(cosines.mean(), rel=1e-4)
    assert look.extreme == pytest.approx((np.abs(images) > 0.99).mean())
    assert (look.energy, look.spread) == pytest.approx((energies.mean(), energies.std()))
    assert np.isnan(Look.at(images, energies, None).pt)
    assert Look.at(images.reshape(5, 4), energies, None).extreme == 0


@pytest.mark.parametrize(
    ("overfitting", "learning", "expected"),
    [
        (0.61, BOTH, ["memorised images"]),
        (0.59, BOTH, []),
        (0.9, ("generator",), []),
    ],
)
def test_a_discriminator_that_has_memorised_its_images(overfitting, learning, expected):
    assert names(overfitting=overfitting, learning=learning) == expected
