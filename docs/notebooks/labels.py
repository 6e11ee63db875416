# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---
# %% [markdown]
# # Labels and latents, step by step
#
# The first part trains a GAN that makes the requested digit. The second part explores the latents
# of a pretrained GAN: between digits, and back from images to latents.
#
# This page is `docs/notebooks/labels.py` of the repository. Its packages come with
# `python -m pip install ".[tensorflow,examples]"`; any backend will do.

# %%
import matplotlib.pyplot as plt
import numpy as np

import keras_egan
from keras_egan import datasets, metrics, pictures, presets


def show(images, columns=None, title=None):
    plt.figure(figsize=(8, 8))
    plt.imshow(pictures.grid(images, columns), cmap="gray")
    plt.axis("off")
    plt.title(title)
    plt.show()


digits = datasets.load("digits", image_size=32, labels=True, batch_size=64)
images, labels = digits[0]
images.shape, labels[:10]

# %% [markdown]
# ## Request a digit
#
# `num_classes=` makes any GAN conditional. LSGAN learns quickly:

# %%
gan = presets.build("least_squares/digits", num_classes=10, seed=0)
history = gan.fit(digits, epochs=10, verbose=0)
asked = np.repeat(np.arange(10), 10)
show(gan.sample(100, seed=0, labels=asked), columns=10, title="one row per digit")

# %% [markdown]
# ## Between two samples
#
# `began/mnist` is pretrained. Any latent gives a sample, and so do the latents between two others.
# Each row begins with one sample and ends with another.

# %%
gan = keras_egan.load("began/mnist")
a, b = np.random.default_rng(3).uniform(-1, 1, (2, 6, gan.latent_dim)).astype("float32")
show(gan.interpolate(a, b, steps=12), title="from left to right")

# %% [markdown]
# ## The latents of given images
#
# `invert` searches for the latents whose samples are nearest to given images. The first row has
# digits, the second the samples that were found:

# %%
real = datasets.load("digits", image_size=28, batch_size=12)[0][0].astype("float32") / 127.5 - 1
found = gan.invert(real, steps=200)
show(np.concatenate([real, found.images]), columns=12)
np.round(found.errors, 3)

# %% [markdown]
# With the latents of real digits, `interpolate` joins one digit to another:

# %%
show(gan.interpolate(found.latents[:4], found.latents[4:8], steps=12))

# %% [markdown]
# ## New, or copies?
#
# Each row begins with a sample. The training images nearest to it follow:

# %%
training = (
    datasets.load("digits", image_size=28, batch_size=5000)[0][0].astype("float32") / 127.5 - 1
)
show(metrics.nearest(gan.sample(5, seed=0), training, k=8).rows)
