"""`keras_egan.load`: a GAN, or one sentence about what is wrong with the file."""

import copy
import json
import random
import zipfile

import keras
import numpy as np
import pytest

import keras_egan
from keras_egan import presets
from tests.conftest import few, on
from tests.damaged import ABSURD, HOSTILE, absurd
from tests.registry import CASES, adam, state, tiny_networks, uint8_images, weights


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Write the file of a trained BEGAN."""
    path = tmp_path_factory.mktemp("whole") / "gan.keras"
    gan = CASES[0].build()
    gan.fit(uint8_images(20), batch_size=10, verbose=0)
    gan.save(path)
    return path


@on("torch")
@pytest.mark.parametrize("damage", HOSTILE | ABSURD)
def test_load_names_the_file_and_what_is_wrong(damage, whole, tmp_path):
    path = tmp_path / "gan.keras"
    path.write_bytes(whole.read_bytes())
    (HOSTILE | ABSURD)[damage](path)
    with pytest.raises(ValueError, match=r"gan\.keras (cannot be opened: \S|holds a )") as refused:
        keras_egan.load(path)
    words = str(refused.value.__cause__ or "").partition("Full object config")[0]
    assert words.strip() in str(refused.value)  # Keras's own words are included
    assert "Full object config" not in str(refused.value)  # many pages


@on("torch")
@pytest.mark.parametrize("size", [3 * 2**30, 2**32 - 2])
@pytest.mark.parametrize("opens", [keras_egan.load, CASES[0].build().load_weights])
def test_an_absurd_size_is_refused_before_anything_is_read(
    opens, size, whole, tmp_path, monkeypatch
):
    path = tmp_path / "gan.keras"
    path.write_bytes(whole.read_bytes())
    absurd("config.json", 10, told=size)(path)
    with zipfile.ZipFile(path) as archive:
        total = sum(member.file_size for member in archive.infolist())
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    with pytest.raises(ValueError, match=rf"its [\d,]+ bytes would unpack to {total:,}"):
        opens(path)


def places(value, place=()):
    """Return the paths of all values in a configuration."""
    inner = value.items() if isinstance(value, dict) else ()
    inner = enumerate(value) if isinstance(value, list) else inner
    return [p for key, v in inner for p in [(*place, key), *places(v, (*place, key))]]


ALTERATIONS = {
    "dropped": lambda holder, key: holder.pop(key),
    "doubled": lambda holder, key: (
        holder.update({f"_{key}": holder[key]})
        if isinstance(holder, dict)
        else holder.append(holder[key])
    ),
    **{
        name: lambda holder, key, change=change: holder.__setitem__(key, change(holder[key]))
        for name, change in {
            "nothing": lambda value: None,
            "a number": lambda value: -1.5,
            "true": lambda value: True,
            "a list": lambda value: [],
            "a dict": lambda value: {},
            "nested": lambda value: {"a": value},
            "listed": lambda value: [value],
            "a long text": lambda value: "x" * 20_000,
        }.items()
    },
}


@on("torch")
@pytest.mark.slow
def test_every_altered_configuration_gives_a_gan_or_a_sentence(tmp_path):
    generator, discriminator = (
        keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)], name=name)
        for name in ("generator", "discriminator")
    )
    gan = keras_egan.BEGAN(generator, discriminator)
    gan.compile("sgd", keras.optimizers.Adam(1e-3), jit_compile=False)
    path = tmp_path / "gan.keras"
    gan.save(path)
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    whole = json.loads(contents["config.json"])
    every = [(place, name) for place in places(whole) for name in ALTERATIONS]
    opened, altered = 0, random.Random(0).sample(every, 200)
    for place, name in altered:
        values = holder = copy.deepcopy(whole)
        for key in place[:-1]:
            holder = holder[key]
        ALTERATIONS[name](holder, place[-1])
        with zipfile.ZipFile(path, "w") as archive:
            for member, data in contents.items():
                own = member == "config.json"
                archive.writestr(member, json.dumps(values) if own else data)
        try:
            found = keras_egan.load(path)
        except ValueError as error:
            message = str(error)
            assert "gan.keras" in message, (place, name)
        else:
            assert isinstance(found, keras_egan.EnergyGAN), (place, name)
            opened += 1
    assert 50 < opened < 150


def test_load_opens_what_save_saved(whole):
    gan = keras_egan.load(str(whole))
    assert type(gan) is keras_egan.BEGAN
    assert gan.compiled
    assert all(map(np.array_equal, state(gan), state(keras.models.load_model(whole))))


@on("torch")
def test_load_says_what_else_it_was_given(tmp_path, monkeypatch):
    generator, _ = tiny_networks()
    generator.save(tmp_path / "generator.keras")
    with pytest.raises(
        ValueError, match=r"must hold a GAN .* a Sequential\. .* `keras.models.load_model`"
    ):
        keras_egan.load(tmp_path / "generator.keras")
    gan = CASES[0].build()
    gan.save(tmp_path / "gan.keras")
    monkeypatch.delitem(keras.saving.get_custom_objects(), "keras_egan>BEGAN")
    monkeypatch.delattr(keras_egan.gans.began, "BEGAN")
    with pytest.raises(
        ValueError,
        match=r"gan\.keras cannot be opened: Could not locate class 'BEGAN'.* load them\.$",
    ):
        keras_egan.load(tmp_path / "gan.keras")
    with pytest.raises(FileNotFoundError, match=r"none\.keras"):
        keras_egan.load(tmp_path / "none.keras")
    with pytest.raises(ValueError, match="cannot be opened: "):
        keras_egan.load(tmp_path)


@on("torch")
@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("began/mnits", r"\. Did you mean 'began/mnist'\?$"),
        ("began/digits", r"\. Did you mean '"),  # a preset that does not come trained
        ("gan.h5", r"\.$"),
    ],
)
def test_load_names_the_gans_that_come_trained(path, hint):
    message = "`filepath` must be a `.keras` file or the name of a pretrained GAN: "
    known = ", ".join(presets.trained())
    with pytest.raises(ValueError, match=f"^{message}{known}; got '{path}'{hint}"):
        keras_egan.load(path)


@on("torch")
def test_load_opens_a_folder_that_save_wrote(tmp_path):
    gan = CASES[0].build()
    gan.save(tmp_path / "gan", zipped=False)
    assert all(map(np.array_equal, state(gan), state(keras_egan.load(tmp_path / "gan"))))


@pytest.mark.parametrize("average", few([None, 0.9], None))
@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method:UserWarning")
@pytest.mark.filterwarnings("ignore:`model.quantize:UserWarning")  # from Keras 3.16 on
@pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer:UserWarning")  # Keras's
@pytest.mark.parametrize("change", few(["frozen", "frozen whole", "quantized"], "frozen"))
def test_a_gan_that_was_frozen_or_quantized_opens_and_trains_on(change, average, tmp_path):
    gan, images = CASES[0].build(adam, generator_average=average), uint8_images(20)
    gan.fit(images, batch_size=10, verbose=0)
    side, kept = "g", gan.generator
    if change == "frozen":
        side, kept = "d", gan.discriminator.encoder.layers[1]
        kept.trainable = False
    elif change == "frozen whole":
        kept.trainable = False
    else:
        kept.quantize("int8")
    gan.save(tmp_path / "gan.keras")
    with pytest.warns(UserWarning, match=f"^`{side}_optimizer` starts anew, because"):
        loaded = keras_egan.load(tmp_path / "gan.keras")
    for network in ("generator", "discriminator"):
        before, after = (weights(getattr(one, network)) for one in (gan, loaded))
        for one, other in zip(before, after, strict=True):
            np.testing.assert_array_equal(one, other)
    begun = {"d": loaded.d_optimizer, "g": loaded.g_optimizer}
    iterations = {name: int(optimizer.iterations) for name, optimizer in begun.items()}
    assert iterations == {"d": 2, "g": 2, side: 0}
    z = np.random.default_rng(0).uniform(-1, 1, (3, 4)).astype("float32")
    expected = gan.predict(z, verbose=0)
    np.testing.assert_allclose(loaded.predict(z, verbose=0), expected, atol=1e-6)
    if change == "quantized":
        np.testing.assert_allclose(loaded.generate(z), expected, atol=1e-6)
    else:
        before = weights(kept)
        loaded.fit(images, batch_size=10, verbose=0)
        assert int(loaded.step) == 4
        layer = loaded.discriminator.encoder.layers[1] if side == "d" else loaded.generator
        for one, other in zip(before, weights(layer), strict=True):
            np.testing.assert_array_equal(one, other)
