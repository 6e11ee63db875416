"""`.keras` files: complete, the same on every backend, and refused where they are not whole."""

import json
import zipfile

import keras
import numpy as np
import pytest

import keras_egan
from tests.registry import CASES, state, tiny_networks, uint8_images, weights


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A trained BEGAN's file."""
    path = tmp_path_factory.mktemp("whole") / "gan.keras"
    gan = CASES[0].build()
    gan.fit(uint8_images(20), batch_size=10, verbose=0)
    gan.save(path)
    return path


def cut(fraction):
    def damage(path):
        data = path.read_bytes()
        path.write_bytes(data[: int(fraction * len(data))])

    return damage


def flip(member, fraction):
    """Flips one bit of a member's data, or, without a member, of the archive's directory."""

    def damage(path):
        data = bytearray(path.read_bytes())
        with zipfile.ZipFile(path) as archive:
            start, size = archive.start_dir, len(data) - archive.start_dir
            if member:
                info = archive.getinfo(member)
                start = info.header_offset + 30 + len(member)
                size = info.compress_size
        data[start + int(fraction * (size - 1))] ^= 4
        path.write_bytes(data)

    return damage


def members(change):
    """Writes the archive anew, with its members as `change` leaves them."""

    def damage(path):
        with zipfile.ZipFile(path) as archive:
            contents = {name: archive.read(name) for name in archive.namelist()}
        change(contents)
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in contents.items():
                archive.writestr(name, data)

    return damage


def config(change):
    def edit(contents):
        values = json.loads(contents["config.json"])
        change(values["config"])
        contents["config.json"] = json.dumps(values).encode()

    return members(edit)


def layer(network, **entries):
    """Replaces the class of a network's last layer."""

    def change(values):
        values[network]["config"]["layers"][-1].update(entries)

    return config(change)


def lambda_layer():
    made = keras.layers.Lambda(lambda x: x)
    return keras.saving.serialize_keras_object(made)


HOSTILE = {
    **{f"cut to {fraction:.0%}": cut(fraction) for fraction in (0.0, 0.01, 0.3, 0.7, 0.999)},
    **{
        f"a bit of {member or 'the directory'} at {at:.0%}": flip(member, at)
        for member, at in (
            ("config.json", 0.1),
            ("config.json", 0.8),
            ("model.weights.h5", 0.05),
            ("model.weights.h5", 0.5),
            ("model.weights.h5", 0.95),
            (None, 0.0),
        )
    },
    "a Lambda in the generator": layer("generator", **lambda_layer()),
    "a Lambda as the discriminator": config(lambda v: v.update(discriminator=lambda_layer())),
    "an unknown class": layer("generator", class_name="Unknown", registered_name="Mine>Unknown"),
    "a class of another module": layer("generator", module="os", class_name="system"),
    "a builtin": layer("generator", module="builtins", class_name="eval", registered_name=None),
    "an argument out of range": config(lambda v: v.update(gamma=7.0)),
    "an unknown argument": config(lambda v: v.update(extra=1)),
    "a missing argument": config(lambda v: v.pop("discriminator")),
    "no configuration": members(lambda contents: contents.pop("config.json")),
    "no JSON": members(lambda contents: contents.update({"config.json": b"{"})),
    "no weights": members(lambda contents: contents.pop("model.weights.h5")),
    "weights that are no HDF5": members(lambda c: c.update({"model.weights.h5": b"x" * 3000})),
}


@pytest.mark.parametrize("damage", HOSTILE)
def test_a_damaged_or_hostile_file_is_refused(damage, whole, tmp_path):
    path = tmp_path / "gan.keras"
    path.write_bytes(whole.read_bytes())
    HOSTILE[damage](path)
    with pytest.raises(Exception) as refused:  # noqa: PT011 (Keras's and zipfile's, of any class)
        keras.models.load_model(path)
    assert 10 < len(str(refused.value)) < 1000


def test_the_model_in_memory_stays_as_it_was(whole, tmp_path):
    gan = CASES[0].build()
    gan.fit(uint8_images(20), batch_size=10, verbose=0)
    gan.save_weights(tmp_path / "gan.weights.h5")
    gan.fit(uint8_images(20), batch_size=10, verbose=0)
    before = state(gan)
    path = tmp_path / "gan.weights.h5"
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(OSError, match="truncated"):
        gan.load_weights(path)
    other = keras_egan.BEGAN(*tiny_networks(latent_dim=5))
    other.compile("adam", "adam")
    other.save_weights(tmp_path / "other.weights.h5")
    with pytest.raises(ValueError, match="could not be loaded"):
        gan.load_weights(tmp_path / "other.weights.h5")
    for one, now in zip(before, state(gan), strict=True):
        np.testing.assert_array_equal(one, now)


def test_the_file_of_an_uncompiled_model(tmp_path):
    gan = keras_egan.BEGAN(*tiny_networks())
    gan.save(tmp_path / "gan.keras")
    loaded = keras.models.load_model(tmp_path / "gan.keras")
    for one, other in zip(weights(gan), weights(loaded), strict=True):
        np.testing.assert_array_equal(one, other)
