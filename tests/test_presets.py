"""Presets: their numbers, and the GANs that they build."""

import inspect
import random
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_egan
from keras_egan import networks, presets
from tests.conftest import on
from tests.layers import Layers, small_generator
from tests.registry import weights

NAMES = presets.names()
DIGITS = [name for name in NAMES if name.endswith("/digits")]


@on("torch")
@pytest.mark.parametrize("name", NAMES)
def test_every_preset_names_what_there_is(name):
    preset = presets.get(name)
    gan = getattr(keras_egan, preset.gan)
    inspect.signature(gan).bind(None, None, **preset.arguments)
    inspect.signature(getattr(networks, preset.network)).bind(**preset.network_arguments)
    assert issubclass(getattr(keras.optimizers, preset.optimizer), keras.optimizers.Optimizer)
    normal = preset.gan in ("EBGAN", "MAGAN")  # their papers draw latents from N(0, 1)
    assert preset.arguments.get("latents", "uniform") == ("normal" if normal else "uniform")
    assert preset.about
    assert preset.dataset in (None, "digits", "mnist", "fashion_mnist", "celeba64")


@on("torch")
@pytest.mark.parametrize(
    ("name", "expected"),  # batch size, rate, beta_1, width, the GAN's own; from the papers
    [
        ("began", (16, 1e-4, 0.9, 128, {"gamma": 0.5, "lambda_k": 0.001})),
        ("ebgan", (64, 1e-3, 0.5, 64, {"margin": 20.0, "pt_weight": 0.1, "latents": "normal"})),
        ("magan", (64, 5e-4, 0.5, 128, {"latents": "normal"})),
        ("least_squares", (64, 2e-4, 0.5, 64, {})),
        ("loss_sensitive", (64, 1e-4, 0.5, 64, {"delta_weight": 2e-4})),
    ],
)
def test_the_papers_are_the_papers_own(name, expected):
    preset = presets.get(f"{name}/paper")
    batch_size, rate, beta_1, filters, arguments = expected
    assert preset.batch_size == batch_size
    assert preset.d_rate == preset.g_rate == rate
    assert preset.beta_1 == beta_1
    assert preset.network_arguments["filters"] == filters
    assert preset.arguments == {**arguments, "generator_average": 0.999}
    assert preset.optimizer == ("Adamax" if name == "magan" else "Adam")
    assert (preset.patience is not None) == (name == "began")


@on("torch")
@pytest.mark.filterwarnings("ignore:For a whole epoch:UserWarning")
@pytest.mark.parametrize("name", DIGITS)
def test_what_is_built_trains(name):
    random.seed(0)
    preset = presets.get(name)
    gan = presets.build(name, seed=3, network_arguments={"filters": 2})
    assert type(gan).__name__ == preset.gan
    assert gan.image_shape == preset.image_shape
    assert gan.seed == 3
    before = weights(gan.generator)
    if preset.gan == "MAGAN":
        gan.epochs_done.assign(3)
    images = np.random.default_rng(0).integers(0, 256, (8, *gan.image_shape), dtype="uint8")
    gan.fit(images, batch_size=4, verbose=0)
    assert not np.array_equal(before[0], weights(gan.generator)[0])
    rates = [float(optimizer.learning_rate) for optimizer in gan.optimizer.optimizers]
    assert rates == pytest.approx([preset.d_rate, preset.g_rate])


@on("torch")
def test_what_is_given_changes_the_preset():
    gan = presets.build(
        "began/digits",
        (32, 24, 3),
        network_arguments={"filters": 2, "embedding_dim": 5},
        d_rate=0.5,
        g_rate=0.25,
        gamma=0.3,
        augment="color",
    )
    assert gan.image_shape == (32, 24, 3)
    assert gan.discriminator.encoder.output_shape == (None, 5)
    assert float(gan.gamma) == pytest.approx(0.3)
    assert float(gan.lambda_k) == pytest.approx(0.05)
    assert gan.augment.policy == "color"
    assert [float(o.learning_rate) for o in gan.optimizer.optimizers] == [0.5, 0.25]


@on("torch")
def test_the_shape_is_in_keras_image_data_format(monkeypatch):
    monkeypatch.setattr(keras.config, "image_data_format", lambda: "channels_first")
    asked = []

    def network(image_shape, filters):
        asked.append(image_shape)
        raise NotImplementedError

    monkeypatch.setattr(networks, "dcgan_autoencoder", network)
    with pytest.raises(NotImplementedError):
        presets.build("began/digits")
    assert asked == [(1, 28, 28)]


@on("torch")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "began/digit",
            r"must be the name of a preset: .*; got 'began/digit'\. Did you mean 'began/d",
        ),
        ("zzz", "must be the name of a preset: began/digits, .*; got 'zzz'.$"),
        (None, "must be the name of a preset: .*; got None"),
    ],
)
def test_unknown_names_are_refused(name, message):
    for of in (presets.get, presets.build):
        with pytest.raises(ValueError, match=f"`name` {message}"):
            of(name)


@on("torch")
def test_a_network_for_one_shape_is_not_built_for_others():
    with pytest.raises(ValueError, match=r"`image_shape` must be \(28, 28, 1\), the only shape of"):
        presets.build("magan/paper", (32, 32, 1))


@on("torch")
def test_a_preset_cannot_be_changed_by_who_has_got_it():
    presets.get("began/digits").arguments["gamma"] = 0.1
    assert presets.get("began/digits").arguments["gamma"] == 0.9


@on("torch")
def test_the_trained_ones_are_small_and_named():
    folder = Path(presets.__file__).parent / "trained"
    sizes = {path.stem: path.stat().st_size for path in folder.glob("*.keras")}
    assert sizes.keys() == {name.replace("/", "_") for name in presets.trained()}
    assert sum(sizes.values()) <= 3_000_000


@on("torch")
@pytest.mark.parametrize("name", presets.trained())
def test_the_trained_ones_are_ready(name):
    gan, preset = keras_egan.load(name), presets.get(name)
    assert type(gan).__name__ == preset.gan
    assert gan.image_shape == preset.image_shape
    rates = [float(optimizer.learning_rate) for optimizer in gan.optimizer.optimizers]
    assert rates == pytest.approx([preset.d_rate, preset.g_rate])
    samples = gan.sample(256, seed=0)
    noise = np.random.default_rng(0).uniform(-1, 1, samples.shape).astype("float32")
    # The discriminator in the file is trained: it separates data from noise.
    assert gan.energy(samples).max() < gan.energy(noise).min()
    # In 128 random pairs, no two samples are alike: their mean distance is 0.05 per pixel.
    assert np.abs(samples[:128] - samples[128:]).mean(axis=(1, 2, 3)).min() > 0.05


@pytest.mark.parametrize("name", presets.trained())
def test_trained_samples_are_the_same_everywhere(name):
    """Compare with the network's arithmetic in NumPy, in double precision."""
    gan = keras_egan.load(name)
    latents = np.random.default_rng(5).uniform(-1, 1, (4, 64)).astype("float32")
    layers = Layers(gan.generator)
    expected = small_generator(layers, latents.astype("float64"), (7, 7, 40))
    assert layers.finished()
    np.testing.assert_allclose(gan.sample(4, seed=5), expected, atol=1e-4)


@on("torch")
def test_a_hub_is_left_to_keras(monkeypatch):
    asked = []
    gan = presets.build("began/digits", network_arguments={"filters": 2})

    def load_model(path, **arguments):
        asked.append((path, arguments))
        return gan

    monkeypatch.setattr(keras.models, "load_model", load_model)
    assert keras_egan.load("hf://somebody/digits") is gan
    assert asked == [("hf://somebody/digits", {"compile": True, "safe_mode": True})]
    gan = gan.generator
    with pytest.raises(ValueError, match=r"^hf://somebody/digits must hold a GAN of keras_egan"):
        keras_egan.load("hf://somebody/digits")
