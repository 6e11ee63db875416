"""The command: its output, its errors in one sentence, its exit codes."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import keras_egan
from keras_egan import presets
from keras_egan.cli import main
from tests.conftest import on
from tests.tiny_runs import blobs, save

pytestmark = on("torch")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of photographs and the folder of a run; do not change them."""
    place = tmp_path_factory.mktemp("command")
    photos = save(place / "photos", blobs(60))
    (place / "photos/notes.png").write_text("no image")
    assert main(["train", photos, "--minutes", "0.05", "--output", str(place / "run")]) == 0
    return photos, str(place / "run")


def said(capsys, *arguments):
    assert main([*map(str, arguments)]) == 0
    return capsys.readouterr().out


def test_train_says_what_is_odd(tmp_path, capsys):
    folder = save(tmp_path / "photos", np.concatenate([blobs(30, channels=3)] * 2))
    (tmp_path / "photos/notes.png").write_text("no image")
    for name in ("notes.txt", "IMG_1"):
        (tmp_path / "photos" / name).write_text("no image")
    text = said(capsys, "train", folder, "--minutes", 0.02, "--output", tmp_path / "run")
    assert "50% are exact duplicates (30 of 60), and are left out." in text
    assert (
        "Left out: 1 file that cannot be read (notes.png), and files without the suffix of an "
        "image (1 of no suffix, 1 of .txt)."
    ) in text
    assert "Plan: EBGAN with networks.dcgan_autoencoder" in text
    assert "(a Gaussian has 1, real images " in text


def test_sample(run, tmp_path, capsys):
    text = said(capsys, "sample", run[1], "--count", 6, "--seed", 1, "--output", tmp_path / "a.png")
    assert "6 samples" in text
    picture = np.asarray(Image.open(tmp_path / "a.png"))
    expected = keras_egan.pictures.grid(keras_egan.load(f"{run[1]}/gan.keras").sample(6, seed=1))
    np.testing.assert_array_equal(picture, expected)


def test_export(run, tmp_path, capsys):
    text = said(capsys, "export", run[1], tmp_path / "generator.onnx")
    assert text.endswith("generator.onnx, as onnx. It takes 64 latents, normal.\n")
    assert (tmp_path / "generator.onnx").stat().st_size > 1000


@pytest.mark.nightly
def test_detect(tmp_path, capsys):
    good = save(tmp_path / "good", blobs(60))
    judged = save(tmp_path / "judged", np.concatenate([blobs(6, seed=1), 255 - blobs(3, seed=2)]))
    (tmp_path / "judged/notes.png").write_text("no image")
    out = tmp_path / "out"
    text = said(capsys, "detect", good, judged, "--output", out)
    assert f"{judged}: left out: 1 file that cannot be read (notes.png)." in text
    done = re.findall(r"(\d+)% of the steps are done; about [\d.]+ minutes are left", text)
    assert [int(share) for share in done] == pytest.approx([5, 25, 50, 75], abs=3)
    threshold = float(re.search(r" of 9 are abnormal, with a score above (.+)\. See", text)[1])
    rows = [*csv.DictReader((out / "scores.csv").read_text().splitlines())]
    assert {row["file"][-7:-4] for row in rows[:3]} == {"006", "007", "008"}
    scores = [float(row["score"]) for row in rows]
    for row, score in zip(rows, scores, strict=True):
        assert (score > threshold) == (row["abnormal"] == "1")
    assert scores == sorted(scores, reverse=True)
    assert (out / "maps.png").exists()
    assert (out / "detector.keras").exists()


def test_explore_takes_the_images_that_a_run_was_trained_on(run, monkeypatch):
    given = []

    class Page:
        def launch(self, **arguments):
            pass

    def page(*arguments):
        given.extend(arguments)
        return Page()

    monkeypatch.setattr(keras_egan.automatic.explore, "page", page)
    assert main(["explore", run[1]]) == 0
    gan, images, name = given
    kept = np.load(f"{run[1]}/images.npz")["images"]
    assert len(kept) == 60
    np.testing.assert_array_equal(images, kept[8:])  # the first were held out
    assert images.shape[1:] == gan.image_shape
    assert name == run[1]


def test_presets(capsys):
    lines = said(capsys, "presets").splitlines()
    assert [line.split()[0] for line in lines] == presets.names()
    assert sum("comes trained" in line for line in lines) == len(presets.trained())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "nowhere/"], "`source` is 'nowhere/', but there is no such folder"),
        (["train", ".", "--minutes", "-1"], "`minutes` must be above 0; got -1.0."),
        (["train", "."], "`source` is empty: the folder . holds no readable images"),
        (["sample", "began/mnist", "--count", "0"], "`n` must be a whole number, 1 or more; got 0"),
        (
            ["train", ".", "--output", "gs://b/run"],
            "`output` must be a local path; got 'gs:/b/run'.",
        ),
        (["detect", ".", ".", "--output", "s3://b"], "`output` must be a local path; got 's3:/b'."),
        (["sample", "began/mnist", "--output", "hf://a/b.png"], "`path` must be a local path; got"),
        (["export", "began/mnist", "s3://b/generator"], "`filepath` must be a local path; got"),
        (["sample", "."], ". holds no trained GAN yet: gan.keras is missing."),
        (
            ["sample", "nothing"],
            "); got 'nothing', and there is no such file.",
        ),
        (
            ["evaluate", "began/mnist", "nothing"],
            "or a dataset of tensorflow-datasets; got 'nothing', and there is no such folder. `",
        ),
        (["detect", ".", "."], "`source` is empty"),
    ],
)
def test_errors_are_one_sentence(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    written = capsys.readouterr().err
    assert message in written
    assert "Traceback" not in written
    assert written.startswith("keras_egan: ")
    assert [*tmp_path.iterdir()] == []
    with pytest.raises((ValueError, OSError)):
        main([*arguments, "--debug"])


def test_a_stopped_run_says_that_it_goes_on(tmp_path, monkeypatch, capsys):
    def stopped(*arguments, **_):
        raise KeyboardInterrupt

    monkeypatch.setattr(keras_egan.automatic, "train", stopped)
    train = ["train", str(tmp_path), "--output", str(tmp_path / "run")]
    assert main(train) == 130
    said = "Stopped. Run the same command again to begin anew: nothing is kept.\n"
    assert capsys.readouterr().err == said
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").touch()
    assert main(train) == 130
    assert capsys.readouterr().err == "Stopped. Run the same command again to go on.\n"
    monkeypatch.setattr("keras_egan.cli.detect", stopped)
    assert main(["detect", "good", "inspected"]) == 130
    assert capsys.readouterr().err == "Stopped.\n"


def test_usage(capsys):
    for arguments in ([], ["train"], ["fly"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 2
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert capsys.readouterr().out == f"keras_egan {keras_egan.__version__}\n"
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert "keras_egan train photos/ --minutes 30 --output run" in text


def test_as_a_module(run):
    command = [sys.executable, "-m", "keras_egan", "presets"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0].startswith("began/digits")


def test_the_state_is_plain(run):
    state = json.loads(Path(run[1], "run.json").read_text())
    assert state["look"]["left_out"] == "1 file that cannot be read (notes.png)"
    assert state["source"] == run[0]
