"""Controllers whose gains fit any data: their recursions, and closed loops with a linear plant."""

import keras
import numpy as np
import pytest

import keras_egan
from keras_egan.gans import control
from tests.conftest import few, on
from tests.registry import CASES, EAGERLY, tiny_critic, tiny_networks, uint8_images

FLOOR, GAIN = 0.01, 4.0


class Settling:
    """Compute the rule of BEGAN's docstring in NumPy, with the averages written out."""

    def __init__(self, settle_steps):
        self.steps, self.energies, self.errors = settle_steps, [], [0.0]
        self.k_t = 0.0

    def average(self):
        steps = self.steps / 20
        mean = np.zeros(2)
        for before, pair in enumerate(self.energies):
            share = max(1 / (before + 1), 1 / steps)
            mean = mean + share * (np.array(pair) - mean)
        return mean

    def move(self, real, fake, gamma):
        self.energies.append((real, fake))
        real, fake = self.average()
        self.errors.append(1 - fake / (gamma * real))
        rise = self.errors[-1] - self.errors[-2]
        change = np.exp(4 * rise + 16 / self.steps * self.errors[-1])
        self.k_t = min(max((self.k_t + 0.01) * change - 0.01, 0.0), 1.0)


def settling(settle_steps=50, **arguments):
    gan = keras_egan.BEGAN(*tiny_networks(), settle_steps=settle_steps, seed=1, **arguments)
    gan.compile(keras.optimizers.Adam(3e-2), keras.optimizers.Adam(3e-2), **EAGERLY)
    return gan


def test_fit_moves_k_by_the_rule_and_logs_what_the_step_used():
    """Gamma changes in the middle, and the error jumps."""
    rows = []

    class Rows(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            rows.append({name: float(value) for name, value in logs.items()})

    gan, expected = settling(gamma=0.5), Settling(50)
    for gamma in (0.5, 0.9):
        gan.gamma = gamma
        gan.fit(uint8_images(40), batch_size=4, epochs=2, verbose=0, callbacks=[Rows()])
    for index, row in enumerate(rows):
        assert row["k_t"] == pytest.approx(expected.k_t, rel=1e-4, abs=1e-6)
        expected.move(row["real_energy"], row["fake_energy"], 0.5 if index < 20 else 0.9)
    assert float(gan.k_t) == pytest.approx(expected.k_t, rel=1e-4, abs=1e-6)


def controlled(gan, energies):
    """Yield k_t after each step, given its mean energies."""
    for step, (real, fake) in enumerate(energies):
        gan._training_state.step.assign(step)
        gan.control({"real_energy": numbers(real), "fake_energy": numbers(fake)})
        yield float(gan.k_t)


@on("torch")
def test_k_follows_the_rule_inside_its_clips():
    energies = np.random.default_rng(0).uniform([0.1, 0.06], [0.2, 0.14], (40, 2))
    expected, seen = Settling(50), []
    for found, (real, fake) in zip(controlled(settling(), energies), energies, strict=True):
        expected.move(real, fake, 0.5)
        assert found == pytest.approx(expected.k_t, rel=1e-4, abs=1e-6)
        seen.append(found)
    assert sum(0.0 < k_t < 1.0 for k_t in seen) > 10


@on("torch")
@pytest.mark.parametrize("scale", [1e-6, 1e3])
def test_the_unit_of_the_energy_does_not_matter(scale):
    energies = np.random.default_rng(0).uniform(0.05, 0.3, (60, 2))
    found = [[*controlled(settling(gamma=0.7), unit * energies)] for unit in (1.0, scale)]
    assert max(found[0]) > 0.05
    np.testing.assert_allclose(*found, rtol=1e-4, atol=1e-7)


def numbers(value):
    return keras.ops.convert_to_tensor(np.asarray(value, "float32"))


@on("torch")
def test_the_running_mean_is_of_all_values_and_then_exponential():
    values = np.random.default_rng(0).uniform(1, 3, 12)
    mean, means = 77.0, []  # whatever its initial value
    for before, value in enumerate(values):
        mean = float(control.running_mean(numbers(mean), numbers(value), before, 4.0))
        means.append(mean)
    np.testing.assert_allclose(means[:4], np.cumsum(values)[:4] / range(1, 5), rtol=1e-5)
    late = means[3]
    for value, found in zip(values[4:], means[4:], strict=True):
        late = 0.75 * late + 0.25 * value
        assert found == pytest.approx(late, rel=1e-5)


# Linear plants in a closed loop with the library's rule. Their input is ln(k_t + FLOOR).

STEPS, SETTLE = 1500, 200
T = SETTLE / 4
GAINS = np.float32([0.25, 0.5, 0.5, 1.0, 0.5, 0.3, 0.5])
LAGS = np.float32([40, 0, 40, 20, 20, 400, 20])
START = np.float32([0.3, -0.3, 0.3, -0.3, 0.02, 0.3, 0.3])
NOISE = np.float32([0, 0, 0, 0, 0, 0, 0.1])
HAND, SLOW, NOISY = 4, 5, 6


@pytest.fixture(scope="module")
def loops():
    """Return ln(r / gamma) of each plant, of shape `(STEPS, plants)`; each begins at rest."""
    rng, k_t, gamma = np.random.default_rng(0), np.full(len(GAINS), 0.2, "float32"), 0.7
    rest = START - GAINS * np.log(k_t + FLOOR)
    x, means = START, numbers(np.zeros((2, len(GAINS))))
    before, found = numbers(1 - np.exp(START)), []
    for step in range(STEPS):
        x = x + (rest + GAINS * np.log(k_t + FLOOR) - x) / (1 + LAGS)
        fakes = gamma * np.exp(x + NOISE * rng.normal(size=len(x)))
        energies = numbers(np.stack([np.ones_like(fakes), fakes]))
        means = control.running_mean(means, energies, step, SETTLE / 20)
        error = control.relative_error(means[0], means[1], gamma)
        k_t = control.settling_k(k_t, error, before, settle_steps=SETTLE)
        k_t, before = keras.ops.convert_to_numpy(k_t), error
        found.append(x)
    return np.array(found)


@on("torch")
@pytest.mark.parametrize("plant", range(4))
def test_a_loop_settles_in_about_settle_steps_and_does_not_overshoot(plant, loops):
    x = loops[:, plant] / START[plant]
    worked_out = 3 * T * (1 + 1 / (GAINS[plant] * GAIN))
    settled = np.flatnonzero(np.abs(x) > 0.05)[-1]
    assert 0.7 * worked_out < settled < 1.05 * worked_out
    assert x.min() > -0.01


@on("torch")
def test_the_pole_is_the_one_worked_out_by_hand(loops):
    """Compare the slow pole, with the lag of the averages and, as in the docstring, without."""
    gain, lag, late = GAINS[HAND] * GAIN, LAGS[HAND], loops[:, HAND]
    found = np.log(late[400] / late[250]) / 150
    averaged = np.polymul(np.polymul([lag, 1], [SETTLE / 20, 1]), [1, 0])
    whole = np.roots(np.polyadd(averaged, [gain, gain / T]))
    assert found == pytest.approx(whole.real.max(), rel=0.03)
    hand = np.roots([lag, 1 + gain, gain / T])
    assert found == pytest.approx(hand.max(), rel=0.1)


@on("torch")
def test_a_plant_that_is_too_slow_swings_and_settles(loops):
    x = loops[:, SLOW] / START[SLOW]
    assert -0.4 < x.min() < -0.05
    assert np.abs(x[1200:]).max() < 0.06


@on("torch")
def test_noise_leaves_the_mean_ratio_at_gamma(loops):
    x = loops[500:, NOISY]
    assert np.exp(x).mean() == pytest.approx(1.0, abs=0.01)
    assert x.std() < 0.03


@on("torch")
@pytest.mark.parametrize(("sign", "end"), [(1, 1.0), (-1, 0.0)])
def test_k_leaves_a_clip_at_once(sign, end):
    k_t, before = 0.3, 0.0
    for _ in range(200):
        k_t = control.settling_k(k_t, sign * 0.5, before, settle_steps=200)
        before = sign * 0.5
    assert float(k_t) == end
    k_t = control.settling_k(k_t, sign * 0.4, before, settle_steps=200)
    assert abs(float(k_t) - end) > 2e-3  # although the error has not changed its sign
    once = control.settling_k(end, -sign * 0.05, 0.0, settle_steps=200)
    assert abs(float(once) - end) > 2e-3


@on("torch")
def test_an_energy_of_0_is_survived():
    assert float(control.relative_error(numbers(0), numbers(0), 0.5)) == 1.0
    error = control.relative_error(numbers(0), numbers(0.3), 0.5)
    assert float(control.settling_k(0.4, error, 0.0, settle_steps=200)) == 0.0


@on("torch")
@pytest.mark.parametrize("value", [0, 49, 100.0, True, "auto"])
def test_settle_steps_that_are_none_are_refused(value):
    with pytest.raises(ValueError, match="`settle_steps` must be a whole number, 50 or more; got"):
        settling(value)


# Margins that follow the data


@pytest.mark.filterwarnings("ignore:For a whole epoch:UserWarning")
@pytest.mark.parametrize("name", few(["ebgan_auto", "ls_gan_auto"], "ebgan_auto"))
def test_an_automatic_margin_is_a_mean_of_the_steps_before(name):
    """They are fewer than the 100 steps of the average, and the first step has none before it."""
    rows = []

    class Rows(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            rows.append({name: float(value) for name, value in logs.items()})

    gan = next(case for case in CASES if case.name == name).build()
    gan.fit(uint8_images(40), batch_size=4, epochs=2, verbose=0, callbacks=[Rows()])
    margin, each = {
        "ebgan_auto": ("margin", lambda row: 1.15 * row["real_energy"]),
        "ls_gan_auto": ("delta_weight", lambda row: 1 / row["delta"]),
    }[name]
    assert rows[0][margin] == 0.0
    for index, row in enumerate(rows[1:], 1):
        assert row[margin] == pytest.approx(np.mean([*map(each, rows[:index])]), rel=1e-5)
    assert float(getattr(gan, margin)) == pytest.approx(np.mean([*map(each, rows)]), rel=1e-5)
    if name == "ebgan_auto":
        assert rows[0]["d_loss"] == rows[0]["real_energy"]
        assert rows[-1]["d_loss"] > rows[-1]["real_energy"]


@on("torch")
@pytest.mark.parametrize("name", ["ebgan_auto", "ls_gan_auto"])
def test_an_automatic_margin_follows_the_last_100_steps_up_and_down(name):
    gan = next(case for case in CASES if case.name == name).build()
    values = np.concatenate([np.linspace(1, 3, 150), np.linspace(3, 0.5, 150)])
    means, mean = [], 0.0
    for step, value in enumerate(values):
        gan._training_state.step.assign(step)
        gan.control({"real_energy": numbers(value), "delta": numbers(value)})
        found = 1.15 * value if name == "ebgan_auto" else 1 / value
        mean += max(1 / (step + 1), 1 / 100) * (found - mean)
        means.append(mean)
        assert float(gan.margin if name == "ebgan_auto" else gan.delta_weight) == pytest.approx(
            mean, rel=1e-4
        )
    assert min(means) < means[-1] < max(means)
    gan.control({"real_energy": numbers(0.0), "delta": numbers(0.0)})
    assert np.isfinite(float(getattr(gan, "delta_weight", 0.0)))


@on("torch")
def test_an_automatic_margin_is_not_set_by_hand():
    networks = tiny_networks()
    gan = keras_egan.EBGAN(*networks, margin="auto")
    assert gan.get_config()["margin"] == "auto"
    with pytest.raises(ValueError, match=r"`margin` is 'auto', so that the GAN sets it; got 3\.0"):
        gan.margin = 3.0
    gan = keras_egan.EBGAN(*networks, margin=3.0)
    for value in ("auto", "Auto"):
        with pytest.raises(ValueError, match=r"be above 0; got .*Or make the GAN with 'auto'"):
            gan.margin = value
    assert gan.get_config()["margin"] == float(gan.margin) == 3.0


@on("torch")
def test_a_critic_has_no_automatic_margin():
    with pytest.raises(
        ValueError, match="`margin='auto'` needs an auto-encoder; got energy='output'"
    ):
        keras_egan.EBGAN(tiny_networks()[0], tiny_critic(), margin="auto", energy="output")


@on("torch")
def test_where_an_automatic_margin_does_not_help_the_rates_are_named():
    gan = keras_egan.EBGAN(*tiny_networks(), margin="auto")
    energies = {"real_energy": 2.0, "fake_energy": 3.0, "margin": 2.3}
    for inside, rate in ((0.0, "discriminator"), (1.0, "generator")):
        (said,) = gan.findings({**energies, "fakes_inside_margin": inside}).values()
        assert said.endswith(f"lower the {rate}'s learning rate.")
    assert gan.findings({**energies, "fakes_inside_margin": 0.5}) == {}
