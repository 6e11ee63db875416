"""The losses and controllers of 50 steps of each GAN, compared with those in text files.

They change if a loss, the order of updates or a rate changes. One file serves all backends:
`KERAS_BACKEND=jax python -m tests.test_golden` writes them anew.
"""

from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from tests.registry import CASES, CONDITIONAL, FOLLOWING, IMAGE_SHAPE, LATENT_DIM, adam, given

GOLDEN = Path(__file__).parent / "golden"
EPOCHS, STEPS, BATCH = 5, 10, 8

# One GAN of each paper. MAGAN has labels, and its margin falls.
NAMES = (
    "began",
    "ebgan",
    "magan_classes",
    "lsgan",
    "ls_gan",
    "began_cs",
    "relativistic",
    "cls_gan",
)
TRACED = [*(case for case in [*CASES, *CONDITIONAL] if case.name in NAMES), FOLLOWING]


def waves(shape, phase=0.0):
    """Return numbers in [-1, 1] that depend on the shape alone, without a seed."""
    return np.sin(1.7 * np.arange(np.prod(shape)) + phase).reshape(shape).astype("float32")


def give_weights_and_latents(gan):
    for index, variable in enumerate(gan.trainable_variables):
        variable.assign(0.4 * waves(variable.shape, index))
    if "k_t" in gan._states:
        gan.k_t.assign(0.3)  # from here it can rise and fall
    draws = 0

    def draw_latents(rows):
        nonlocal draws
        draws = draws % 2 + 1  # the discriminator's, the generator's, the discriminator's, ...
        phase = 0.9 * draws + 0.3 * ops.cast(gan.step, "float32")
        return ops.sin(ops.convert_to_tensor(waves((BATCH, LATENT_DIM))) + phase)

    gan._draw_latents = draw_latents
    if gan.augment:
        gan.augment.draw = draw_augmentation


def draw_augmentation(n):
    """Return numbers of which each image's lies below a rising probability."""
    chosen = 0.05 * (1.0 + waves((BATCH,)))
    numbers = {"chosen": chosen, "translation": 0.5 + 0.49 * waves((BATCH, 2))}
    return {name: ops.convert_to_tensor(value) for name, value in numbers.items()}


def trace(case):
    """Return the names of a GAN's logs and its states, and their values in each of 50 steps."""
    rows = []

    class Note(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            states = self.model._states  # JAX updates the variables when `model` is read
            rows.append({**logs, **{name: float(state) for name, state in states.items()}})

    gan = case.build(adam)
    give_weights_and_latents(gan)
    gan.fit(
        given(gan, waves((STEPS * BATCH, *IMAGE_SHAPE))),
        batch_size=BATCH,
        epochs=EPOCHS,
        shuffle=False,
        verbose=0,
        callbacks=[Note()],
        # They have more energy than the data. An evaluation would draw latents too.
        validation_data=np.sign(waves((11, *IMAGE_SHAPE))) if gan.augment else None,
        validation_freq=EPOCHS + 1,
    )
    names = sorted(rows[0])
    return names, np.array([[float(row[name]) for name in names] for row in rows])


def path_of(case):
    return GOLDEN / f"{case.name}.txt"


@pytest.mark.filterwarnings("ignore:For a whole epoch:UserWarning")
@pytest.mark.parametrize("case", TRACED, ids=lambda case: case.name)
def test_fifty_steps_are_those_that_were_kept(case):
    names, found = trace(case)
    assert path_of(case).read_text().splitlines()[0].split() == names
    expected = np.loadtxt(path_of(case), skiprows=1)
    for name, values, kept in zip(names, found.T, expected.T, strict=True):
        np.testing.assert_allclose(values, kept, rtol=1e-5, atol=1e-6, err_msg=name)


def rewrite():
    GOLDEN.mkdir(exist_ok=True)
    for case in TRACED:
        names, values = trace(case)
        np.savetxt(path_of(case), values, "%15.8e", header=" ".join(names), comments="")


if __name__ == "__main__":
    rewrite()
