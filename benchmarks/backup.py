"""How long a step waits for a backup, and how much of that a thread could not take over.

Writes backups of a GAN as `fit` does. A thread would write a copy of the arrays, because the next
step changes them, so that training would still wait for reading and copying.
"""

import argparse
import tempfile
from pathlib import Path
from time import perf_counter

import keras
import numpy as np

import keras_egan
from keras_egan import callbacks, networks
from keras_egan.training.backup_contents import values


def build(mebibytes):
    """Returns a GAN whose variables, with Adam's, have about so many MiB."""
    units = int(np.sqrt(mebibytes * 2**20 / 24))  # a square per network, 12 bytes per weight
    gan = keras_egan.LeastSquaresGAN(*networks.mlp(2, units=units, n_layers=2), seed=0)
    gan.compile(keras.optimizers.Adam(1e-4), keras.optimizers.Adam(1e-4))
    gan.fit(np.zeros((32, 2), "float32"), verbose=0)
    return gan


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mebibytes", type=float, default=100)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--folder", type=Path, help="on the disk to measure")
    given = parser.parse_args()
    gan = build(given.mebibytes)
    copying, writing = [], []
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        backup = callbacks.Backup(folder)
        for step in range(given.repeats):
            began = perf_counter()
            copies = {name: np.array(value) for name, value in values(gan).items()}
            copying.append(perf_counter() - began)
            began = perf_counter()
            arrays = values(gan)
            backup.write({"step": step, "epoch": 0}, arrays)
            writing.append(perf_counter() - began)
    size = sum(array.nbytes for array in copies.values()) / 2**20
    print(f"Keras {keras.__version__}, {keras.backend.backend()}, {size:.0f} MiB, seconds:")
    for name, seconds in {"a backup": writing, "a copy alone": copying}.items():
        print(f"{name:12} median {np.median(seconds):.2f}, longest {max(seconds):.2f}")


if __name__ == "__main__":
    main()
