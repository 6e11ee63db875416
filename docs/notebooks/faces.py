# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---
# %% [markdown]
# # Faces, step by step
#
# This notebook trains an EBGAN on a folder of pictures. Set the environment variable `FACES` to a
# folder of your photographs. Without it, the notebook draws faces of its own, so that it runs
# anywhere.
#
# This page is `docs/notebooks/faces.py` of the repository. Its packages come with
# `python -m pip install ".[tensorflow,examples]"`; any backend will do.

# %%
import os
from pathlib import Path

import keras
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image, ImageDraw

from keras_egan import callbacks, datasets, pictures, presets


def draw(rng):
    """Return a drawing of a random face."""
    skin, hair, back = (
        tuple((np.array(tone) * rng.uniform(*shades)).astype(int))
        for tone, shades in (
            ((240, 195, 165), (0.4, 1.0)),
            ((120, 80, 50), (0.2, 1.8)),
            ((150, 170, 190), (0.5, 1.3)),
        )
    )
    picture = Image.new("RGB", (128, 128), back)
    pen = ImageDraw.Draw(picture)
    x, y = rng.integers(58, 71, 2)
    wide, high = rng.integers(30, 40), rng.integers(38, 48)
    pen.ellipse((x - wide - 5, y - high - 8, x + wide + 5, y + high - 12), fill=hair)
    pen.ellipse((x - wide, y - high, x + wide, y + high), fill=skin)
    for side in (-1, 1):
        eye = x + side * wide * 0.45
        pen.ellipse((eye - 7, y - 14, eye + 7, y - 4), fill="white")
        pen.ellipse((eye - 3, y - 12, eye + 3, y - 6), fill=hair)
    smile = rng.integers(8, 18)
    pen.chord((x - smile, y + 10, x + smile, y + 12 + smile), 0, 180, fill=(170, 50, 60))
    return picture


folder = Path(os.environ.get("FACES", "run/drawn"))
if "FACES" not in os.environ:
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for number in range(1000):
        draw(rng).save(folder / f"{number:04d}.png")


def show(images, columns=8, title=None):
    plt.figure(figsize=(8, 8))
    plt.imshow(pictures.grid(images, columns))
    plt.axis("off")
    plt.title(title)
    plt.show()


faces = datasets.load(
    folder, image_size=32, batch_size=32, horizontal_flip=True, drop_remainder=True
)
(batch,) = faces[0]
show(batch[:32] / 127.5 - 1, title="data")

# %% [markdown]
# ## Training
#
# The preset `ebgan/photographs` suits photographs of one kind of thing. Its margin follows the
# data. To finish in a minute, this notebook takes 32x32, narrower networks and learning rates four
# times as high, for 620 steps.

# %%
keras.utils.set_random_seed(0)  # of the networks' first weights
gan = presets.build(
    "ebgan/photographs",
    image_shape=datasets.image_shape(faces),
    network_arguments={"filters": 16, "latent_dim": 64, "embedding_dim": 64},
    d_rate=4e-3,
    g_rate=4e-3,
    seed=0,
)
history = gan.fit(
    faces,
    epochs=20,
    callbacks=[
        callbacks.SampleGrid("run/faces/samples", rows=4),
        callbacks.EquilibriumLogger("run/faces/equilibrium.csv"),
        callbacks.Diagnosis(faces),
    ],
    verbose=0,
)
show(gan.sample(32, seed=0), title="samples")

# %% [markdown]
# The energies and the margin, one point per epoch:

# %%
figure, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(8, 4))
above.plot(history.history["real_energy"], label="data")
above.plot(history.history["fake_energy"], label="fakes")
above.legend()
below.plot(history.history["margin"], color="black")
below.set_ylabel("margin")
below.set_xlabel("epoch")
plt.show()

# %% [markdown]
# ## With photographs, and more time
#
# A BEGAN with the preset `began/celeba64`, after 4,000 steps of 64 photographs of 64x64, in 13
# minutes on one core:
#
# ![Generated faces](../../images/began_faces.png)
#
# The [gallery](../../gallery/#faces) describes their faults. To train on photographs of yours, read
# [your own images](../../guides/own_images/).
