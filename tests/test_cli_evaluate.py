"""`keras_egan evaluate`, against `metrics.compare` of the same images as arrays."""

import json

import keras
import numpy as np
import pytest
from PIL import Image

import keras_egan
from keras_egan import metrics
from keras_egan.automatic import comparison
from keras_egan.cli import main
from keras_egan.metrics import random_features
from tests.conftest import on
from tests.test_cli import save
from tests.tiny_runs import blobs

pytestmark = on("torch")


def evaluated(tmp_path, capsys, *arguments):
    """Runs the command; returns what it printed, and its JSON file."""
    output = tmp_path / "figures.json"
    flags = "--output", output, "--resamples", 2
    assert main([*map(str, ("evaluate", *arguments, *flags))]) == 0
    return capsys.readouterr().out, json.loads(output.read_text())


def plain(result):
    return json.loads(json.dumps(result.as_dict()))


def resized(images, side, channels=3):
    made = [Image.fromarray(image.squeeze()).resize((side, side), 3) for image in images]
    return np.repeat(np.stack(made)[..., None], channels, axis=-1)


@pytest.mark.filterwarnings("ignore:1 of the 51 images")
def test_a_gan_and_a_folder(tmp_path, capsys):
    """The folder gets the preset's size, and one channel; an unreadable file is left out."""
    folder = save(tmp_path / "photos", blobs(50))
    (tmp_path / "photos/notes.png").write_text("no image")
    text, found = evaluated(tmp_path, capsys, "began/mnist", folder, "--count", 40, "--seed", 3)
    samples = keras_egan.load("began/mnist").sample(40, seed=3)
    expected = metrics.compare(
        resized(blobs(50), 28, 1),
        samples,
        random_features((28, 28, 1), cells=2),
        resamples=2,
        seed=3,
    )
    assert found == {"generated": "began/mnist", "real": folder, **plain(expected)}
    assert str(expected) in text
    assert found["protocol"]["real_count"] == 50
    assert found["figures"]["frechet_distance"]["error"] > 0


def test_arrays_and_folders(tmp_path, capsys):
    real, noise = blobs(60, channels=3), np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3))
    folder = save(tmp_path / "photos", real)
    np.save(tmp_path / "noise.npy", noise.astype("uint8"))
    np.savez(tmp_path / "floats.npz", images=real / np.float32(127.5) - 1, labels=np.zeros(60))
    _, noisy = evaluated(tmp_path, capsys, tmp_path / "noise.npy", folder)
    features = random_features((16, 16, 3), cells=2)
    assert (
        noisy["figures"]
        == plain(metrics.compare(real, noise.astype("uint8"), features, resamples=2))["figures"]
    )
    for one, other in ((tmp_path / "floats.npz", folder), (folder, folder)):
        _, same = evaluated(tmp_path, capsys, one, other)
        assert same["figures"]["frechet_distance"]["value"] == pytest.approx(0.0, abs=1e-4)
        assert same["protocol"]["real_shape"] == [16, 16, 3]
        assert noisy["figures"]["frechet_distance"]["value"] > 1.0
    _, small = evaluated(tmp_path, capsys, folder, folder, "--image-size", 8)
    assert small["protocol"]["generated_shape"] == [8, 8, 3]


def test_halves_of_the_real_images(tmp_path, capsys):
    """The best figures to expect, from images that no generator made."""
    real = blobs(81, channels=3)
    folder = save(tmp_path / "photos", real)
    np.save(tmp_path / "others.npy", blobs(40, seed=1, channels=3))
    text, found = evaluated(tmp_path, capsys, tmp_path / "others.npy", folder, "--seed", 5)
    order = np.random.default_rng(5).permutation(81)
    expected = metrics.compare(
        real[order[:40]], real[order[40:80]], random_features((16, 16, 3), cells=2), resamples=0
    )
    halves = {name: figure.value for name, figure in expected.figures.items()}
    assert found["real_halves"] == pytest.approx(halves, rel=1e-5)
    assert "40 of the real images, compared with as many others:" in text


def test_features_of_a_keras_model(tmp_path, capsys):
    """Whose input has a size and colours, which the images get."""
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(4)]
    )
    model.save(tmp_path / "model.keras")
    real, others = blobs(50), blobs(40, seed=1)
    folder = save(tmp_path / "photos", real)
    np.save(tmp_path / "others.npy", others)
    flags = "--features", tmp_path / "model.keras"
    _, found = evaluated(tmp_path, capsys, tmp_path / "others.npy", folder, *flags)
    assert (
        found["figures"]
        == plain(metrics.compare(resized(real, 8), resized(others, 8), model, resamples=2))[
            "figures"
        ]
    )
    assert found["protocol"]["features"] == 4


def test_features_of_the_published_inception(tmp_path, capsys, monkeypatch):
    """With the way of resizing and the classifier; grey images are given three channels."""

    paths = set()

    def inception(path, resize):
        paths.add(path)
        images = keras.Input((None, None, 3))
        means = keras.layers.GlobalAveragePooling2D()(images)
        return keras.Model(images, keras.layers.Dense(5)(means), name=f"inception_2015_{resize}")

    def classifier(path):
        paths.add(path)
        return keras.Sequential([keras.Input((5,)), keras.layers.Dense(3, "softmax")], name="five")

    monkeypatch.setattr(metrics, "inception_2015", inception)
    monkeypatch.setattr(metrics, "inception_2015_classifier", classifier)
    np.save(tmp_path / "grey.npy", blobs(40))
    folder = save(tmp_path / "photos", blobs(44, channels=3))
    _, found = evaluated(
        *(tmp_path, capsys, tmp_path / "grey.npy", folder),
        *("--features", "weights.pth", "--resize", "clean"),
    )
    assert found["protocol"]["resize"].startswith("clean: ")
    assert found["protocol"]["generated_shape"] == [16, 16, 3]
    assert found["protocol"]["classifier"].startswith("five, weights ")
    assert 1 <= found["figures"]["inception_score"]["value"] <= 3
    _, found = evaluated(tmp_path, capsys, folder, folder, "--features", "weights.pth")
    assert found["protocol"]["resize"].startswith("legacy: ")
    assert paths == {"weights.pth"}


def test_samples_are_drawn_in_batches():
    """Each from a seed of its own, which no other `--seed` of as many samples has."""
    drawn = []

    class Gan:
        def sample(self, count, seed):
            drawn.append((count, seed))
            return np.full((count, 4, 4, 1), 1 / 3, "float32")

    for seed in (0, 2):
        samples = comparison._Samples(Gan(), 130, seed)
        batches = [samples[index] for index in range(len(samples))]
    assert drawn == [(64, 0), (64, 1), (2, 2), (64, 6), (64, 7), (2, 8)]
    assert batches[0].dtype == np.uint8
    assert (batches[0] == 170).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--resize", "clean"], "`resize` is for Inception's weights"),
        (["--features", "none.pth"], "No such file or directory: 'none.pth'"),
        (["--features", "dense.keras"], r"`features` must be a model of images; got .*\(4,\)"),
        (
            ["--features", "small.keras", "--image-size", "9"],
            r"`image_size` must .* \(8, 8\); got 9",
        ),
        (["--count", "0"], "`count` must be a whole number, 1 or more; got 0"),
        (["--count", "39"], "`generated` must hold 40 images or more; got 39."),
    ],
)
def test_errors(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, shape in {"dense": (4,), "small": (8, 8, 3)}.items():
        layers = [keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(2)]
        keras.Sequential(layers).save(f"{name}.keras")
    with pytest.raises((ValueError, OSError), match=message):
        main(["evaluate", "began/mnist", "digits", *arguments, "--debug"])


def test_a_file_of_several_arrays_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=blobs(2), y=blobs(2))
    with pytest.raises(ValueError, match=r"must hold one array, or one named 'images'; got \['x'"):
        comparison.compare(str(tmp_path / "a.npz"), "digits")
