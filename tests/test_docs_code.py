"""Every block of Python in the documentation runs: pages and docstrings.

Pages run on TensorFlow, because some open its SavedModels. `fit` takes two steps at most, and small
networks and pictures stand in for the reader's. The site's build runs the notebooks as they are.
"""

import importlib
import inspect
import itertools
import pkgutil
import re
import time

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image

import keras_egan
from keras_egan import EnergyGAN, anomaly, callbacks, networks, presets
from tests.conftest import on
from tests.test_docs import PAGES, named

# Code that takes long or needs what is not here, and its replacement.
INSTEAD = {
    "EnergyDetector()": "EnergyDetector(epochs=1)",
    "EnergyDetector(contamination=0.05)": "EnergyDetector(contamination=0.05, epochs=1)",
    "EnergyDetector(epochs=20)": "EnergyDetector(epochs=1)",
    "0.05, verbose=0)": "0.05, epochs=1, verbose=0)",
    "gan.invert(images[:100])": "gan.invert(images[:2], steps=2)",
    "steps=200": "steps=2",
    '"celeb_a", crop_size=108': '"photos/", crop_size=40',
    "filters=128": "filters=2",
    "max_trials=20": "max_trials=1",
    "range(1000)": "range(100)",
    "gan.invert(test_images[:8])": "gan.invert(test_images[:8], steps=2)",
    "50_000": "100",
    "10_000": "1000",
    "np.arange(10), 1000": "np.arange(10), 100",
    '"hf://you/digits"': '"hub"',
    'keras_egan.load("run/gan.keras")': 'keras_egan.presets.build("ebgan/photographs", seed=0)',
    '"hf://user/name"': '"hub"',
}
# These need files that the reader has or downloads.
ELSEWHERE = {"inception_2015", "inception_2015_classifier", "inception_v3"}


def python_of(text):
    """Return the blocks of Python in a text."""
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    for wanted, given in INSTEAD.items():
        blocks = [block.replace(wanted, given) for block in blocks]
    return blocks


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """Make the reader's folder, with photographs of two classes; limit `fit` to two steps."""
    rng = np.random.default_rng(0)
    for number in range(80):
        kind = tmp_path / "photos" / ("cat", "dog")[number % 2]
        kind.mkdir(parents=True, exist_ok=True)
        size = (*rng.integers(60, 90, 2), 3)
        Image.fromarray(rng.integers(0, 256, size, "uint8")).save(kind / f"{number}.png")
    for place in [*(f"train/good/{number}" for number in range(18)), "test/good/0", "test/cut/0"]:
        path = tmp_path / "bottle" / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (64, 64, 3), "uint8")).save(path)
    mask = tmp_path / "bottle/ground_truth/cut/0_mask.png"
    mask.parent.mkdir(parents=True)
    Image.fromarray(np.eye(64, dtype="uint8")).save(mask)
    fit, compile_ = EnergyGAN.fit, EnergyGAN.compile

    def short(self, *args, **kwargs):
        end = kwargs.get("initial_epoch", 0) + 1
        return fit(self, *args, **{**kwargs, "epochs": end, "steps_per_epoch": 2, "verbose": 0})

    def eager(self, *args, **kwargs):  # two steps are not worth a trace
        return compile_(self, *args, **{**kwargs, "run_eagerly": True})

    monkeypatch.setattr(EnergyGAN, "fit", short)
    monkeypatch.setattr(EnergyGAN, "compile", eager)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FACES", raising=False)
    monkeypatch.setenv("MPLBACKEND", "agg")
    return tmp_path


@on("tensorflow")
@pytest.mark.parametrize("page", [page for page in PAGES if python_of(page.read_text())], ids=named)
@pytest.mark.filterwarnings("ignore")  # about pictures of noise, and trainings of two steps
def test_the_code_of_a_page_runs(page, reader):
    """Run one block after the other, as the page is read."""
    code = "\n".join(python_of(page.read_text()))
    exec(compile(code, str(page), "exec"), {"__name__": "page"})


def documented():
    """Yield (name, module, blocks of Python) of each public object."""
    seen = set()
    for module in pkgutil.walk_packages(keras_egan.__path__, "keras_egan."):
        if module.name.rpartition(".")[2] in ("tensorflow", "jax", "torch"):
            continue
        imported = importlib.import_module(module.name)
        for name in getattr(imported, "__all__", ()):
            thing = getattr(imported, name)
            blocks = python_of(inspect.getdoc(thing) or "")
            if blocks and id(thing) not in seen:
                seen.add(id(thing))
                yield name, inspect.getmodule(thing), blocks


DOCUMENTED = {name: (module, blocks) for name, module, blocks in documented()}


def small(name, shape, **changes):
    """Return a preset's GAN with the narrowest networks."""
    return presets.build(name, shape, network_arguments={"filters": 1, "latent_dim": 32}, **changes)


def given(name):
    """Return the variables that the example of `name` uses."""
    rng = np.random.default_rng(0)
    side = 28 if name in ("EBGAN", "MAGAN", "build", "get") else 32
    images = rng.integers(0, 256, (160, side, side, 1), "uint8")
    test_images = rng.uniform(-1, 1, (1000, side, side, 1)).astype("float32")
    labels = np.arange(1000) % 10
    classes = 10 if name.startswith("Class") else None
    gan, detector = small("began/digits", (side, side, 1), num_classes=classes), None
    if name == "MixtureCoverage":
        gan = keras_egan.LeastSquaresGAN(*networks.mlp(2, n_layers=1, units=4))
    elif name == "Schedule":
        gan = small("ebgan/digits", (side, side, 1))
    elif name in ("overlay", "aupro"):
        detector = anomaly.EnergyDetector(gan.discriminator, epochs=0).fit(images)
    generator, discriminator = gan.generator, gan.discriminator
    if name in ("EnergyGAN", "Hyperparameter"):
        generator, discriminator = networks.loss_sensitive((32, 32, 1), filters=1)
    encoder = getattr(gan.discriminator, "encoder", None)
    decoder = getattr(gan.discriminator, "decoder", None)
    flat = [keras.layers.Input((side, side, 1)), keras.layers.Flatten()]
    gan.save("began.keras")
    latents = rng.uniform(-1, 1, (3, 4, gan.latent_dim)).astype("float32")
    return {
        **vars(keras_egan),
        "np": np,
        "keras": keras,
        "ops": ops,
        "itertools": itertools,
        "time": time,
        "tf": importlib.import_module("tensorflow"),
        "keras_egan": keras_egan,
        "Backup": callbacks.Backup,
        "images": test_images if name == "DiffAugment" else images,
        "test_images": test_images,
        "training_images": test_images,
        "labels": labels,
        "test_labels": labels,
        "digits": images,
        "masks": np.arange(len(images) * side**2).reshape(-1, side, side) % 5 == 0,
        "ones": images[:40],
        "other_ones": images[40:],
        "loader": [images, images],
        "gan": gan,
        "generator": generator,
        "discriminator": discriminator,
        "critic": discriminator,
        "encoder": encoder,
        "decoder": decoder,
        "detector": detector,
        "latents": latents[0],
        "a": latents[1],
        "b": latents[2],
        "features": ops.ones((2, 4, 4, 3)),
        "x": ops.ones((1000, 64) if name.startswith("Within") else (2, 8, 8, 64)),
        "text": "0",
        "early_stopping": keras.callbacks.EarlyStopping(),
        "classifier": keras.Sequential([*flat, keras.layers.Dense(10, "softmax")]),
        "classifier_features": keras.Sequential([*flat, keras.layers.Dense(4)]),
    }


def documented_once():
    """Yield each name; those that export run on TensorFlow, where it needs no second process."""
    for name in DOCUMENTED:
        backend = "tensorflow" if name.startswith("export") else "torch"
        yield pytest.param(name, marks=on(backend))


@pytest.mark.parametrize("name", list(documented_once()))
@pytest.mark.filterwarnings("ignore")
def test_the_example_of_a_docstring_runs(name, reader):
    module, blocks = DOCUMENTED[name]
    for block in blocks:
        if name in ELSEWHERE:
            compile(block, name, "exec")
            continue
        space = {**given(name), **vars(module), "__name__": "example"}
        exec(compile(block, name, "exec"), space)
