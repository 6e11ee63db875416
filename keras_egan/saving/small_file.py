"""A saved GAN made small: without optimizers and average, its matrices in half precision."""

import io
import json
import re
import zipfile

import h5py
import numpy as np

_CONFIG = "config.json"
_WEIGHTS = "model.weights.h5"
_LEFT_OUT = re.compile(r"([dg]_)?optimizer(/|$)|layers/weight_average(/|$)")
_LARGEST = float(np.finfo("float16").max)


def shrunk(data: bytes) -> dict[str, bytes]:
    """Return the members of a `.keras` file by name, made small.

    Numbers and vectors, such as biases and normalization's statistics, keep their precision; they
    are few. The loaded GAN is not compiled, and its average restarts from the generator's weights.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        members = {name: archive.read(name) for name in names}
    config = json.loads(members[_CONFIG])
    config["compile_config"] = None
    members[_CONFIG] = json.dumps(config).encode()
    members[_WEIGHTS] = _halved(members[_WEIGHTS])
    return members


def zipped(members: dict[str, bytes]) -> bytes:
    """Return a `.keras` file with these members, compressed."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def _halved(data):
    file = io.BytesIO()
    with h5py.File(io.BytesIO(data)) as source, h5py.File(file, "w") as target:

        def copy(name, item):
            if _LEFT_OUT.match(name):
                return
            if isinstance(item, h5py.Group):
                into = target.require_group(name)
            else:
                into = target.create_dataset(name, data=_half(item[()]))
            into.attrs.update(item.attrs)

        source.visititems(copy)
        target.attrs.update(source.attrs)
    return file.getvalue()


def _half(value):
    fits = np.ndim(value) > 1 and value.dtype == np.float32 and np.abs(value).max() <= _LARGEST
    return value.astype("float16") if fits else value
