"""Every benchmark runs to its end, on data that is made up: what it says is no matter here."""

import importlib
import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.conftest import on

ROOT = Path(__file__).parent.parent / "benchmarks"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:For a whole epoch:UserWarning"),
]


def once(test):
    return pytest.mark.nightly(on("tensorflow")(test))


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(ROOT)
    yield
    for path in ROOT.glob("*.py"):
        sys.modules.pop(path.stem, None)


def run(monkeypatch, capsys, name, *arguments):
    """Runs a benchmark's script, and returns what it printed."""
    monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
    runpy.run_path(str(ROOT / f"{name}.py"), run_name="__main__")
    return capsys.readouterr().out


def made_up(n, side=28, channels=1, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, side, side, channels), dtype="uint8"), rng.integers(0, 10, n)


@pytest.fixture
def digits(monkeypatch):
    """A few made-up digits in place of MNIST's, and a classifier of them that may be bad."""
    classifiers = importlib.import_module("classifiers")
    monkeypatch.setattr(
        classifiers, "load", lambda dataset, split, data_dir=None: made_up(160, seed=len(split))
    )
    monkeypatch.setattr(classifiers, "LEAST", {"mnist": 0.0, "fashion_mnist": 0.0})
    monkeypatch.setattr(classifiers.classifier, "__defaults__", (None, Path("classifiers")))


@pytest.mark.parametrize(
    ("gan", "network", "settings"),
    [
        pytest.param(
            "began", "began", '{"filters": 1}', marks=[on("tensorflow"), pytest.mark.nightly]
        ),
        pytest.param(
            "ebgan",
            "dcgan_autoencoder",
            '{"filters": 1}',
            marks=[on("jax"), pytest.mark.nightly],
        ),
        pytest.param("least_squares", "mlp", '{"units": 4}', marks=on("torch")),
    ],
)
def test_step_time(gan, network, settings, monkeypatch, capsys):
    flags = ("--gan", gan, "--network", network, "--network-settings", settings)
    turns = ("--rounds", 1, "--steps", 3, "--batch-size", 4, "--callbacks", "--half")
    row = json.loads(run(monkeypatch, capsys, "step_time", *flags, *turns).splitlines()[-1])
    assert row["backend"] == keras.backend.backend()
    assert row["native"]["to_native"] == 1.0
    for name in ("fit", "one_pass", "fit_half"):
        assert row[name]["to_native"] == pytest.approx(row[name]["ms"] / row["native"]["ms"], 1e-2)


@pytest.mark.parametrize(
    ("device", "checks", "expected"),
    [
        pytest.param(
            "cpu",
            ["default fit", "on the device", "BEGAN-CS", "NaN", "used", "waits"],
            "passed",
            marks=[on("jax"), pytest.mark.nightly],
        ),
        pytest.param(
            "simulated",
            ["on the device", "EBGAN", "waits"],
            "passed",
            marks=[on("torch"), pytest.mark.nightly],
        ),
        pytest.param("gpu", ["seen"], "FAILED", marks=on("torch")),  # where there is none
    ],
)
def test_gpu_check(device, checks, expected, tmp_path):
    command = [sys.executable, str(ROOT / "gpu_check.py"), "--device", device, "--only", *checks]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "PYTHONPATH": str(ROOT.parent)}
    process = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert process.returncode == (expected == "FAILED"), process.stderr[-3000:]
    rows = [line.strip("| ").split(" | ") for line in process.stdout.splitlines() if "|" in line]
    assert [name for name, *_ in rows[2:]] == checks
    results = {name: result for name, result, *_ in rows[2:]}
    if device == "cpu":
        assert results.pop("waits") == "not applicable"
    assert set(results.values()) == {expected}
    if device == "simulated":
        assert re.search(r"[1-9][0-9.]* to", process.stdout)  # a batch a step, at least


@on("torch")
@pytest.mark.parametrize("source", ["folder", "array"])
def test_data(source, monkeypatch, capsys):
    row = json.loads(run(monkeypatch, capsys, "data", source, "--images", 192, "--rounds", 1))
    better = max(row.get("DataLoader", 0), row["tf.data"])
    assert row["load to better"] == pytest.approx(row["load"] / better, abs=2e-3)


@once
def test_growth(monkeypatch, capsys):
    row = json.loads(run(monkeypatch, capsys, "growth", "--steps", 40))
    assert len(row["MiB"]) > 20
    assert row["growth after the fifth reading"] == row["MiB"][-1] - row["MiB"][4]


@once
def test_start_up(monkeypatch, capsys):
    monkeypatch.setenv("KERAS_BACKEND", keras.backend.backend())
    row = json.loads(run(monkeypatch, capsys, "start_up", "--rounds", 1))
    assert row["until the first step is done"] > row["keras"] > 0


def test_the_loops_by_hand_learn_what_fit_learns(monkeypatch):
    """From the same weights: not the same latents, but energies of the same size after a step."""
    loops = importlib.import_module("native_loops")
    import keras_egan
    from keras_egan import networks

    def build():
        keras.utils.set_random_seed(0)
        return networks.dcgan_autoencoder((8, 8, 1), filters=2, latent_dim=4, embedding_dim=4)

    images = np.random.default_rng(0).uniform(-1, 1, (64, 8, 8, 1)).astype("float32")
    step = loops.LOOPS[keras.backend.backend()](*build(), "began", 64, False)
    gan = keras_egan.BEGAN(*build(), gamma=loops.GAMMA, lambda_k=loops.LAMBDA_K, seed=0)
    gan.compile(keras.optimizers.Adam(loops.RATE), keras.optimizers.Adam(loops.RATE))
    for _ in range(3):
        real, fake = map(float, step(images))
        logs = gan.train_on_batch(images, return_dict=True)
    assert float(logs["real_energy"]) == pytest.approx(real, rel=0.01)
    assert float(logs["fake_energy"]) == pytest.approx(fake, rel=0.1)


@on("torch")
def test_flops(monkeypatch, capsys):
    said = run(monkeypatch, capsys, "flops", "--image-size", 8, "--filters", 1)
    assert "| convnet, 1, critic |" in said
    assert "| residual, 1 |" in said


@once
@pytest.mark.parametrize("gan", ["began/mnist", "least_squares/fashion", "real", "noise"])
def test_quality(gan, digits, monkeypatch, capsys):
    quality = importlib.import_module("quality")
    monkeypatch.setattr(quality, "SAMPLES", 80)
    small = '{"network_arguments": {"filters": 2}}'
    flags = ("--images", 1280, "--keep", 100, "--settings", small, "--augment", "translation")
    monkeypatch.setattr(sys, "argv", ["quality", "--gan", gan, *map(str, flags)])
    quality.main()
    row = json.loads(next(Path("quality").glob("*.json")).read_text())
    assert row["dataset"] == ("fashion_mnist" if gan.endswith("fashion") else "mnist")
    assert sum(row["shares"]) == pytest.approx(1.0, abs=1e-3)
    assert row["name"] in run(monkeypatch, capsys, "quality_table", "quality")
    if "/" in gan:
        assert row["kept"] == 100
        source = f"quality/{row['name']}_0/gan.keras"
        run(monkeypatch, capsys, "trained", "--file", source, "--output", "small.keras")
        monkeypatch.setattr(sys, "argv", ["quality", "--file", "small.keras"])
        quality.main()
        again = json.loads(Path("quality/small_0.json").read_text())
        assert np.allclose(again["shares"], row["shares"], atol=0.05)


@once
@pytest.mark.parametrize("data", ["grid", "mnist"])
def test_refine(data, digits, monkeypatch, capsys):
    flags = (data, "relativistic", "--steps", 2, "--samples", 8)
    *_, plain, _, _, _, refined = run(monkeypatch, capsys, "refine", *flags).splitlines()
    assert plain.startswith("| plain |")
    assert plain.endswith("| 0 |")
    assert refined.startswith("| refine 50 |")


@once
def test_gamma(monkeypatch, capsys):
    flags = ("--gammas", 0.5, 0.9, "--epochs", 1, "--filters", 1)
    said = run(monkeypatch, capsys, "gamma", *flags)
    assert [line.split(" | ")[0] for line in said.splitlines()[-2:]] == ["| 0.5", "| 0.9"]
    assert {path.name for path in Path("gamma").iterdir()} == {"0.5.png", "0.9.png"}


@once
def test_control(monkeypatch, capsys):
    flags = ("--steps", 4, "--filters", 1, "--batch-sizes", 16, "--d-steps", 2, "--lambda-k", 0.05)
    said = run(monkeypatch, capsys, "control", *flags)
    starts = [line.split(" | ")[:3] for line in said.splitlines()[-2:]]
    assert starts == [["| lambda_k 0.05", "16", "2"], ["| settle_steps 100", "16", "2"]]


@once
@pytest.mark.parametrize("what", ["--gan began", "--gan least_squares", "--measure gaussian"])
def test_faces(what, monkeypatch):
    faces = importlib.import_module("faces")
    for name, value in {"KEPT_BACK": 32, "SAMPLES": 32, "COMPONENTS": 10}.items():
        monkeypatch.setattr(faces, name, value)
    images = made_up(96, 64, 3)[0]
    monkeypatch.setattr(
        faces.datasets, "load", lambda *arguments, **_: [(images[:48],), (images[48:],)]
    )
    small = ("--network-settings", '{"filters": 1, "latent_dim": 4}')
    flags = ("--steps", "2", "--batch-size", "4")
    monkeypatch.setattr(sys, "argv", ["faces", *what.split(), *small, *flags])
    faces.main()
    row = json.loads(Path("faces/row.json").read_text())
    assert row["swd"] > 0
    if "--gan" in what:
        assert row["steps"] == 2
        assert Path("faces/samples/00000002.png").exists()


@once
def test_stacked_mnist(digits, monkeypatch, capsys):
    stacked = importlib.import_module("stacked_mnist")
    monkeypatch.setattr(stacked, "SAMPLES", 30)
    monkeypatch.setattr(stacked, "BLOCK", 20)
    flags = ("--gan", "began/mnist", "--epochs", "1", "--training-images", "128")
    monkeypatch.setattr(sys, "argv", ["stacked_mnist", *flags])
    stacked.main()
    said = capsys.readouterr().out
    assert 1 <= json.loads(said[said.index("{\n") :])["modes"] <= 30


@once
def test_mixtures(monkeypatch, capsys):
    flags = ("--gans", "least_squares", "--seeds", 1, "--steps", 4, "--every", 4)
    assert "| LSGAN | " in run(monkeypatch, capsys, "mixtures", *flags)


@once
def test_diagnosis(monkeypatch, capsys):
    diagnosis = importlib.import_module("diagnosis")
    monkeypatch.setattr(diagnosis, "EPOCHS", 6)
    monkeypatch.setattr(diagnosis, "STEPS", 2)
    monkeypatch.setattr(sys, "argv", ["diagnosis", "--only", "LSGAN's generator", "--seeds", "0"])
    diagnosis.main()
    printed = capsys.readouterr().out
    (row,) = json.loads(Path("diagnosis/findings.json").read_text())
    assert {"name": "dead generator", "step": 8}.items() <= row[2][-1].items()
    assert "| LSGAN's generator does not learn | dead generator | " in printed
    assert "Named before half of the run: 0 of 1 failures." in printed  # which took till step 8


@on("torch")
@pytest.mark.parametrize(
    ("expected", "step", "result"),
    [("alike, margin", 300, True), ("alike", 300, False), ("margin", 301, False)],
)
def test_what_counts_as_named(expected, step, result):
    diagnosis = importlib.import_module("diagnosis")
    assert diagnosis.named(expected, [{"name": "margin", "step": step}]) is result


@once
def test_anomaly(monkeypatch, capsys):
    classifiers = importlib.import_module("classifiers")
    made = {"train": made_up(200), "test": made_up(60, seed=1)}
    monkeypatch.setattr(classifiers, "load", lambda dataset, split, data_dir=None: made[split])
    small = ("--classes", 3, "--steps", 2, "--filters", 1, "--embedding", 2)
    said = run(monkeypatch, capsys, "anomaly", *small)
    assert len(said.splitlines()) == 8
    assert run(monkeypatch, capsys, "anomaly", *small) == ""  # the rows are there already
    table = run(monkeypatch, capsys, "anomaly", "--table")
    row = json.loads(Path("anomaly/mnist_began_3_0.json").read_text())
    assert f"| mnist | began | norm | {100 * row['auroc']['norm']:.1f} |" in table
    assert "| mnist | ocsvm | own | " in table


@once
def test_the_time_of_an_anomalys_score(monkeypatch, capsys):
    said = run(monkeypatch, capsys, "anomaly", "--time", "--filters", 1, "--images", 20)
    assert json.loads(said.splitlines()[-1]).keys() >= {"ONNX", "LiteRT", "SavedModel"}


@once
@pytest.mark.parametrize("flags", ["--labeled 20", "--labeled 20 --alone --augment=", ""])
def test_semi_supervised(flags, digits, monkeypatch, capsys):
    flags = [*flags.split(), "--images", 256, "--first", 128]
    run(monkeypatch, capsys, "semi_supervised", *flags)
    (path,) = Path("semi_supervised").glob("*.json")
    row = json.loads(path.read_text())
    assert 0.0 <= row["error"] <= 1.0
    assert row["images"] == 256
    assert path.with_suffix(".png").exists() is not row["alone"]


@on("torch")
def test_each_batch_has_its_share_of_labels():
    semi_supervised = importlib.import_module("semi_supervised")
    images, labels = np.arange(100), np.arange(100) % 10
    for known, kept in ((np.array([7, 50]), False), (np.arange(100), True)):
        rng = np.random.default_rng(0)
        drawn, given = next(semi_supervised.batches(images, labels, known, 16, rng))
        assert set(drawn[:16]) <= set(known)
        np.testing.assert_array_equal(given[:16], labels[drawn[:16]])
        assert len(set(drawn[16:])) == 48
        np.testing.assert_array_equal(given[16:], labels[drawn[16:]] if kept else [-1] * 48)
