"""Makes the file of a pretrained GAN from one that `quality.py` trained.

    python benchmarks/trained.py --file quality/began_mnist_0/gan.keras \
        --output keras_egan/presets/trained/began_mnist.keras

The generator gets its averaged weights, and the optimizers are left out. Matrices are rounded to
half precision. Numbers and vectors, such as normalisation's statistics, stay as they are.
"""

import argparse
import io
import zipfile
from pathlib import Path

import h5py
import numpy as np

import keras_egan
from keras_egan.saving import files

WEIGHTS = "model.weights.h5"


def bare(gan):
    """Return a GAN without optimizers and average; its generator has the averaged weights."""
    made = type(gan).from_config({**gan.get_config(), "generator_average": None})
    with gan.averaged():
        made.generator.set_weights(gan.generator.get_weights())
    made.discriminator.set_weights(gan.discriminator.get_weights())
    for name, state in gan._states.items():
        made._states[name].assign(state)
    return made


def halved(data):
    """Return the bytes of an HDF5 file with its matrices in half precision."""
    made = io.BytesIO()
    with h5py.File(io.BytesIO(data)) as source, h5py.File(made, "w") as target:

        def copy(name, item):
            if isinstance(item, h5py.Group):
                into = target.require_group(name)
            else:
                value = item[()]
                small = np.ndim(value) > 1 and value.dtype == np.float32
                into = target.create_dataset(name, data=value.astype("float16") if small else value)
            into.attrs.update(item.attrs)

        source.visititems(copy)
        target.attrs.update(source.attrs)
    return made.getvalue()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--file", type=Path, required=True, help="a `.keras` file of a trained GAN")
    parser.add_argument("--output", type=Path, required=True, help="the file to write")
    arguments = parser.parse_args()

    bare(keras_egan.load(arguments.file)).save(arguments.output)
    made = io.BytesIO()
    with zipfile.ZipFile(arguments.output) as source, zipfile.ZipFile(made, "w", 8) as target:
        for member in source.infolist():
            data = source.read(member)
            target.writestr(member, halved(data) if member.filename == WEIGHTS else data, 8)
    files.write(arguments.output, made.getvalue())
    print(f"{arguments.output}: {len(made.getvalue()):,} bytes")
