"""The state of callbacks in a backup."""

import json

import keras
import numpy as np
import pytest

from keras_egan.callbacks import Backup, SampleGrid
from keras_egan.callbacks.callback_state import get_states, set_states, without_state
from tests.conftest import on
from tests.interrupted import Stateless, build, cut_off, train

pytestmark = on("torch")


class Keeps(keras.callbacks.Callback):
    def __init__(self, state):
        super().__init__()
        self.state = state

    def get_state(self):
        return self.state

    def set_state(self, state):
        self.state = state


class Counts(keras.callbacks.Callback):
    """Has no methods for its state."""


def restored(state, times=1):
    states, arrays = get_states([Keeps(state)])
    states = json.loads(json.dumps(states))
    callback = Keeps(None)
    for _ in range(times):
        set_states([callback], states, arrays)
    return callback.state


def test_what_a_state_may_be():
    state = {
        "number": 0.1,
        "none": None,
        "flags": [True, False, [1, "a", {}]],
        "array": "not one",
        "nested": {"dict": {"array": np.arange(6, dtype="float16").reshape(2, 3)}},
        "infinite": float("inf"),
        "numpy": np.float32(0.1),
        "pair": (1, np.array([True])),
        "empty": np.zeros((0, 3)),
    }
    found = restored(state)
    assert found.keys() == state.keys()
    for name in ("number", "none", "flags", "array", "infinite"):
        assert found[name] == state[name], name
    assert found["numpy"] == np.float32(0.1)
    assert (found["numpy"].shape, found["numpy"].dtype) == ((), "float32")
    array = found["nested"]["dict"]["array"]
    np.testing.assert_array_equal(array, state["nested"]["dict"]["array"])
    assert array.dtype == "float16"
    assert found["pair"][0] == 1
    assert found["pair"][1].dtype == bool
    assert found["empty"].shape == (0, 3)
    assert np.isnan(restored([np.nan])[0])


def test_a_state_is_the_callbacks_own():
    """`fit` may set the same state twice, and the callback changes its own in between."""
    states, arrays = get_states([Keeps({"list": [1], "array": np.ones(2)})])
    callback = Keeps(None)
    for _ in range(2):
        set_states([callback], states, arrays)
        assert callback.state["list"] == [1]
        assert callback.state["array"].tolist() == [1.0, 1.0]
        callback.state["list"].append(2)
        callback.state["array"][:] = 5


@pytest.mark.parametrize(
    ("state", "where"),
    [
        ({"a": [0, object()]}, "at 'a/1'"),
        ({"a": {1: 2}}, r"got \{1: 2\} at 'a'"),
        ({"a": np.array(["x"])}, "at 'a'"),
        (open, "got <built-in function open>"),
    ],
)
def test_what_it_may_not_be(state, where):
    with pytest.raises(ValueError, match=f"`get_state` of Keeps must return numbers, .*{where}"):
        get_states([Keeps(state)])


def test_callbacks_of_one_class_are_told_apart():
    states, arrays = get_states([Keeps(1), Keeps(2)])
    callbacks = [Keeps(None), keras.callbacks.History(), Keeps(None)]
    set_states(callbacks, states, arrays)
    assert [callback.state for callback in callbacks[::2]] == [1, 2]


def test_a_class_that_says_nothing_is_named_once(tmp_path):
    unknown = keras.callbacks.LambdaCallback(), SampleGrid(tmp_path), Stateless()
    assert without_state([Counts(), Counts(), *unknown, Keeps(0)]) == ["Counts"]
    with pytest.warns(UserWarning, match="^Counts has no `get_state`") as said:
        train(build(), Counts(), Counts(), Backup(tmp_path / "b"), epochs=2)
    assert len([w for w in said if "get_state" in str(w.message)]) == 1
    train(build(), Counts(), epochs=1)  # without backups there is nothing to say


def test_a_callback_of_a_users_own_goes_on(tmp_path):
    class Steps(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.steps = []

        def on_train_batch_end(self, batch, logs=None):
            self.steps.append(self.model.fit_state.step)

        def get_state(self):
            return self.steps

        def set_state(self, state):
            self.steps = state

    for at in (3, 6, 8):
        cut_off(tmp_path, at, Steps())
    steps = Steps()
    train(build(), steps, Backup(tmp_path))
    assert steps.steps == list(range(1, 17))
