"""Hyper-parameters that change during training."""

import keras
import numpy as np
import pytest

import keras_egan
from keras_egan.callbacks import Backup, Schedule
from tests import interrupted
from tests.conftest import few, on
from tests.interrupted import Stateless
from tests.registry import CASES, tiny_networks, uint8_images, weights

# Margins are above all energies here on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:For a whole epoch every fake:UserWarning")


def build(run_eagerly=True):
    """Return an EBGAN that learns nothing, so that its metrics change with the margin alone."""
    gan = keras_egan.EBGAN(*tiny_networks(), margin=1.0, seed=1)
    gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0), run_eagerly=run_eagerly)
    return gan


def fit(gan, *callbacks, epochs=3):
    """Train for four steps per epoch."""
    seen = []
    keep = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(logs["d_loss"])
    )
    arguments = {"batch_size": 16, "epochs": epochs, "shuffle": False, "verbose": 0}
    gan.fit(uint8_images(64), callbacks=[*callbacks, keep], **arguments)
    return np.array(seen)


@pytest.mark.parametrize("run_eagerly", few([True, False], False))
@pytest.mark.parametrize("every", few([None, 1, 3], 3))
def test_a_margin_takes_effect_at_the_very_step(every, run_eagerly):
    """Above all energies, m + E(x) - E(G(z)) is linear in m, and nothing is learnt."""
    margins = 1000.0 * 0.5 ** np.arange(12)
    gan, asked = build(run_eagerly), []

    def function(step):
        asked.append(step)
        return margins[step]

    found = fit(gan, Schedule("margin", function, every))
    steps = {None: [0, 4, 8], 1: list(range(12)), 3: [0, 3, 6, 9]}[every]
    assert asked == steps
    assert float(gan.margin) == margins[steps[-1]]
    held = margins[[max(s for s in steps if s <= step) for step in range(12)]]
    clear = held > 50.0  # energies are about 10
    np.testing.assert_allclose(found[clear] - held[clear], 0.0, atol=10.0)
    assert clear.sum() >= 4


@on("torch")
def test_keras_schedules_are_functions_of_the_step():
    gan, seen = build(), []
    decay = keras.optimizers.schedules.ExponentialDecay(8.0, decay_steps=4, decay_rate=0.5)
    keep = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: seen.append(float(gan.margin))
    )
    fit(gan, Schedule("margin", decay), keep)
    assert seen == pytest.approx([8.0, 4.0, 2.0], rel=1e-6)


@on("torch")
def test_it_goes_on_with_the_steps_of_a_second_training():
    gan, asked = build(), []
    schedule = Schedule("margin", lambda step: asked.append(step) or 5.0)
    fit(gan, schedule, epochs=1)
    gan.margin = 1.0
    fit(gan, schedule, epochs=1)
    assert asked == [0, 4]
    assert float(gan.margin) == 5.0


@on("torch")
def test_within_an_epoch_it_goes_on_with_the_value_of_the_step():
    gan = build()
    gan.fit_state.epoch_start = 10
    schedule = Schedule("margin", float, every=4)
    schedule.set_model(gan)
    schedule.on_train_begin()
    schedule.on_epoch_begin(0)
    values = []
    for batch in range(5, 12):
        schedule.on_train_batch_begin(batch)
        values.append(float(gan.margin))
    assert values == [12, 16, 16, 16, 16, 20, 20]


class Sets(Stateless):
    """A user's own schedule."""

    def on_epoch_begin(self, epoch, logs=None):
        self.model.gamma = 0.35 + 0.1 * epoch


@on("torch")
@pytest.mark.parametrize("kind", ["Schedule", "a callback"])
def test_an_interrupted_training_goes_on_with_the_same_object(kind, tmp_path):
    """A notebook runs the same cell again."""

    def scheduled():
        if kind == "a callback":
            return Sets()
        return Schedule("gamma", lambda step: 0.9 / (1 + step / 10), every=1)

    whole, gan = interrupted.build(), interrupted.build()
    expected = interrupted.train(whole, scheduled())
    for at in (6, 11):
        interrupted.cut_off(tmp_path, at, scheduled(), gan=gan)
    assert float(gan.gamma) != 0.5
    assert interrupted.train(gan, scheduled(), Backup(tmp_path)) == expected
    assert all(map(np.array_equal, weights(whole), weights(gan)))


@on("torch")
def test_what_the_user_has_changed_since_is_another_training(tmp_path):
    gan = interrupted.build()
    interrupted.cut_off(tmp_path, 6, Sets(), gan=gan)
    gan.gamma = 0.8
    with pytest.raises(ValueError, match=r"`gamma` was 0\.5 and is 0\.8"):
        interrupted.train(gan, Sets(), Backup(tmp_path))


@on("torch")
@pytest.mark.parametrize("name", ["marginal", "latent_dim", "fit", "generator"])
def test_what_is_no_hyperparameter_is_refused_before_training(name):
    gan = build()
    message = f"EBGAN has no hyper-parameter '{name}' .* only 'margin', 'pt_weight'"
    with pytest.raises(ValueError, match=message):
        fit(gan, Schedule(name, float))
    assert int(gan.step) == 0


@on("torch")
def test_gans_name_their_own():
    with pytest.raises(ValueError, match="only 'gamma', 'lambda_k'"):
        CASES[0].build().fit(uint8_images(), verbose=0, callbacks=[Schedule("margin", float)])


@on("torch")
def test_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="`function` must take the number of training steps"):
        Schedule("margin", 0.5)
    with pytest.raises(ValueError, match=r"`every` must be a whole number, 1 or more; got 2\.5"):
        Schedule("margin", float, every=2.5)


@on("torch")
def test_values_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="finite numbers; got nan for step 4"):
        fit(build(), Schedule("margin", lambda step: float("nan") if step else 1.0))
