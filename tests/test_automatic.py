"""Trainings that configure themselves: tiny ones of a few seconds, from images to report."""

import json
import re
import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest

import keras_egan
from keras_egan import presets
from keras_egan.automatic import report, watch
from keras_egan.automatic.files import RunFiles
from keras_egan.metrics.anchors import AnchoredDistance
from tests.conftest import on
from tests.tiny_runs import MINUTES, blobs, steady

pytestmark = on("torch")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run that used up its minutes, and its messages; do not change it."""
    folder = tmp_path_factory.mktemp("automatic") / "run"
    said = []
    with pytest.MonkeyPatch.context() as monkeypatch:
        steady(monkeypatch)
        gan = keras_egan.train(blobs(80), MINUTES, folder, say=said.append)
    return folder, said, gan


def test_what_a_run_leaves(finished):
    folder, said, gan = finished
    state = json.loads((folder / "run.json").read_text())
    assert state["finished"]
    assert state["seconds"] >= 60 * MINUTES
    figures = [row["figure"] for row in state["figures"]]
    (done,) = (sentence for sentence in said if sentence.startswith("Done: "))
    assert done.startswith(f"Done: {min(figures):.2f} (a Gaussian has 1, real images ")
    blurs = "From 1 up, samples are no better than blurs: training learnt too little."
    assert (blurs in said) == (blurs in (folder / "report.html").read_text())
    best = keras_egan.load(folder / "gan.keras")
    assert int(best.step) == state["figures"][int(np.argmin(figures))]["step"]
    np.testing.assert_array_equal(best.sample(4, seed=0), gan.sample(4, seed=0))
    pictures = {path.stem for path in (folder / "samples").glob("*.png")}
    assert pictures == {f"{number:04d}" for number in range(1, len(figures) + 1)}


def test_the_report_is_one_file_with_all_of_it(finished):
    folder, _, _ = finished
    text = (folder / "report.html").read_text()
    assert not re.findall(r'(?:src|href)="(?!data:)', text)  # nothing is fetched from elsewhere
    assert text.count("data:image/png;base64,") >= 3
    assert "<svg" in text
    state = json.loads((folder / "run.json").read_text())
    for decision, reason in state["plan"]["decisions"]:
        assert decision.replace("'", "&#x27;") in text
        assert reason.replace("'", "&#x27;") in text
    assert "72 different" not in text
    assert "80 different grey images" in text
    assert "Training has not ended" not in text
    assert f"keras_egan {keras_egan.__version__}" in text


@pytest.mark.parametrize("figure", [0.99, 1.0, 3.0])
def test_the_report_says_that_too_little_was_learnt(figure, finished, tmp_path):
    shutil.copytree(finished[0], tmp_path / "run")
    run = RunFiles(tmp_path / "run")
    state, split = run.read_state(), run.read_images()
    rows = [row | {"figure": figure + 0.5 * row["step"]} for row in state.figures]
    rows[-1]["figure"] = figure
    held, training = np.split(split.images, [state.look.held_out])
    distance = AnchoredDistance(training, held)
    for total, few in ((80, True), (600, False)):  # a tenth is held out
        known = state._replace(figures=rows, look=state.look._replace(total=total))
        report.write(run, known, distance)
        text = run.report.read_text()
        assert f'<span class="figure">{figure:.2f}</span>' in text
        assert ("Only 8 images were held out" in text) == few
        limit = max(1.0, 2.0 * distance.floor) if few else 1.0
        assert ("no better than blurs" in text) == (figure >= limit)
        assert "go on by the same command with `--minutes" in text


def test_the_script_trains_likewise(finished, monkeypatch, tmp_path):
    folder, _, _ = finished
    shutil.copytree(folder, tmp_path / "run")
    monkeypatch.chdir(tmp_path / "run")
    source = Path("train.py").read_text()
    assert len(source.splitlines()) < 45
    Path("train.py").write_text(re.sub(r"epochs=\d+,\n    steps_per_epoch=\d+", "epochs=1", source))
    ran = runpy.run_path("train.py")
    plan = json.loads(Path("run.json").read_text())["plan"]
    assert type(ran["gan"]).__name__ == "EBGAN"
    assert float(ran["gan"].d_optimizer.learning_rate) == pytest.approx(plan["d_rate"])
    assert ran["gan"].generator_average == 0.999
    assert Path("by_hand/samples.png").exists()


def test_what_diverges_goes_on_from_the_best_with_lower_rates(tmp_path, monkeypatch):
    steady(monkeypatch, d_rate=0.004, g_rate=0.002)
    measure = watch.Watch._measure
    monkeypatch.setattr(
        watch.Watch,
        "_measure",
        lambda self: float("nan") if len(self.figures) == 2 else measure(self),
    )
    said = []
    keras_egan.train(blobs(60), MINUTES, tmp_path, say=said.append)
    state = json.loads((tmp_path / "run.json").read_text())
    change = state["interventions"][0]
    sentence = "Training diverged: back to the best, with learning rates times 0.1, because"
    assert change["sentence"].startswith(sentence)
    assert any(text.startswith(sentence) for text in said)
    before, after = state["figures"][:2], state["figures"][3:]
    best = min(before, key=lambda row: row["figure"])
    assert after[0]["step"] - best["step"] <= 30  # it went back
    assert sentence in (tmp_path / "report.html").read_text()
    last, planned = keras_egan.load(tmp_path / "last.keras"), state["plan"]["g_rate"]
    assert float(last.g_optimizer.learning_rate) == pytest.approx(planned)
    assert planned <= 2.01e-4


def test_what_diverges_whatever_is_changed(tmp_path, monkeypatch):
    steady(monkeypatch, d_rate=1e38, g_rate=1e38)
    with pytest.raises(ValueError, match=r"Training diverged from the beginning, 4 times\. Check"):
        keras_egan.train(blobs(60), MINUTES, tmp_path, say=str)
    assert len(json.loads((tmp_path / "run.json").read_text())["interventions"]) == 3


@pytest.mark.parametrize(("needed", "changed"), [(64, True), (10**6, False)])
def test_what_is_stuck_goes_on_with_another_gan(needed, changed, tmp_path, monkeypatch):
    """Unless training has hardly begun, when the minutes end."""
    steady(monkeypatch, images_needed=needed)
    measure = watch.Watch._measure
    monkeypatch.setattr(watch.Watch, "_measure", lambda self: 3.0 + 0.0 * measure(self))
    drawings = blobs(60, channels=3) * np.array([1, 0.5, 0.25])
    said = []
    keras_egan.train(drawings.astype("uint8"), 2 * MINUTES, tmp_path, say=said.append)
    state = json.loads((tmp_path / "run.json").read_text())
    assert [change["cause"] for change in state["interventions"]] == ["stuck"] * changed
    preset = "ebgan/photographs" if changed else "relativistic/drawings"
    assert state["plan"]["preset"] == preset
    last = keras_egan.load(tmp_path / "last.keras")
    assert type(last).__name__ == presets.get(preset).gan
    if changed:
        sentence = "Training does not get below the Gaussian: it goes on with the preset"
        assert any(text.startswith(sentence) for text in said)
        assert int(last.step) < state["figures"][-1]["step"] + 20
        # No later figure is below the first, so the files are those of the first GAN.
        assert '"relativistic/drawings"' in (tmp_path / "train.py").read_text()
        report = (tmp_path / "report.html").read_text()
        assert "gan.keras has this distance: RelativisticGAN after" in report
        assert "minutes: 3.00, EBGAN</figcaption>" in report
        grids = [path.name for path in sorted((tmp_path / "samples").glob("*.png"))]
        assert grids == [f"{number:04d}.png" for number in range(1, len(state["figures"]) + 1)]


def test_labels(tmp_path):
    images = np.concatenate([blobs(40), 255 - blobs(40, seed=1)])
    gan = keras_egan.train((images, [0] * 40 + [1] * 40), MINUTES, tmp_path, labels=True, say=str)
    assert gan.num_classes == 2
    assert gan.sample(4, labels=1).shape == (4, 16, 16, 1)


@pytest.mark.parametrize(
    ("source", "changes", "message"),
    [
        (blobs(80), {"minutes": 0}, "`minutes` must be above 0; got 0"),
        (blobs(80), {"minutes": "1"}, "`minutes` must be above 0; got '1'"),
        (blobs(80), {"output": "gs://b/run"}, "`output` must be a local path; got 'gs://b/run'."),
        (blobs(80), {"image_size": 32}, "`train` chooses image_size itself. Omit it, or"),
        (blobs(80), {"seed": -1}, "`seed` must be a whole number, 0 or more; got -1"),
        (blobs(12), {}, "needs 20 different images or more; got 12 images. Add images"),
        (np.repeat(blobs(10), 9, axis=0), {}, "or more; got 10 different images"),
        ("nowhere/", {}, "`source` is 'nowhere/', but there is no such folder"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(source, changes, message, tmp_path):
    with pytest.raises(ValueError, match=re.escape(message)):
        keras_egan.train(
            source, **{"output": tmp_path / "run", "minutes": 1, "say": str, **changes}
        )
    assert not (tmp_path / "run").exists()
