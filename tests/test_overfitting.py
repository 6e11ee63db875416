"""The overfitting of a discriminator, and the probability of augmentation that follows it."""

import keras
import numpy as np
import pytest

import keras_egan
from keras_egan import callbacks, energies
from keras_egan.gans import control
from tests.conftest import on
from tests.interrupted import Stop
from tests.registry import (
    CASES,
    CONDITIONAL,
    EAGERLY,
    float_images,
    given,
    labels_for,
    state,
    tiny_networks,
    uint8_images,
    weights,
)

pytestmark = pytest.mark.filterwarnings("ignore:For a whole epoch:UserWarning")

BATCH, HELD = 4, 11
IMAGES = uint8_images(12)
BLACK_AND_WHITE = np.uint8(255) * (uint8_images(HELD, seed=5) > 127)  # of more energy
EVERY = {case.name: case for case in [*CASES, *CONDITIONAL]}


class Following:
    """Compute the rule in NumPy, with the averages written out."""

    def __init__(self, critic):
        self.critic, self.looks, self.p, self.r = critic, [], 0.0, 0.0

    def look(self, real, held_out, fake):
        self.looks.append((real, held_out, fake))
        mean = np.zeros(3)
        for before, found in enumerate(self.looks):
            mean = mean + max(1 / (before + 1), 1 / 10) * (np.array(found) - mean)
        real, held_out, fake = mean
        scale, target = (fake - real, 0.8) if self.critic else (held_out, 0.1)
        self.r = float(np.clip((held_out - real) / scale, -1, 1)) if scale > 0 else 0.0
        error = min(max(self.r / target - 1, -1), 1)
        self.p = min(max(self.p + 4 / 500 * error, 0.0), 1.0)


def unchosen(n):
    """Return numbers of `draw` that augment no image below a probability of 1."""
    ones = keras.ops.ones((n,))
    return {"chosen": ones, "translation": keras.ops.zeros((n, 2))}


def following(name="began", optimizer=lambda: keras.optimizers.Adam(1e-2), **arguments):
    return EVERY[name].build(optimizer, **{"augment": "auto", **EAGERLY, **arguments})


def fit(gan, held_out=BLACK_AND_WHITE, images=IMAGES, *others, **arguments):
    """Train for three steps per epoch."""
    arguments = {"batch_size": BATCH, "epochs": 5, "verbose": 0, **arguments}
    arguments["validation_data"] = None if held_out is None else given(gan, held_out)
    return gan.fit(given(gan, images), callbacks=[*others], **arguments).history


class Watch(keras.callbacks.Callback):
    """Follow the rule beside a training; energies are those of the weights before a step."""

    def __init__(self, following, held_out):
        super().__init__()
        self.following, self.held_out, self.seen = following, held_out, []

    def on_train_batch_begin(self, batch, logs=None):
        gan, step = self.model, self.model.fit_state.step
        self.energy = None
        if step % 4 == 0:
            index = np.arange(step, step + BATCH) % HELD
            labels = labels_for(gan, self.held_out)
            labels = labels and np.array(labels)[index]
            self.energy = gan.energy(self.held_out[index], labels=labels).mean()

    def on_train_batch_end(self, batch, logs=None):
        known = self.following
        self.seen.append((known.r, known.p))
        found = float(logs["overfitting"]), float(logs["augment_probability"])
        assert found == pytest.approx(self.seen[-1], rel=1e-3, abs=2e-5)
        if self.energy is not None:
            known.look(float(logs["real_energy"]), self.energy, float(logs["fake_energy"]))


@pytest.mark.parametrize(
    ("name", "updates"),
    [
        ("began", "alternating"),
        pytest.param("began", "one_pass", marks=on("jax")),
        *(
            pytest.param(name, "simultaneous", marks=on("torch"))
            for name in ("lsgan", "relativistic", "ebgan_auto", "began_classes", "cls_gan")
        ),
    ],
)
def test_the_probability_follows_the_rule(name, updates):
    """Call `fit` twice, the second time with other held-out images."""
    gan = following(name, updates=updates)
    gan.augment.draw = unchosen
    known = Following(critic=gan.energy_name == "output")
    for held_out in (BLACK_AND_WHITE, uint8_images(HELD, seed=6)):
        fit(gan, held_out, IMAGES, Watch(known, held_out), epochs=3)
    assert float(gan.augment.probability) == pytest.approx(known.p, abs=1e-5)
    if name.startswith("began"):
        assert known.p > 0.01


@on("torch")
@pytest.mark.parametrize("name", ["began", "lsgan"])
def test_averages_are_of_looks_and_then_exponential(name):
    """Energies are given; those of steps without held-out images do not count."""
    gan = following(name)
    known, steps = Following(name == "lsgan"), np.random.default_rng(0).uniform(1, 2, (160, 3))
    steps += np.stack([np.zeros(160), np.linspace(1.5, 0.8, 160), np.ones(160)], axis=1)
    for step, found in enumerate(steps):
        gan._training_state.step.assign(step)
        real, held_out, fake = map(keras.ops.convert_to_tensor, found.astype("float32"))
        gan._overfitting.control({"real_energy": real, "fake_energy": fake}, held_out)
        if step % 4 == 0:
            known.look(*found)
        logs = {name: float(value) for name, value in gan._overfitting.indicators().items()}
        expected = {"overfitting": known.r, "augment_probability": known.p}
        assert logs == pytest.approx(expected, rel=1e-4, abs=1e-6)
    assert known.p > 0.0


@on("torch")
def test_overfitting_by_hand():
    def r(*found):
        return float(energies.overfitting(*found))

    for name in ("mae", "norm", "cross_entropy"):
        assert r(name, 0.05, 0.1, 0.05) == pytest.approx(0.5)  # whatever the fakes' energy
        assert r(name, 0.1, 0.1, 0.5) == 0.0
        assert r(name, 0.0, 0.1, 0.5) == 1.0
        assert r(name, 0.1, 0.08, 0.5) == pytest.approx(-0.25)
        assert r(name, 1.0, 0.1, 0.5) == -1.0
        assert r(name, 0.0, 0.0, 0.5) == 0.0
    assert r("output", -3.0, -1.0, 5.0) == pytest.approx(0.25)
    assert r("output", -3.0, 5.0, 5.0) == 1.0
    assert r("output", -3.0, 9.0, 5.0) == 1.0
    assert r("output", -3.0, -5.0, 5.0) == pytest.approx(-0.25)
    assert r("output", -3.0, -1.0, -3.5) == 0.0  # fakes pass for data
    assert r("output", -3.0, -1.0, -3.0) == 0.0


@on("torch")
@pytest.mark.parametrize(
    ("p", "r", "expected"),
    [
        (0.3, 0.2, 0.3),
        (0.3, 0.3, 0.304),
        (0.3, 0.1, 0.296),
        (0.3, 0.4, 0.308),
        (0.3, 1.0, 0.308),  # no faster
        (0.3, -1.0, 0.292),
        (0.001, 0.0, 0.0),
        (0.999, 0.5, 1.0),
    ],
)
def test_a_move_by_hand(p, r, expected):
    assert float(control.followed(p, r, target=0.2, steps=4)) == pytest.approx(expected, abs=1e-6)


@on("torch")
def test_a_loop_holds_the_overfitting_at_its_target():
    """One plant answers with a lag of 200 steps; two others p cannot hold."""
    for start, gain, expected in ((0.6, 0.8, 0.2), (0.9, 0.3, 0.6), (0.1, 0.5, 0.1)):
        p, r = 0.0, start
        for _ in range(1000):
            r += (start - gain * p - r) * 4 / 200
            p = float(control.followed(p, r, target=0.2, steps=4))
        assert r == pytest.approx(expected, abs=2e-3)
        assert 0.0 <= p <= 1.0


def critic():
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Flatten(),
            layers.Dense(8),
            layers.BatchNormalization(),
            layers.Dropout(0.5, seed=3),
            layers.Dense(1),
        ]
    )


def test_held_out_images_change_nothing_but_the_probability():
    """It changes neither averages of batch normalisation nor seeds."""
    found = []
    for kind in (None, "auto"):
        keras.utils.set_random_seed(0)
        gan = keras_egan.LeastSquaresGAN(tiny_networks()[0], critic(), augment=kind, seed=1)
        gan.compile(keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.01))
        if kind:
            gan.augment.draw = unchosen
        fit(gan)
        found.append(weights(gan.generator) + weights(gan.discriminator))
    for plain, watched in zip(*found, strict=True):
        np.testing.assert_allclose(watched, plain, rtol=1e-5, atol=1e-7)


def test_it_resumes_and_loads_bit_for_bit(tmp_path):
    whole = following()
    history = fit(whole, epochs=8)
    assert float(whole.augment.probability) > 0.01
    resumed = following()
    backup = callbacks.Backup(tmp_path / "b", every=1)
    with pytest.raises(KeyboardInterrupt):
        fit(following(), BLACK_AND_WHITE, IMAGES, backup, Stop(14), epochs=8)
    fit(resumed, BLACK_AND_WHITE, IMAGES, backup, epochs=8)
    gan = following()
    fit(gan, epochs=4)
    gan.save(tmp_path / "gan.keras")
    gan = keras_egan.load(tmp_path / "gan.keras")
    fit(gan, epochs=4)
    for other in (resumed, gan):
        for one, two in zip(state(whole), state(other), strict=True):
            np.testing.assert_array_equal(one, two)
    assert history["augment_probability"][-1] > history["augment_probability"][0] >= 0


@on("torch")
def test_a_step_that_is_not_finite_leaves_the_probability():
    gan = following()
    fit(gan)
    before = float(gan.augment.probability)
    gan._training_state.step.assign(16)  # in which held-out images are due
    gan.discriminator.trainable_variables[0].assign(np.full((64, 8), np.nan))
    gan.train_on_batch(IMAGES)
    assert float(gan.augment.probability) == before > 0.0


@on("torch")
def test_a_split_holds_out_the_last_images():
    images = np.concatenate([IMAGES, BLACK_AND_WHITE])
    gan = following()
    gan.fit(images, batch_size=BATCH, epochs=5, verbose=0, validation_split=HELD / len(images))
    np.testing.assert_array_equal(gan._overfitting.held["images"], BLACK_AND_WHITE)
    expected = following()
    fit(expected)
    assert float(gan.augment.probability) == float(expected.augment.probability) > 0.0


@on("torch")
def test_by_default_shifts_are_automatic():
    gan = following()
    config = gan.augment.get_config()
    assert (config["policy"], config["probability"]) == ("translation", "auto")
    gan.train_on_batch(IMAGES)  # without held-out images
    assert float(gan.augment.probability) == 0.0
    assert "overfitting" not in EVERY["began"].build(augment="translation").get_metrics_result()


@on("torch")
def test_what_cannot_be_held_out_is_refused():
    gan = following()
    for held_out, what in ((None, "None"), (iter([float_images(4)]), "a list_iterator")):
        message = f"`augment='auto'` needs held-out images, .* got {what}"
        with pytest.raises(ValueError, match=message):
            fit(gan, held_out, validation_steps=1)
    late = np.concatenate([float_images(40), np.full((1, 8, 8, 1), np.nan, "float32")])
    with pytest.raises(ValueError, match="`validation_data` must be finite"):
        fit(gan, list(np.split(late, [20])))
    assert int(gan.step) == 0


@pytest.mark.filterwarnings("ignore:Since step:UserWarning")
@on("torch")
@pytest.mark.parametrize("name", ["began", "began_classes", "ebgan_classes", "cls_gan"])
@pytest.mark.parametrize("kind", [None, "auto"])
def test_a_discriminator_that_memorised_its_images_is_a_finding(name, kind):
    """It comes from the diagnosis's own held-out images, or from the logs of `augment="auto"`."""
    gray, names = 0.01 * float_images(12), []
    for held_out in (BLACK_AND_WHITE, 0.01 * float_images(12, seed=1)):
        gan = following(name, augment=kind)
        unseen = None if kind else given(gan, held_out)
        diagnosis = callbacks.Diagnosis(given(gan, gray), patience=1, held_out=unseen)
        fit(gan, held_out, gray, diagnosis, epochs=2)
        names.append([finding["name"] for finding in diagnosis.findings])
    if name != "cls_gan":
        assert "memorised images" in names[0]
    assert "memorised images" not in names[1]
