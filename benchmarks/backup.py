"""How long a step waits for a backup, and what writing in a thread would gain.

Trains one GAN twice, with a backup every so many steps: as `Backup` writes it, and by a `Backup`
that copies the arrays and writes them in a thread, while training goes on.
"""

import argparse
import tempfile
import threading
from pathlib import Path
from time import perf_counter

import keras
import numpy as np

import keras_egan
from keras_egan import callbacks, networks


class Timed(callbacks.Backup):
    """Notes how long each backup takes, and of how many bytes it is."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.seconds, self.size = [], 0

    def write(self, metadata, arrays):
        started = perf_counter()
        self.size = sum(array.nbytes for array in arrays.values())
        self.begin(metadata, arrays)
        self.seconds.append(perf_counter() - started)

    def begin(self, metadata, arrays):
        super().write(metadata, arrays)

    def finish(self):
        """Waits for what is still being written."""


class InThread(Timed):
    """Copies the arrays, which the next step changes, and writes them in a thread."""

    thread = None

    def begin(self, metadata, arrays):
        self.finish()
        copies = {name: np.array(array) for name, array in arrays.items()}
        write = super().begin
        self.thread = threading.Thread(target=write, args=(metadata, copies))
        self.thread.start()

    def finish(self):
        if self.thread:
            self.thread.join()


class Steps(keras.callbacks.Callback):
    """Notes when steps end; a backup comes between two of them."""

    def __init__(self):
        super().__init__()
        self.ends = []

    def on_train_batch_end(self, batch, logs=None):
        self.ends.append(perf_counter())

    def get_state(self):
        return {}


def gan(mebibytes):
    """Returns a GAN whose variables, with Adam's, have about so many MiB."""
    units = int(np.sqrt(mebibytes * 2**20 / 12 / 2))  # two layers of its square
    made = networks.mlp(2, units=units, n_layers=2)
    made = keras_egan.LeastSquaresGAN(*made, seed=0)
    made.compile(keras.optimizers.Adam(1e-4), keras.optimizers.Adam(1e-4))
    return made


def measure(kind, mebibytes, every, steps, folder):
    """Returns the backup's size, its seconds, and the seconds of all steps after the first."""
    images = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")
    backup, clock = kind(folder, every=every), Steps()
    made = gan(mebibytes)
    made.fit(images, batch_size=64, steps_per_epoch=2, verbose=0)  # compiles
    started = perf_counter()
    made.fit(images, batch_size=64, steps_per_epoch=steps, verbose=0, callbacks=[clock, backup])
    backup.finish()
    total = perf_counter() - started
    return backup.size / 2**20, np.array(backup.seconds), np.diff(clock.ends), total


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mebibytes", type=float, default=100)
    parser.add_argument("--every", type=int, default=20, help="steps between backups")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--folder", type=Path, help="on the disk to measure")
    given = parser.parse_args()
    print(f"Keras {keras.__version__}, {keras.backend.backend()}")
    for name, kind in {"Backup": Timed, "in a thread": InThread}.items():
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            size, waits, steps, total = measure(
                kind, given.mebibytes, given.every, given.steps, Path(folder)
            )
        print(
            f"{name:12} {size:.0f} MiB: training waits {np.median(waits):.2f} s per backup, at "
            f"most {waits.max():.2f} s. A step takes {1000 * np.median(steps):.0f} ms; "
            f"{given.steps} steps with {len(waits)} backups {total:.1f} s"
        )


if __name__ == "__main__":
    main()
