"""Metrics that are not finite end the training."""

import keras
import numpy as np
import pytest

from keras_egan.callbacks import TerminateOnNaN
from keras_egan.callbacks._terminate_on_nan import watching_all_logs
from tests.conftest import on
from tests.registry import CASES, EAGERLY, float_images, uint8_images


class Break(keras.callbacks.Callback):
    """Make the generator's samples NaN from the third step on."""

    def on_train_batch_begin(self, batch, logs=None):
        if batch == 2:
            self.model.generator.layers[-2].bias.assign(np.full(64, np.nan))


def fit(*callbacks):
    gan = CASES[0].build(**EAGERLY)
    history = gan.fit(
        uint8_images(40), batch_size=4, epochs=3, verbose=0, callbacks=list(callbacks)
    )
    return gan, history.history


def test_training_ends_and_says_why(capsys):
    gan, history = fit(TerminateOnNaN(), Break())
    assert len(history["d_loss"]) == 1
    assert int(gan.step) == 3
    out = capsys.readouterr().out
    assert "After step 3, " in out
    assert "d_loss is nan" in out
    assert out.endswith(": training ends.\n")
    assert out.count("After step") == 1


@on("torch")
def test_training_ends_with_an_error():
    with pytest.raises(RuntimeError, match=r"After step \d+, .*g_loss is nan.*: training ends"):
        fit(TerminateOnNaN(raise_error=True), Break())


def test_images_that_are_nan_in_the_last_batch_end_it_with_a_warning(capsys):
    """Without the callback they are an error."""
    images = float_images(40)
    images[39] = np.nan
    gan = CASES[0].build(**EAGERLY)
    arguments = {"batch_size": 4, "epochs": 3, "shuffle": False, "verbose": 0}
    batches = [images[i : i + 4] for i in range(0, 40, 4)]
    with pytest.warns(UserWarning, match="1 images were NaN"):
        history = gan.fit(batches, callbacks=[TerminateOnNaN()], **arguments).history
    assert len(history["d_loss"]) == 1
    assert "After step 10, " in capsys.readouterr().out
    with pytest.raises(ValueError, match="1 images were NaN"):
        CASES[0].build(**EAGERLY).fit(batches, **arguments)


@on("torch")
def test_finite_figures_are_let_through():
    callback = TerminateOnNaN()
    _, history = fit(callback)
    assert len(history["d_loss"]) == 3
    # Another training with the same callback, after the first has ended.
    fit(callback, Break())
    assert len(fit(callback)[1]["d_loss"]) == 3


@on("torch")
def test_infinity_in_any_figure_counts_and_the_first_step_is_named(capsys):
    gan, callback = CASES[0].build(**EAGERLY), TerminateOnNaN()
    gan.fit_state.step = 11
    gan.stop_training = False
    callback.set_model(gan)
    callback.on_train_begin()
    callback.on_train_batch_end(0, {"d_loss": 1.0, "m_global": -float("inf")})
    assert gan.stop_training
    callback.on_train_batch_end(1, {"d_loss": float("nan"), "m_global": float("inf")})
    assert capsys.readouterr().out == "After step 11, m_global is -inf: training ends.\n"


@on("torch")
def test_it_stands_in_for_keras_own():
    class Own(keras.callbacks.TerminateOnNaN):
        pass

    given = [
        keras.callbacks.TerminateOnNaN(),
        keras.callbacks.TerminateOnNaN(raise_error=True),
        Own(),
        keras.callbacks.History(),
        TerminateOnNaN(),
    ]
    found = watching_all_logs(given)
    assert [type(callback) for callback in found[:2]] == [TerminateOnNaN] * 2
    assert [callback.raise_error for callback in found[:2]] == [False, True]
    assert found[2:] == given[2:]
