# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---
# %% [markdown]
# # Digits, step by step
#
# This notebook trains a BEGAN on 5,000 handwritten digits, which come with a package. It takes a
# minute on two CPU cores: a quarter of the training of the preset `began/digits`.
#
# This page is `docs/notebooks/digits.py` of the repository. Its packages come with
# `python -m pip install ".[tensorflow,examples]"`; any backend will do.

# %%
import matplotlib.pyplot as plt
import numpy as np

from keras_egan import BEGAN, callbacks, datasets, networks, pictures

digits = datasets.load("digits", image_size=28, batch_size=64)
len(digits), datasets.image_shape(digits)


# %% [markdown]
# An epoch has 79 batches of uint8 images. Here is the first.


# %%
def show(images, columns=16, title=None):
    plt.figure(figsize=(8, 8))
    plt.imshow(pictures.grid(images, columns), cmap="gray")
    plt.axis("off")
    plt.title(title)
    plt.show()


(batch,) = digits[0]
show(batch / 127.5 - 1)

# %% [markdown]
# ## The two networks
#
# The discriminator is an auto-encoder. The *energy* of an image is its mean absolute reconstruction
# error. The discriminator learns to give digits a low energy, and the generator's fakes a higher
# one.

# %%
generator, discriminator = networks.dcgan_autoencoder((28, 28, 1), filters=16)
generator.count_params(), discriminator.count_params()

# %% [markdown]
# Before training, the energy means nothing. Here noise has the lower energy:

# %%
gan = BEGAN(generator, discriminator, gamma=0.9, lambda_k=0.05, generator_average=0.999, seed=0)
images = (batch / 127.5 - 1).astype("float32")
noise = np.random.default_rng(0).uniform(-1, 1, images.shape).astype("float32")
float(gan.energy(images).mean()), float(gan.energy(noise).mean())

# %% [markdown]
# ## Training
#
# `gamma` is the ratio of the energies of fakes and data that BEGAN keeps. It adjusts `k_t`, the
# weight of the fakes in the discriminator's loss; `lambda_k` is the speed. The paper's 0.001 is for
# hundreds of thousands of steps, and this run has 780.

# %%
import keras

gan.compile(keras.optimizers.Adam(4e-3, beta_1=0.5), keras.optimizers.Adam(4e-3, beta_1=0.5))
history = gan.fit(
    digits,
    epochs=10,
    callbacks=[
        callbacks.SampleGrid("run/digits/samples"),
        callbacks.EquilibriumLogger("run/digits/equilibrium.csv"),
    ],
    verbose=0,
)
{name: round(values[-1], 3) for name, values in history.history.items()}

# %% [markdown]
# The logger wrote every step, and drew this plot:

# %%
plt.figure(figsize=(8, 8))
plt.imshow(plt.imread("run/digits/equilibrium.png"))
plt.axis("off")
plt.show()

# %% [markdown]
# `k_t` rises while fakes are too easy to reconstruct, and the ratio of the energies approaches
# `gamma`. It needs more steps than this run has; the preset's 40 epochs are enough.
#
# After training, data have a low energy, and noise a high one:

# %%
float(gan.energy(images).mean()), float(gan.energy(noise).mean())

# %% [markdown]
# ## Samples
#
# They come from the moving average of the generator's weights.

# %%
show(gan.sample(64, seed=0), title="after 10 epochs")

# %% [markdown]
# After 512,000 training images, ten times as many as here, they look like this. `keras_egan.load`
# opens the pretrained GAN.

# %%
import keras_egan

show(keras_egan.load("began/mnist").sample(64, seed=7), title="began/mnist")

# %% [markdown]
# ## Save and load
#
# `gan.save("digits.keras")` saves everything that training changes, with both optimizers and `k_t`.
# `gan.export("generator")` writes a SavedModel. See [saving](../../guides/files/) and
# [export](../../guides/export/).

# %%
gan.save("run/digits/digits.keras")
again = keras_egan.load("run/digits/digits.keras")
float(np.abs(again.sample(8, seed=1) - gan.sample(8, seed=1)).max())
