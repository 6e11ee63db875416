"""Does a long training use more and more memory?

    KERAS_BACKEND=torch python benchmarks/growth.py

Trains BEGAN on 16x16 digits for 20,000 steps, with SampleGrid, EquilibriumLogger and Backup. Every
1,000 steps it reads the memory of the process, Linux's resident set in MiB. It prints a JSON row of
the readings.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

import keras

import keras_egan
from keras_egan import callbacks, datasets, networks


class Readings(keras.callbacks.Callback):
    """Read the memory after a number of steps."""

    def __init__(self, every):
        super().__init__()
        self.every, self.steps, self.found = every, 0, []

    def get_state(self):
        return {}  # no state for a backup

    def set_state(self, state):
        pass

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1
        if self.steps % self.every == 0:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            self.found.append(round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20))


parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument("--steps", type=int, default=20_000, help="training steps")
parser.add_argument("--plain", action="store_true", help="without callbacks")
arguments = parser.parse_args()

keras.utils.set_random_seed(0)
images = datasets.load("digits", image_size=16, batch_size=16, drop_remainder=True)
sizes = {"filters": 4, "latent_dim": 16, "embedding_dim": 16}
gan = keras_egan.BEGAN(*networks.dcgan_autoencoder((16, 16, 1), **sizes), seed=0)
gan.compile(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(1e-3))
readings = Readings(arguments.steps // 20)
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder)
    others = [
        callbacks.SampleGrid(path / "samples", every=arguments.steps // 40),
        callbacks.EquilibriumLogger(path / "equilibrium.csv"),
        callbacks.Backup(path / "backup", every=arguments.steps // 20),
    ]
    gan.fit(
        images,
        epochs=arguments.steps // len(images) + 1,
        verbose=0,
        callbacks=[readings] if arguments.plain else [readings, *others],
    )
found = readings.found
row = {"backend": keras.backend.backend(), "steps": arguments.steps, "MiB": found}
print(json.dumps({**row, "growth after the fifth reading": found[-1] - found[4]}))
