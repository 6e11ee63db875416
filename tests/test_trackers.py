"""A GAN with KerasTuner, Weights & Biases and MLflow: their own callbacks, and local stores.

The extra `nightly` brings wandb and MLflow, which are 27 packages.
"""

import ast
import json
import random
import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_egan
from keras_egan.callbacks import EvaluateSamples
from keras_egan.metrics import FrechetDistance
from tests.conftest import on
from tests.registry import CASES, EAGERLY, IMAGE_SHAPE, float_images, uint8_images

HELD_OUT = uint8_images(20, seed=9)


def distance():
    random.seed(2)
    layers = [keras.Input(IMAGE_SHAPE), keras.layers.Flatten(), keras.layers.Dense(3)]
    return FrechetDistance(keras.Sequential(layers))


def evaluate():
    return EvaluateSamples(HELD_OUT, [distance()], samples=100)


@pytest.mark.filterwarnings("ignore:.*(currentThread|getName):DeprecationWarning")  # KerasTuner's
def test_keras_tuner_finds_the_rate_of_the_smallest_distance(tmp_path):
    """Each trial must be the training that its settings give without a tuner."""
    keras_tuner = pytest.importorskip("keras_tuner")
    rates = [1e-3, 1e-2]
    how = {"batch_size": 10, "epochs": 2, "verbose": 0}

    def build(rate):
        return CASES[0].build(lambda: keras.optimizers.Adam(rate), **EAGERLY, generator_average=0.9)

    tuner = keras_tuner.RandomSearch(
        lambda hp: build(hp.Choice("rate", rates)),
        objective=keras_tuner.Objective("frechet_distance", "min"),
        max_trials=2,
        directory=tmp_path,
    )
    callback = evaluate()
    tuner.search(uint8_images(20), **how, callbacks=[callback])
    expected = {}
    for rate in rates:
        history = build(rate).fit(uint8_images(20), **how, callbacks=[evaluate()])
        expected[rate] = min(history.history["frechet_distance"])
    found = {
        trial.hyperparameters.get("rate"): trial.score for trial in tuner.oracle.get_best_trials(2)
    }
    assert found == pytest.approx(expected, rel=1e-6)
    assert expected[1e-3] != pytest.approx(expected[1e-2], rel=1e-2)
    best = min(expected, key=expected.get)
    assert tuner.get_best_hyperparameters()[0].get("rate") == best
    by_hand = distance()
    by_hand.update_real(HELD_OUT)
    by_hand.update_state(tuner.get_best_models()[0].sample(100, seed=0))
    assert by_hand.result() == pytest.approx(expected[best], rel=1e-4)
    assert callback.metrics[0].real.count == 0  # the trials had copies


def train(*callbacks):
    """Return a GAN of 6 steps in 3 epochs, and its history; the generator's rate decays."""
    gan = CASES[0].build()
    halved = keras.optimizers.schedules.ExponentialDecay(0.4, decay_steps=2, decay_rate=0.5)
    gan.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(halved), **EAGERLY)
    history = gan.fit(
        uint8_images(20),
        validation_data=float_images(10),
        batch_size=10,
        epochs=3,
        verbose=0,
        callbacks=[evaluate(), *callbacks],
    )
    assert {"d_loss", "val_d_loss", "k_t", "frechet_distance"} <= history.history.keys()
    return gan, history.history


@pytest.fixture
def wandb(tmp_path, monkeypatch):
    """Make wandb write into the test's folder only, and end its process afterwards."""
    module = pytest.importorskip("wandb")
    for name in ("DIR", "DATA_DIR", "CACHE_DIR", "CONFIG_DIR"):
        monkeypatch.setenv(f"WANDB_{name}", str(tmp_path))
    for name, value in {
        "MODE": "offline",
        "SILENT": "true",
        "CONSOLE": "off",
        "ERROR_REPORTING": "false",
    }.items():
        monkeypatch.setenv(f"WANDB_{name}", value)
    monkeypatch.chdir(tmp_path)
    yield module
    module.teardown()


@pytest.fixture
def mlflow(tmp_path, monkeypatch):
    """Make MLflow write into the test's folder only."""
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    module = pytest.importorskip("mlflow")
    monkeypatch.chdir(tmp_path)
    yield module
    module.set_tracking_uri(None)


def records(run):
    """Return what wandb's own reader finds in the file of an offline run: lists by their type."""
    read = [sys.executable, "-m", "wandb", "leet", "inspect", "--json", run.settings.sync_file]
    found = {}
    for line in subprocess.run(read, capture_output=True, text=True, check=True).stdout.split("\n"):
        record = json.loads(line or '{"type": null}')
        found.setdefault(record["type"], []).append(record)
    return found


@pytest.mark.nightly
def test_weights_and_biases_gets_the_history(wandb, tmp_path):
    from wandb.integration.keras import WandbMetricsLogger, WandbModelCheckpoint

    with wandb.init(project="gans") as run:
        files = WandbModelCheckpoint(tmp_path / "{epoch}.keras")
        gan, history = train(WandbMetricsLogger(), files)
    found = records(run)
    rows = [record["history"]["item"] for record in found["history"]]
    logged = {name: [row[f"epoch/{name}"] for row in rows] for name in history}
    assert logged == history
    assert [row["epoch/epoch"] for row in rows] == [0, 1, 2]
    rates = [row["epoch/learning_rate"] for row in rows]
    assert rates == pytest.approx([0.2, 0.1, 0.05])
    assert len(found["artifact"]) == 3
    kept = keras_egan.load(tmp_path / "3.keras")
    np.testing.assert_array_equal(kept.sample(4, seed=1), gan.sample(4, seed=1))


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")  # MLflow's, of SQLAlchemy
def test_mlflow_gets_the_history(mlflow, tmp_path):
    import mlflow.keras as flavor

    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    with mlflow.start_run() as run:
        gan, history = train(flavor.MlflowCallback())
    client = mlflow.MlflowClient()
    for name, values in history.items():
        entries = client.get_metric_history(run.info.run_id, name)
        assert [(entry.step, entry.value) for entry in entries] == [*enumerate(values)], name
    parameters = client.get_run(run.info.run_id).data.params
    for side in ("d_optimizer", "g_optimizer"):
        config = keras.saving.serialize_keras_object(getattr(gan, side))
        assert ast.literal_eval(parameters[f"optimizer_{side}"])["config"] == config["config"]
    assert client.list_artifacts(run.info.run_id)[0].path == "model_summary.txt"


@on("torch")
@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy")
def test_the_guides_code_runs(wandb, mlflow, tmp_path):
    """The blocks of the guide marked `py`; others run without the extra `nightly`."""
    page = Path(__file__).parent.parent / "docs/guides/keras_tools.md"
    blocks = re.findall(r"^```py\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 2
    given = {"gan": CASES[0].build(), "images": uint8_images(20), "distance": evaluate()}
    exec("\n".join(blocks), given)
    assert (tmp_path / "run/02.keras").exists()
    assert mlflow.last_active_run().data.metrics["frechet_distance"] > 0
