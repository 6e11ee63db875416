# ---
# jupyter:
#   kernelspec: {display_name: Python 3, language: python, name: python3}
# ---
# %% [markdown]
# # Digits from nothing
#
# A BEGAN on the 5,000 handwritten digits that come with a package: a minute on two CPU cores, for
# a quarter of the training that the preset `began/digits` has.

# %%
import matplotlib.pyplot as plt
import numpy as np

from keras_egan import BEGAN, callbacks, datasets, networks, pictures

digits = datasets.load("digits", image_size=28, batch_size=64)
len(digits), datasets.image_shape(digits)


# %% [markdown]
# 79 batches an epoch, of uint8 images. Here is the first.


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
# The discriminator is an auto-encoder. What it reconstructs well has little *energy*, the mean
# absolute error of an image. It is taught to give the digits little, and the generator's fakes
# more.

# %%
generator, discriminator = networks.dcgan_autoencoder((28, 28, 1), filters=16)
generator.count_params(), discriminator.count_params()

# %% [markdown]
# Before training the energy says nothing of digits; here noise has less of it:

# %%
gan = BEGAN(generator, discriminator, gamma=0.9, lambda_k=0.05, generator_average=0.999, seed=0)
images = (batch / 127.5 - 1).astype("float32")
noise = np.random.default_rng(0).uniform(-1, 1, images.shape).astype("float32")
float(gan.energy(images).mean()), float(gan.energy(noise).mean())

# %% [markdown]
# ## Training
#
# `gamma` is the ratio at which the energies of fakes and of data are kept, and the weight `k_t`
# of the fakes in the discriminator's loss is what keeps them there; `lambda_k` says how fast. The
# paper's 0.001 is for hundreds of thousands of steps, and this run has 780.

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
# The logger has written every step, and drawn this:

# %%
plt.figure(figsize=(8, 8))
plt.imshow(plt.imread("run/digits/equilibrium.png"))
plt.axis("off")
plt.show()

# %% [markdown]
# `k_t` rises while fakes are too easy to reconstruct, and the energies come to lie `gamma` apart.
# With so few steps it is on its way; the preset's 40 epochs let it arrive.
#
# After training it does: data have little energy, and noise a lot.

# %%
float(gan.energy(images).mean()), float(gan.energy(noise).mean())

# %% [markdown]
# ## What it makes
#
# Samples are of the running average of the generator's weights.

# %%
show(gan.sample(64, seed=0), title="after 10 epochs")

# %% [markdown]
# After 512,000 images, ten times as many as here, they look like this. `keras_egan.load` opens
# what comes trained.

# %%
import keras_egan

show(keras_egan.load("began/mnist").sample(64, seed=7), title="began/mnist")

# %% [markdown]
# ## Keep it
#
# `gan.save("digits.keras")` keeps all that training changes, both optimizers and `k_t` included,
# and `gan.export("generator")` writes a SavedModel. More in [files and
# backups](../../guides/files/) and [export](../../guides/export/).

# %%
gan.save("run/digits/digits.keras")
again = keras_egan.load("run/digits/digits.keras")
float(np.abs(again.sample(8, seed=1) - gan.sample(8, seed=1)).max())
