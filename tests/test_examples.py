"""Every example, run briefly on the current backend."""

import importlib.util
import re
import runpy
import sys
from pathlib import Path

import keras
import numpy as np
import onnxruntime
import pytest
from PIL import Image

import keras_egan  # registers the classes in the files
from keras_egan import presets
from keras_egan.extras import command
from tests import registry
from tests.conftest import on

ROOT = Path(__file__).parent.parent
NORMAL = ("ebgan", "magan")  # their papers draw latents from N(0, 1)
EXAMPLES = ["began", "conditional", "ebgan", "least_squares_gan", "loss_sensitive_gan", "magan"]
WHERE = [pytest.param(name, marks=() if name == "began" else on("tensorflow")) for name in EXAMPLES]
"""BEGAN's on each backend, the others where their SavedModel takes no other process."""


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Run an example in a folder of its own, in this process, which has imported Keras."""

    def run(example, *arguments):
        monkeypatch.setattr(sys, "argv", [example, *map(str, arguments)])
        runpy.run_path(str(ROOT / "examples" / f"{example}.py"), run_name="__main__")

    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(ROOT / "examples")
    return run


@pytest.mark.filterwarnings("ignore:For a whole epoch:UserWarning")
@pytest.mark.parametrize("example", WHERE)
def test_it_writes_everything_it_says(example, run, tmp_path):
    run(example, *("--epochs", 1, "--steps-per-epoch", 3, "--filters", 2, "--batch-size", 16))
    output = tmp_path / example
    assert (output / "samples" / "00000003.png").stat().st_size > 0
    assert (output / "samples" / "samples.gif").stat().st_size > 0
    assert len((output / "equilibrium.csv").read_text().splitlines()) == 4
    assert (output / "equilibrium.png").stat().st_size > 0
    gan = keras.models.load_model(output / f"{example}.keras")
    assert int(gan.step) == 3
    assert gan.latents == ("normal" if example in NORMAL else "uniform")
    import tensorflow as tf

    served = tf.saved_model.load(str(output / "generator"))
    z = np.random.default_rng(0).uniform(-1, 1, (3, gan.latent_dim)).astype("float32")
    inputs = [z, np.array([0, 9, 4], "int32")] if gan.num_classes else z
    with gan.averaged():
        expected = gan.predict(inputs, verbose=0)
    np.testing.assert_allclose(served.serve(inputs), expected, atol=1e-5)


@on("jax")
@pytest.mark.parametrize(
    ("given", "patience"),
    [("--patience 2", 2), ("--epochs 4", 4), ("--preset began/paper", None)],
)
def test_both_rates_are_halved_when_m_global_stalls(given, patience, run, monkeypatch):
    class BegunError(Exception):
        pass

    def begin(gan, images, callbacks, **arguments):
        raise BegunError(gan, callbacks)

    monkeypatch.setattr(keras_egan.BEGAN, "fit", begin)
    with pytest.raises(BegunError) as begun:
        run("began", "--filters", 2, *given.split())
    gan, callbacks = begun.value.args
    (plateau,) = (c for c in callbacks if isinstance(c, keras.callbacks.ReduceLROnPlateau))
    plateau.set_model(gan)
    plateau.on_train_begin()
    rates = []
    patience = patience or presets.get("began/paper").patience
    for epoch, m_global in enumerate([0.4, 0.3, 0.2] + [0.2] * patience):
        rates.append([float(optimizer.learning_rate) for optimizer in gan.optimizer.optimizers])
        plateau.on_epoch_end(epoch, {"m_global": m_global})
    np.testing.assert_allclose(np.ptp(rates, axis=0), 0.0)
    now = [float(optimizer.learning_rate) for optimizer in gan.optimizer.optimizers]
    np.testing.assert_allclose(now, np.array(rates[0]) / 2, rtol=1e-6)


@on("torch")
@pytest.mark.parametrize(
    ("given", "preset", "dataset"),
    [
        ("", "began/digits", "digits"),
        ("--dataset mnist", "began/mnist", "mnist"),
        ("--dataset celeba64", "began/celeba64", "celeba64"),
        ("--dataset some/folder", "began/paper", "some/folder"),
        ("--paper", "began/paper", "digits"),
        ("--preset began/fashion", "began/fashion", "fashion_mnist"),
        ("--preset began/celeba64 --dataset some/folder", "began/celeba64", "some/folder"),
        ("--preset ebgan/paper", "ebgan/paper", "digits"),
    ],
)
def test_the_preset_and_the_dataset_are_chosen_by_each_other(
    given, preset, dataset, monkeypatch, tmp_path
):
    monkeypatch.syspath_prepend(ROOT / "examples")
    monkeypatch.setattr(sys, "argv", ["began", *given.split()])
    import common

    found = common.parse(common.flags("", "began"))
    assert (found.preset, found.dataset) == (preset, dataset)
    assert found.image_size == presets.get(preset).image_shape[0]
    assert found.epochs == presets.get(preset).epochs


@on("torch")
def test_the_mixture_example_draws_and_counts(run, tmp_path, capsys):
    run("mixture_of_gaussians", *("--mixture", "ring", "--steps", 10, "--every", 5))
    assert (tmp_path / "mixture" / "00000010.png").stat().st_size > 0
    heads, _, figures = (tmp_path / "mixture" / "log.csv").read_text().splitlines()
    found = dict(zip(heads.split(","), figures.split(","), strict=True))
    assert f"Modes found: {found['modes']} of 8\n" in capsys.readouterr().out


@on("torch")
def test_the_anomaly_example_finds_digits(run, tmp_path, capsys):
    run("anomaly", *("--epochs", 3, "--normal", 0))
    printed = capsys.readouterr().out
    assert float(re.search(r"AUROC: ([\d.]+)", printed).group(1)) > 0.6
    assert (tmp_path / "anomaly" / "anomaly.png").stat().st_size > 0
    scorer = onnxruntime.InferenceSession(tmp_path / "anomaly" / "detector.onnx")
    assert [output.name for output in scorer.get_outputs()] == ["label", "map", "score"]


@on("tensorflow")
def test_the_anomaly_example_looks_through_folders(run, tmp_path, capsys):
    for name, count in (("good", 10), ("inspected", 4)):
        (tmp_path / name).mkdir()
        for index, image in enumerate(registry.uint8_images(count, (16, 16, 3))):
            Image.fromarray(image).save(tmp_path / name / f"{index}.png")
    folders = ("--dataset", "good", "--test", "inspected", "--image-size", 16)
    run("anomaly", *folders, *("--epochs", 1, "--false-alarm-rate", 0.4))
    assert re.search(r"Flagged: \d of 4\n", capsys.readouterr().out)
    assert (tmp_path / "anomaly" / "detector.keras").stat().st_size > 0


@on("torch")
def test_without_tensorflow_it_says_what_to_install(run, monkeypatch, tmp_path, capsys):
    import common

    find = importlib.util.find_spec
    monkeypatch.setattr(
        "importlib.util.find_spec", lambda n: None if n == "tensorflow" else find(n)
    )
    common.finish(registry.CASES[0].build(), tmp_path, "began")
    *_, last = capsys.readouterr().out.splitlines()
    assert last.startswith("Generator:   not exported. ")
    assert last.endswith(f"Install it with {command('tensorflow')}.")
    assert [path.name for path in tmp_path.iterdir()] == ["began.keras"]


@on("torch")
@pytest.mark.parametrize("example", EXAMPLES)
def test_help_names_the_flags(example, run, capsys):
    with pytest.raises(SystemExit):
        run(example, "--help")
    printed = capsys.readouterr().out
    for flag in ("--dataset", "--backend", "--epochs", "--image-size", "--filters", "--output"):
        assert flag in printed


@on("torch")
def test_tuning(run, capsys):
    pytest.importorskip("optuna")
    short = ("--trials", 3, "--epochs", 2, "--steps-per-epoch", 1)
    run("tune", *short, "--backend", keras.backend.backend())
    printed = capsys.readouterr().out
    assert "Trials: 3, " in printed
    assert re.search(r"Best:   \d+\.\d+ by \{'rate': .*, 'filters': (8|16), 'gamma': ", printed)


@on("torch")
def test_exploring(run, tmp_path, capsys):
    registry.CASES[0].build().save("tiny.keras")
    short = ("--images", 20, "--steps", 2, "--starts", 2)
    run("explore", "tiny.keras", *short, "--backend", keras.backend.backend())
    printed = capsys.readouterr().out
    assert "of 20 under 0.03" in printed
    assert "of 20 far away" in printed
    sizes = {}
    for path in (tmp_path / "explore").iterdir():
        with Image.open(path) as picture:
            sizes[path.name] = tuple(side // 8 for side in picture.size)
    assert sizes == {
        "between.png": (10, 8),
        "between.gif": (3, 3),
        "inversions.png": (10, 4),
        "between_real.png": (10, 8),
        "nearest.png": (9, 8),
    }
