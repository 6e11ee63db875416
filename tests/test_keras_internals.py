"""Contract tests of the internals of Keras that the package uses, all in one module.

A failure here says that Keras has changed under `keras_egan/backend/keras_internals.py`.
"""

import ast
import re
import time
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_egan.backend import keras_internals
from tests.conftest import on

PACKAGE = Path(__file__).parent.parent / "keras_egan"
INSIDE = {
    "_batches_seen_since_last_saving",
    "_flatten_layers",
    "_flush_futures",
    "_get_own_losses",
    "_global_test_batch",
    "_global_train_batch",
    "_last_batch_seen",
    "_trainable_variables",
    "_use_cached_eval_dataset",
    "keras.src.backend.",
    "seed_generator_state",
}
PYTHONS_OWN = {"_replace", "_asdict", "_fields"}  # of named tuples
is_private = re.compile(r"_[a-zA-Z]\w*").fullmatch


def own_names(trees):
    """Return every name that the package itself defines."""
    names = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                names.add(name)
            case ast.alias(name=name):
                names.add(name.rpartition(".")[2])
    return names


def foreign_names(tree, own):
    """Yield the private names that code uses, as attributes or in strings."""
    parts = {
        id(value)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for value in node.values
    }
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
                if is_private(name) and name not in own | PYTHONS_OWN:
                    yield name
            case ast.Constant(value=str(text)):
                if is_private(text) and text not in own and id(node) not in parts:
                    yield text
                if "keras.src" in text or text == "seed_generator_state":
                    yield text


PYODS = {("anomaly/_energy_detector.py", "_set_n_classes")}
"""What PyOD's guide tells a detector's `fit` to call."""


@on("torch")
def test_private_names_of_keras_are_used_in_one_place():
    """A private name that the package does not define belongs to Keras."""
    trees = {path: ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py")}
    own = own_names(trees.values())
    found = {
        (str(path.relative_to(PACKAGE)), name)
        for path, tree in trees.items()
        for name in foreign_names(tree, own)
    }
    assert found == {("backend/keras_internals.py", name) for name in INSIDE} | PYODS


@on("torch")
def test_the_rule_sees_what_it_should():
    code = """
class Own:
    def _mine(self):
        self._state, text = 1, f"{self}_model"
        return self._state, self._mine(), point._replace(x=1), text
layer._flatten_layers(); getattr(layer, "_layers"); fit(_hidden=1); "keras.src.layers"
"""
    tree = ast.parse(code)
    names = sorted(foreign_names(tree, own_names([tree])))
    assert names == ["_flatten_layers", "_hidden", "_layers", "keras.src.layers"]


class Holder(keras.layers.Layer):
    def __init__(self):
        super().__init__(name="holder")
        self.parts = [keras.layers.Dense(1, name="listed")]

    def call(self, inputs):
        return self.parts[0](inputs)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's trainer")
def test_keras_builds_by_the_method_that_built_takes_away():
    assert callable(keras.Model._maybe_symbolic_build)
    assert keras_internals.Built()._maybe_symbolic_build(iterator=None) is None


@pytest.mark.parametrize("scaled", [False, True])
def test_an_optimizer_knows_what_it_was_built_for(scaled):
    variables = [keras.Variable([0.0, 0.0]), keras.Variable([0.0])]
    optimizer = keras.optimizers.Adam()
    if scaled:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
    assert keras_internals.built_for(optimizer) == []
    optimizer.build(variables)
    found = keras_internals.built_for(optimizer)
    assert list(map(id, found)) == list(map(id, variables))


def test_flat_layers_finds_what_wrappers_and_layers_hold():
    inner = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="deep")], name="inner")
    wrapper = keras.layers.SpectralNormalization(keras.layers.Dense(2, name="wrapped"), name="wrap")
    model = keras.Sequential([keras.Input((2,)), inner, wrapper, Holder()])
    names = {layer.name for layer in keras_internals.flat_layers(model)}
    assert names >= {"inner", "deep", "wrap", "wrapped", "holder", "listed"}
    assert "wrapped" not in {layer.name for layer in model.layers}


def test_call_losses_are_those_of_the_last_call_without_the_weights_own():
    layer = keras.layers.Dense(
        1, kernel_regularizer="l2", activity_regularizer=keras.regularizers.L2(1.0)
    )
    model = keras.Sequential([keras.Input((2,)), layer])
    for factor in (5.0, 1.0):
        output = keras.ops.convert_to_numpy(model(factor * np.ones((1, 2), "float32")))
    (loss,) = map(keras.ops.convert_to_numpy, keras_internals.call_losses([layer]))
    assert loss == pytest.approx(float((output**2).sum()), rel=1e-5)
    assert len(model.losses) == 2  # the public attribute has it too


def test_seed_states_are_all_that_random_layers_draw_from():
    model = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dropout(0.5, seed=7), keras.layers.Dense(1)]
    )
    (state,) = keras_internals.seed_states(model)
    before = np.array(keras.ops.convert_to_numpy(state))
    model(np.ones((1, 2), "float32"), training=True)
    assert not np.array_equal(before, keras.ops.convert_to_numpy(state))


def test_counts_of_steps_are_those_that_keras_moves(tmp_path):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    checkpoint = keras.callbacks.ModelCheckpoint(tmp_path / "a.keras", save_freq=10)
    board = keras.callbacks.TensorBoard(tmp_path)
    for callback, names in (
        (checkpoint, keras_internals.CHECKPOINT_COUNTS),
        (board, keras_internals.TENSORBOARD_COUNTS),
    ):
        callback.set_model(model)
        assert {*names} <= {*vars(callback)}
    for batch in range(3):
        checkpoint.on_train_batch_end(batch)
        board.on_train_batch_begin(batch)
    board.on_test_batch_begin(0)
    counts = [
        [vars(c)[n] for n in names]
        for c, names in (
            (checkpoint, keras_internals.CHECKPOINT_COUNTS),
            (board, keras_internals.TENSORBOARD_COUNTS),
        )
    ]
    assert counts == [[3, 2], [3, 1]]


def test_finish_dispatched_waits_for_all_threads():
    class Slow(keras.callbacks.Callback):
        async_safe = True

        def on_train_batch_end(self, batch, logs=None):
            time.sleep(0.02)
            heard.append(batch)

    heard = []
    callbacks = keras.callbacks.CallbackList([Slow()])
    callbacks.on_train_begin()
    for batch in range(5):
        callbacks.on_train_batch_end(batch, {})
    keras_internals.finish_dispatched(callbacks)
    assert sorted(heard) == list(range(5))
    callbacks.on_train_end()


def test_evaluation_from_within_fit_is_told_from_the_users():
    asked = []

    class Model(keras.Sequential):
        def evaluate(self, *args, **kwargs):
            asked.append(keras_internals.from_within_fit(kwargs))
            return super().evaluate(*args, **kwargs)

    model, x = Model([keras.Input((2,)), keras.layers.Dense(1)]), np.zeros((2, 2), "float32")
    model.compile("sgd", "mse", run_eagerly=keras.backend.backend() == "tensorflow")
    model.fit(x, x[:, :1], validation_data=(x, x[:, :1]), epochs=2, verbose=0)
    model.evaluate(x, x[:, :1], verbose=0)
    assert asked == [True, True, False]


def test_files_can_be_written_to_memory(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    whole = tmp_path / "model.keras"
    whole.write_bytes(keras_internals.written(model.save, ".keras"))
    with zipfile.ZipFile(whole) as archive:
        assert set(archive.namelist()) == {"config.json", "metadata.json", "model.weights.h5"}
    weights = keras_internals.written(model.save_weights, ".weights.h5")
    (tmp_path / "model.weights.h5").write_bytes(weights)
    loaded = keras.models.load_model(whole)
    loaded.layers[0].kernel.assign(np.zeros((2, 2)))
    loaded.load_weights(tmp_path / "model.weights.h5")
    for one, other in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_portable_names_the_public_class_of_an_optimizer():
    config = keras.saving.serialize_keras_object(keras.optimizers.Adam(1e-3))
    private = config["module"].startswith("keras.src.backend.torch")
    assert private == (keras.backend.backend() == "torch")
    config = keras_internals.portable({"inner": config})["inner"]
    assert (config["module"], config["class_name"]) == ("keras.optimizers", "Adam")
    assert isinstance(keras.saving.deserialize_keras_object(config), keras.optimizers.Adam)
