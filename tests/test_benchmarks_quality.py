"""Benchmarks that train GANs run to the end on made-up data; their figures do not matter."""

import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

import keras_egan
from keras_egan.anomaly import load_mvtec
from tests.conftest import on
from tests.scripts import MARKS, digits_of_a_classifier, in_a_folder_of_its_own, made_up, once, run  # noqa: F401, fixtures

pytestmark = MARKS


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
        keras_egan.share(keras_egan.load(source), "small.keras")
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
def test_folders(monkeypatch, capsys):
    folders = importlib.import_module("folders")
    monkeypatch.setattr(folders, "LETTERS", "AB")
    monkeypatch.setattr(sys, "argv", ["folders", "write", "letters"])
    folders.main()
    count = int(capsys.readouterr().out.split()[1])
    assert len([*Path("folders/letters").glob("*.png")]) == count > 100
    images = made_up(60)[0]
    given = [(images, np.arange(60) % 10)]
    monkeypatch.setattr(folders.datasets, "load", lambda *arguments, **_: given)
    assert len(folders.taken("fashion_mnist", 6, 6000, None)) == 6
    assert len(folders.taken("mnist", None, 20, None)) == 20
    keras_egan.train("folders/letters", minutes=0.05, output="run")
    capsys.readouterr()
    row = json.loads(run(monkeypatch, capsys, "folders", "measure", "run"))
    assert row["decided"].startswith("EBGAN")
    assert row["real"]["distance"] < row["samples"]["distance"]


@once
def test_stacked_mnist(digits, monkeypatch, capsys):
    stacked = importlib.import_module("stacked_mnist")
    monkeypatch.setattr(stacked, "SAMPLES", 30)
    monkeypatch.setattr(stacked, "BLOCK", 20)
    flags = ("--gan", "began/mnist", "--epochs", "1", "--training-images", "128")
    monkeypatch.setattr(sys, "argv", ["stacked_mnist", *flags])
    stacked.main()
    said = capsys.readouterr().out
    row = json.loads(said.splitlines()[-1])
    assert row["epoch"] == 1
    assert 1 <= row["modes"] <= 30


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
    assert "Named before half of the run: 0 of 1 failures." in printed  # it was named at step 8


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
    assert f"| mnist | began | norm | {100 * row['auroc']['norm']:.1f} ± " in table
    assert "| mnist | ocsvm | own | " in table


@on("torch")
def test_textures(monkeypatch, capsys):
    run(monkeypatch, capsys, "textures", "--train", 40, "--test", 20)
    textures = importlib.import_module("anomaly").TEXTURES
    assert {path.name for path in Path("textures").iterdir()} == {*textures}
    for texture in textures:
        data = load_mvtec(Path("textures") / texture, grayscale=True)
        assert data.train.shape == (40, 32, 32, 1)
        # The texture's deviation and the grain's, which is a fifth of it.
        deviations = data.train.std(axis=(1, 2, 3))
        assert deviations.mean() == pytest.approx(30 * 1.04**0.5, rel=0.05)
        assert data.kinds == ("good",) * 20 + ("scratch",) * 20
        assert not data.masks[:20].any()
        for mask in data.masks[20:]:
            assert 4 <= mask.sum() <= 70
            assert ndimage.label(mask, np.ones((3, 3)))[1] == 1
            assert not ndimage.binary_erosion(mask, np.ones((4, 4))).any()  # it is 3 wide at most


@once
def test_anomaly_of_textures(monkeypatch, capsys):
    run(monkeypatch, capsys, "textures", "--train", 40, "--test", 10)
    small = ("--steps", 2, "--filters", 1, "--embedding", 2, "--detectors", "autoencoder")
    flags = ("--dataset", "textures", "--data-dir", "textures", "--classes", 1, 2, *small)
    assert len(run(monkeypatch, capsys, "anomaly", *flags).splitlines()) == 2
    row = json.loads(Path("anomaly/textures_autoencoder_1_0.json").read_text())
    assert 0.0 < row["maps"]["aupro"] < 1.0
    assert row["maps"]["abnormal"] == 10
    table = run(monkeypatch, capsys, "anomaly", "--table")
    assert "| textures | autoencoder | norm + embedding |" in table
    area = 100 * row["maps"]["pixel_auroc"]
    assert f"| stripes | autoencoder | {area:.1f} | {100 * row['maps']['aupro']:.1f} | 1 |" in table


@on("torch")
def test_intervals_of_areas():
    """Student's t over classes, and the spread of areas of drawn scores over test images."""
    anomaly = importlib.import_module("anomaly")
    rng = np.random.default_rng(0)
    drawn = rng.exponential(1.0, (4000, 30, 1)), rng.exponential(3.0, (4000, 1, 60))
    areas = (drawn[0] < drawn[1]).mean(axis=(1, 2))  # of exponentials, whose formula it is
    assert anomaly.variance(0.75, 30, 60) == pytest.approx(areas.var(), rel=0.1)
    mean, half = anomaly.interval({0: [1.0, 3.0], 1: [4.0], 2: [6.0, 6.0]})  # of 2, 4 and 6
    assert mean == 4.0
    assert half == pytest.approx(4.303 * 2 / 3**0.5, rel=1e-3)  # by a table of t, for 2


@once
def test_evaluation(monkeypatch, capsys):
    said = run(monkeypatch, capsys, "evaluation", "--images", 40, "--resamples", 0)
    assert said.splitlines()[-1].endswith("MiB at most")
    assert len([*Path("evaluation/real").iterdir()]) == 40


@once
def test_false_alarms(monkeypatch, capsys):
    small = ("--classes", 3, "--epochs", 1, "--images", 60, "--shares", 0.1, 0.2)
    rows = run(monkeypatch, capsys, "false_alarms", *small).splitlines()[2:]
    asked, flagged, errors = zip(*(row.split(" | ")[2:5] for row in rows), strict=True)
    assert asked == ("10%", "20%")
    for share, found, error in zip((10, 20), flagged, errors, strict=True):
        assert abs(float(found.rstrip("%")) - share) < 2 * float(error.rstrip("%"))


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


@once
@pytest.mark.parametrize("gan", ["relativistic/drawings", "least_squares_r1", "real"])
def test_equal_time(gan, monkeypatch, capsys):
    from PIL import Image

    Path("photos").mkdir()
    for index, image in enumerate(made_up(300, side=64, channels=3)[0]):
        Image.fromarray(image).save(f"photos/{index}.png")
    small = "{}" if gan == "real" else '{"filters": 1, "latent_dim": 2}'
    arguments = ("--data", "photos", "--gan", gan, "--network-settings", small)
    said = run(
        monkeypatch, capsys, "equal_time", *arguments, "--minutes", 0, "--output", f"rows/{gan}"
    )
    row = json.loads(said)
    assert row == json.loads(Path(f"rows/{gan}/row.json").read_text())
    assert row["relative"] > 0.0
    assert 0.0 <= row["recall"] <= 1.0
    assert Path(f"rows/{gan}/grid.png").exists()
    if gan != "real":
        again = ("--gan", f"rows/{gan}/gan.keras", "--sampling", '{"truncation": 1e-6}')
        said = run(monkeypatch, capsys, "equal_time", *arguments, *again, "--output", "narrow")
        assert json.loads(said)["recall"] == 0.0  # the samples are all alike
