"""Train GANs of the registry from given weights and latents, and keep the results.

Run `python -m tests.parity FOLDER GAN...` on all backends at once. In a folder of its name, each
backend leaves every GAN's file after 10 steps, its metrics and its variables. Then it compares the
other backends' results with its own.
"""

import sys
import time
from pathlib import Path

import keras
import numpy as np
from keras import ops

from tests.registry import (
    CASES,
    CONDITIONAL,
    LATENT_DIM,
    VARIANTS,
    adam,
    float_images,
    given,
    sgd,
    state,
)

STEPS, BATCH = 10, 16
DONE, PATIENCE = "done", 300  # seconds
WITH_FILES = [*CASES, *CONDITIONAL]
EVERY = [case.name for case in [*WITH_FILES, *VARIANTS]]


def give_weights(gan):
    """Set weights that do not come from the backend's random numbers."""
    rng = np.random.default_rng(0)
    for variable in gan.trainable_variables:
        variable.assign(rng.normal(0.0, 0.3, variable.shape).astype("float32"))


def give_latents(gan):
    """Set latents that do not come from the backend's random numbers."""
    phase = np.linspace(0.0, 20.0, BATCH * LATENT_DIM, dtype="float32").reshape(BATCH, -1)
    draws = 0

    def draw_latents(rows):
        nonlocal draws
        draws = draws % 2 + 1  # z_D, z_G, z_D, ...
        return ops.sin(
            ops.convert_to_tensor(phase) + 1.7 * ops.cast(gan.step, "float32") + 0.9 * draws
        )

    gan._draw_latents = draw_latents


def train(gan, half):
    """Train for the first or the second 10 steps; return the metrics of each step."""
    images = float_images(2 * STEPS * BATCH).reshape(2, STEPS * BATCH, 8, 8, 1)[half]
    rows = []
    collect = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: rows.append([float(logs[k]) for k in sorted(logs)])
    )
    give_latents(gan)
    gan.fit(given(gan, images), batch_size=BATCH, shuffle=False, verbose=0, callbacks=[collect])
    assert len(rows) == STEPS
    return np.array(rows)


def predicted(gan):
    latents = np.linspace(-1.0, 1.0, 5 * LATENT_DIM, dtype="float32").reshape(5, -1)
    inputs = [latents, np.arange(5) % gan.num_classes] if gan.num_classes else latents
    return gan.predict(inputs, verbose=0)


def trajectories(folder, names):
    """Return the results of 20 steps, a dict per GAN; write files to a folder."""
    runs = [
        *((case.name, case, adam, "alternating") for case in WITH_FILES),
        *((f"{case.name} simultaneous", case, sgd, "simultaneous") for case in CASES[::4]),
        *((case.name, case, sgd, "alternating") for case in VARIANTS),
    ]
    found = {}
    for name, case, optimizer, updates in runs:
        if case.name not in names:
            continue
        gan = case.build(optimizer, updates=updates)
        give_weights(gan)
        logs = train(gan, 0)
        halfway = {f"saved_{index}": array for index, array in enumerate(state(gan))}
        if optimizer is adam:
            gan.save(folder / f"{name}.keras")
        predictions = predicted(gan)
        found[name] = {"logs": np.concatenate([logs, train(gan, 1)]), "predicted": predictions}
        found[name] |= halfway | {f"end_{index}": array for index, array in enumerate(state(gan))}
    return found


def near(one, other, name):
    """Assert that, in each column, arrays differ by at most 1e-5 of the largest number."""
    scale = np.abs(other).max(axis=0 if name.endswith("logs") else None, initial=0.0)
    assert (np.isclose(one, other, rtol=0.0, atol=1e-5 * scale)).all(), name


def compare(folder, own):
    """Compare the metrics, variables and files in a folder with this backend's own."""
    for name, ours in own.items():
        with np.load(folder / f"{name}.npz") as theirs:
            for key in theirs.files:
                near(ours[key], theirs[key], f"{name} {key}")
    for case in (case for case in WITH_FILES if case.name in own):
        gan = keras.models.load_model(folder / f"{case.name}.keras")
        with np.load(folder / f"{case.name}.npz") as theirs:
            for index, array in enumerate(state(gan)):
                np.testing.assert_array_equal(array, theirs[f"saved_{index}"], err_msg=case.name)
            np.testing.assert_allclose(predicted(gan), theirs["predicted"], atol=1e-6)
            train(gan, 1)
            for index, array in enumerate(state(gan)):
                near(array, theirs[f"end_{index}"], f"{case.name} {index}")


def run(folder, names):
    """Leave this backend's trajectories, and compare the others' once they are there."""
    backend = keras.backend.backend()
    own = trajectories(folder / backend, names)
    for name, arrays in own.items():
        np.savez(folder / backend / f"{name}.npz", **arrays)
    (folder / backend / DONE).touch()
    for other in folder.iterdir():
        deadline = time.monotonic() + PATIENCE
        while not (other / DONE).exists():
            assert time.monotonic() < deadline, f"nothing came from {other.name}"
            time.sleep(0.1)
        if other.name != backend:
            compare(other, own)


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2:])
