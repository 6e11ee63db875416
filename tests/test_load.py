"""`keras_egan.load`: a GAN, or one sentence about what is wrong with the file."""

import copy
import json
import random
import zipfile

import keras
import numpy as np
import pytest

import keras_egan
from tests.damaged import ABSURD, HOSTILE, absurd
from tests.registry import CASES, state, tiny_networks, uint8_images


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A trained BEGAN's file."""
    path = tmp_path_factory.mktemp("whole") / "gan.keras"
    gan = CASES[0].build()
    gan.fit(uint8_images(20), batch_size=10, verbose=0)
    gan.save(path)
    return path


@pytest.mark.parametrize("damage", HOSTILE | ABSURD)
def test_load_says_in_a_sentence_what_is_wrong(damage, whole, tmp_path):
    path = tmp_path / "gan.keras"
    path.write_bytes(whole.read_bytes())
    (HOSTILE | ABSURD)[damage](path)
    with pytest.raises(ValueError, match=r"gan\.keras (cannot be opened: \S|holds )") as refused:
        keras_egan.load(path)
    assert len(str(refused.value)) < 500
    assert "{'" not in str(refused.value)  # no configuration
    assert refused.value.__suppress_context__ or not refused.value.__context__  # nor above it


@pytest.mark.parametrize("size", [3 * 2**30, 2**32 - 2])
def test_an_absurd_size_is_refused_before_anything_is_read(size, whole, tmp_path, monkeypatch):
    path = tmp_path / "gan.keras"
    path.write_bytes(whole.read_bytes())
    absurd("config.json", 10, told=size)(path)
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    with pytest.raises(ValueError, match=f"its member config.json would take {size:,} bytes"):
        keras_egan.load(path)


def places(value, place=()):
    """Returns where everything in a configuration is."""
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
            assert len(message) < 500, (place, name)
            assert "gan.keras" in message, (place, name)
            assert "{'" not in message, (place, name)
        else:
            assert isinstance(found, keras_egan.EnergyGAN), (place, name)
            opened += 1
    assert 50 < opened < 150


def test_load_opens_what_save_saved(whole):
    gan = keras_egan.load(str(whole))
    assert type(gan) is keras_egan.BEGAN
    assert gan.compiled
    assert all(map(np.array_equal, state(gan), state(keras.models.load_model(whole))))


def test_load_says_what_else_it_was_given(tmp_path, monkeypatch):
    generator, _ = tiny_networks()
    generator.save(tmp_path / "generator.keras")
    with pytest.raises(ValueError, match=r"holds Sequential, not a GAN .* keras.models.load_model"):
        keras_egan.load(tmp_path / "generator.keras")
    gan = CASES[0].build()
    gan.save(tmp_path / "gan.keras")
    monkeypatch.delitem(keras.saving.get_custom_objects(), "keras_egan>BEGAN")
    with pytest.raises(ValueError, match=r"holds keras_egan>BEGAN, which is not known .* Import"):
        keras_egan.load(tmp_path / "gan.keras")
    with pytest.raises(FileNotFoundError, match=r"There is no file .*none\.keras"):
        keras_egan.load(tmp_path / "none.keras")
    with pytest.raises(ValueError, match=r"`path` must be a `\.keras` file, .*; .* is a folder"):
        keras_egan.load(tmp_path)
    with pytest.raises(ValueError, match=r"`path` must be a `.keras` file, .*; gan\.h5 is neither"):
        keras_egan.load("gan.h5")
