"""Trains every GAN of the registry for 20 steps from given weights and latents.

Run as `python -m tests.parity FILE`, it writes what came out to an npz file.
"""

import itertools
import sys

import keras
import numpy as np
from keras import ops

from tests.registry import CASES, LATENT_DIM, VARIANTS, float_images

STEPS, BATCH = 20, 16


def give_weights(gan):
    """Gives weights that do not come from the backend's random numbers."""
    rng = np.random.default_rng(0)
    for variable in gan.trainable_variables:
        variable.assign(rng.normal(0.0, 0.3, variable.shape).astype("float32"))


def give_latents(gan):
    """Gives latents that do not come from the backend's random numbers."""
    phase = np.linspace(0.0, 20.0, BATCH * LATENT_DIM, dtype="float32").reshape(BATCH, -1)
    draws = 0

    def draw_latents(rows, seed):
        nonlocal draws
        draws = draws % 2 + 1  # z_D, z_G, z_D, ...
        return ops.sin(
            ops.convert_to_tensor(phase) + 1.7 * ops.cast(gan.step, "float32") + 0.9 * draws
        )

    gan._draw_latents = draw_latents


def trajectories():
    """Returns the final weights and the figures of every step, by name."""
    found = {}
    images = float_images(STEPS * BATCH)
    pairs = [*itertools.product(CASES, ("alternating", "simultaneous"))]
    for case, updates in [*pairs, *((case, "alternating") for case in VARIANTS)]:
        gan = case.build(updates=updates)
        give_weights(gan)
        give_latents(gan)
        rows = []
        collect = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs, rows=rows: rows.append(
                [float(logs[name]) for name in sorted(logs)]
            )
        )
        gan.fit(images, batch_size=BATCH, shuffle=False, verbose=0, callbacks=[collect])
        assert len(rows) == STEPS
        found[f"{case.name}/{updates}/logs"] = np.array(rows)
        for index, variable in enumerate(gan.trainable_variables):
            found[f"{case.name}/{updates}/{index}"] = ops.convert_to_numpy(variable)
    return found


if __name__ == "__main__":
    np.savez(sys.argv[1], **trajectories())
