"""What `train` makes of odd folders, files and arrays."""

import numpy as np
import pytest

import keras_egan
from keras_egan.automatic import reading
from keras_egan.automatic.look import look, sentences
from keras_egan.automatic.plan import sides_for
from keras_egan.automatic.script import text
from keras_egan.automatic.watch import Watch
from tests.conftest import on
from tests.test_automatic_plan import DIGITS, USUAL, plan
from tests.tiny_runs import MINUTES, blobs, save, steady

pytestmark = on("torch")


def looked(images, **changes):
    read = reading.Images(images, None, None, "", 0.0)._replace(**changes)
    return look(read, reading.Sizes.of([images.shape[1:3]]))[0]


@pytest.mark.parametrize("name", ["images.npy", "images.npz"])
def test_a_file_of_an_array(name, tmp_path, monkeypatch):
    steady(monkeypatch)
    images = blobs(60)
    if name.endswith("z"):
        np.savez(tmp_path / name, other=images[:2], images=images)
    else:
        np.save(tmp_path / name, images)
    gan = keras_egan.train(tmp_path / name, MINUTES, tmp_path / "run", say=str)
    assert gan.sample(2, seed=0).shape == (2, 16, 16, 1)
    with np.load(tmp_path / "run/images.npz") as kept:
        found = kept["images"]
    assert {image.tobytes() for image in found} == {image.tobytes() for image in images}
    if name.endswith("z"):
        np.savez(tmp_path / name, images=blobs(60, seed=1))
        with pytest.raises(ValueError, match="on an array of other values"):
            keras_egan.train(tmp_path / name, MINUTES, tmp_path / "run", say=str)
    (tmp_path / name).unlink()
    keras_egan.train(tmp_path / name, MINUTES, tmp_path / "run", say=str)  # it has its images


@pytest.mark.parametrize("name", ["photos.zip", "photos.jpg"])
def test_another_file_is_refused(name, tmp_path):
    (tmp_path / name).write_text("")
    message = r"got the file .*\. Pass its folder\. Unpack an archive, and load an array"
    with pytest.raises(ValueError, match=message):
        keras_egan.train(tmp_path / name, MINUTES, tmp_path / "run", say=str)


def test_arguments_that_do_not_apply(tmp_path):
    folder = save(tmp_path / "photos", blobs(40))
    with pytest.raises(ValueError, match="`train` takes no crop_size with a folder"):
        keras_egan.train(folder, MINUTES, tmp_path / "run", say=str, crop_size=8)
    with pytest.raises(TypeError, match="unexpected keyword argument 'colours'"):
        keras_egan.train(folder, output=tmp_path / "run", say=str, colours=3)
    assert not (tmp_path / "run").exists()


def test_a_folder_is_not_the_digits(tmp_path, monkeypatch):
    """As in `datasets.load`, of which `evaluate` makes use."""
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "digits", blobs(40))
    assert not reading.is_folder("digits")
    assert reading.is_folder("./digits")
    assert reading.name_of("digits") == "digits"
    assert reading.name_of("./digits") == str(tmp_path / "digits")


def test_what_takes_too_much_memory_is_left_out_and_said(tmp_path, monkeypatch):
    images = blobs(40, channels=3)
    monkeypatch.setattr(reading, "MOST_BYTES", 30 * 16 * 16 * 3)
    read = reading.read(save(tmp_path / "photos", images), (16, 16), seed=1)
    assert len(read.images) == 30
    assert read.left_out == "10 files drawn at random, because all would take more than 2 GiB"
    many = np.concatenate([images] * 4)
    read = reading.read(many, (16, 16))
    assert len(read.images) == 64  # a batch
    assert read.left_out.startswith("all images after the first 64, because")
    assert reading.read(images[:20], (16, 16)).left_out == ""


def test_photographs_of_phones_that_cannot_be_read(tmp_path, monkeypatch):
    monkeypatch.setattr("keras_egan.datasets.folder.installed", lambda name: False)
    folder = tmp_path / "photos"
    save(folder, blobs(40))
    (folder / "a.heic").write_bytes(b"\0" * 100)
    read = reading.read(folder, (16, 16))
    hint = "HEIC files need `pip install pillow-heif`"
    assert (
        read.left_out == f"1 file that cannot be read (a.heic. {hint}. AVIF files need Pillow 11.3)"
    )
    for file in folder.glob("*.png"):
        file.unlink()
    with pytest.raises(ValueError, match=rf"readable images, as .*a\.heic cannot be read.*{hint}"):
        reading.sizes_of(folder)


@pytest.mark.parametrize("channels", [2, 13])
def test_channels_that_are_no_colours(channels):
    images = np.random.default_rng(0).integers(0, 256, (30, 16, 16, channels), "uint8")
    with pytest.raises(ValueError, match=f"1, 3 or 4 channels; got {channels}"):
        looked(images)


@pytest.mark.parametrize(("largest", "black"), [(1, True), (15, True), (64, False), (255, False)])
def test_images_that_are_nearly_black(largest, black):
    images = (blobs(40) // 255 * largest).astype("uint8")
    said = f"They are nearly black: no pixel is above {largest} of 255."
    assert any(said in sentence for sentence in sentences(looked(images))) == black


def test_many_classes_are_counted():
    names = tuple(f"class{n}" for n in range(1000))
    *_, last = sentences(looked(blobs(40), labels=np.zeros(40, "int32"), names=names))
    assert last.startswith("Classes: class0, class1, ")
    assert last.endswith(", class19 and 980 more.")


@pytest.mark.parametrize("aspect", [2.0, 0.5])
def test_small_oblong_images_have_a_side_of_16_or_more(aspect):
    """Fewer pixels the distance refuses."""
    sides = sides_for(reading.Sizes(16.0, aspect, 1.0, 0.0), 20)
    assert sides == ((16, 32) if aspect > 1 else (32, 16))


@pytest.mark.parametrize("name", ["a😀b", "naïve 写真", 'quote"d', "no\udcffutf8"])
def test_the_script_names_any_folder(name, tmp_path):
    folder = tmp_path / name
    folder.mkdir()
    script = text(str(folder), plan(DIGITS, 20, USUAL)).encode().decode()
    (line,) = (line for line in script.splitlines() if str(tmp_path) in line)
    namespace = {}
    compile(script, "train.py", "exec")
    exec(f"folder = {line.strip().rstrip(',')}", namespace)
    assert namespace["folder"] == str(folder)


@pytest.mark.parametrize(("interval", "first"), [(48.0, 48.0), (3456.0, 600.0)])
def test_a_long_training_has_its_first_figure_within_ten_minutes(interval, first, tmp_path):
    given = None, 8, interval, tmp_path, tmp_path, 1e5, 1.0, 20.0, 0.0, [], None, 0.1, True, str
    assert Watch(*given)._due == 20.0 + first


@pytest.mark.parametrize("rate", [0.0, 0.6, float("nan")])
def test_false_alarm_rates_out_of_range(rate, tmp_path):
    from keras_egan.automatic.detection import detect

    with pytest.raises(ValueError, match=r"`false_alarm_rate` must be in \(0, 0\.5\]"):
        detect(tmp_path, tmp_path, tmp_path / "out", false_alarm_rate=rate)


def test_pixels_kept_for_the_distance_are_its_own():
    distance = keras_egan.metrics.anchors.AnchoredDistance(blobs(300), blobs(20, seed=1))
    assert distance.real.base is None
