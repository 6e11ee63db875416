"""Ways to damage a `.keras` file, each a function of its path."""

import json
import struct
import zipfile

import keras


def cut(fraction):
    def damage(path):
        data = path.read_bytes()
        path.write_bytes(data[: int(fraction * len(data))])

    return damage


def flip(member, fraction):
    """Flip one bit of a member's data or, without a member, of the archive's directory."""

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
    """Write the archive anew, with its members as `change` leaves them."""

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
    """Replace the class of a network's last layer."""

    def change(values):
        values[network]["config"]["layers"][-1].update(entries)

    return config(change)


def lambda_layer():
    made = keras.layers.Lambda(lambda x: x)
    return keras.saving.serialize_keras_object(made)


def absurd(name, size, told=None):
    """Pack a member with spaces after its JSON, and give the directory another size."""

    def damage(path):
        with zipfile.ZipFile(path) as archive:
            contents = {name: archive.read(name) for name in archive.namelist()}
        contents[name] = contents.get(name, b"{}") + b" " * size
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, data in contents.items():
                archive.writestr(member, data)
        if told:
            data = bytearray(path.read_bytes())
            at = data.rindex(name.encode()) - 46 + 24  # in the directory's entry
            data[at : at + 4] = struct.pack("<I", told)
            path.write_bytes(data)

    return damage


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
ABSURD = {
    "a configuration of 70 MB": absurd("config.json", 70 * 2**20),
    "one that says it is small": absurd("config.json", 70 * 2**20, told=5000),
    "assets of 70 MB": absurd("assets/a", 70 * 2**20),
    "a list for a configuration": members(lambda c: c.update({"config.json": b"[]"})),
    "a configuration nested deep": members(lambda c: c.update({"config.json": b"[" * 10**5})),
    "no class": members(lambda c: c.update({"config.json": b'{"registered_name": {"a": 1}}'})),
}
"""Damage that Keras accepts, or that crashes it."""
