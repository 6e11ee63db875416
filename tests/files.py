"""Saves every GAN after 10 steps of training, and what 10 more steps make of it.

Run as `python -m tests.files FOLDER`; `compare` then opens the files on another backend.
"""

import sys
from pathlib import Path

import keras
import numpy as np

from tests.parity import give_latents, give_weights
from tests.registry import CASES, LATENT_DIM, float_images, weights

STEPS, BATCH = 10, 16


def train(gan, part):
    images = float_images(2 * STEPS * BATCH).reshape(2, STEPS * BATCH, 8, 8, 1)[part]
    give_latents(gan)
    gan.fit(images, batch_size=BATCH, shuffle=False, verbose=0)


def state(gan):
    """Returns all variables, the optimizers' and the running means, by position."""
    others = gan.optimizer.variables + gan.running_means.variables
    return weights(gan) + [np.array(keras.ops.convert_to_numpy(v)) for v in others]


def predicted(gan):
    latents = np.linspace(-1.0, 1.0, 5 * LATENT_DIM, dtype="float32").reshape(5, -1)
    return gan.predict(latents, verbose=0)


def write(folder):
    for case in CASES:
        gan = case.build()
        give_weights(gan)
        train(gan, 0)
        gan.save(folder / f"{case.name}.keras")
        np.savez(folder / f"{case.name}_saved.npz", *state(gan), predicted=predicted(gan))
        train(gan, 1)
        np.savez(folder / f"{case.name}_after.npz", *state(gan))


def compare(folder):
    for name in (case.name for case in CASES):
        gan = keras.models.load_model(folder / f"{name}.keras")
        with np.load(folder / f"{name}_saved.npz") as saved:
            for index, array in enumerate(state(gan)):
                np.testing.assert_array_equal(array, saved[f"arr_{index}"], err_msg=name)
            np.testing.assert_allclose(predicted(gan), saved["predicted"], atol=1e-6)
        train(gan, 1)
        with np.load(folder / f"{name}_after.npz") as after:
            for index, array in enumerate(state(gan)):
                expected = after[f"arr_{index}"]
                scale = np.abs(expected).max(initial=0.0)
                assert np.isclose(array, expected, rtol=0.0, atol=1e-5 * scale).all(), (name, index)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
