"""Explores the latent space of a pretrained GAN, or of a GAN in a `.keras` file.

It draws four pictures:

- Between: samples between pairs of latents, as a grid and as a GIF.
- Inversions: held-out images, from the smallest error to the largest, above their nearest samples.
- Between real images: two of those at the ends of each row, and the samples between their latents.
- Nearest: samples at the left, and beside each the training images nearest to it.

    python examples/explore.py began/mnist --dataset mnist
    python examples/explore.py began/began.keras
"""

import argparse
import os
from pathlib import Path

import common

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
add = parser.add_argument
add("gan", nargs="?", default="began/mnist", help="a pretrained preset, or a `.keras` file")
add("--dataset", default="digits", help="'digits', a folder, or a name for tfds")
add("--data-dir", help="where tensorflow-datasets keeps its files")
add("--training", default="train", help="the split of tfds that the GAN was trained on")
add("--held-out", default="test", help="the split of tfds for held-out images")
add("--backend", choices=common.BACKENDS, default=common.default_backend(), help="Keras's backend")
add("--images", type=int, default=100, help="how many to invert, 2 or more")
add("--steps", type=int, default=500, help="steps of Adam to find their latents")
add("--starts", type=int, default=4, help="latents to begin from")
add("--seed", type=int, default=0, help="of latents and samples")
add("--output", type=Path, default=Path("explore"), help="the folder of the pictures")
arguments = parser.parse_args()
os.environ["KERAS_BACKEND"] = arguments.backend

import numpy as np

import keras_egan
from keras_egan import datasets, metrics, pictures


def load(split):
    """Return batches of the data, in a fixed order."""
    return datasets.load(
        arguments.dataset,
        image_size=gan.image_shape[0],
        split=split,
        data_dir=arguments.data_dir,
        shuffle=False,
    )


def first(count, batches):
    """Return the first images, as floats in [-1, 1]."""
    images, rest = [], iter(batches[i][0] for i in range(len(batches)))
    while sum(map(len, images)) < count:
        images.append(next(rest))
    return np.concatenate(images)[:count] / np.float32(127.5) - 1


def rate(errors):
    """Return a sentence about errors."""
    low, middle, high = np.quantile(errors, (0.05, 0.5, 0.95))
    return f"median {middle:.4f}, 90 % from {low:.4f} to {high:.4f}"


gan = keras_egan.load(arguments.gan)
inversion = {"steps": arguments.steps, "starts": arguments.starts, "seed": arguments.seed}
arguments.output.mkdir(parents=True, exist_ok=True)

a, b = gan.draw_latents(16, arguments.seed).reshape(2, 8, -1)
pictures.save_grid(arguments.output / "between.png", gan.interpolate(a, b, steps=10))
there = gan.interpolate(a, b, steps=20)
back_again = np.concatenate([there, there[:, ::-1]], axis=1)
pictures.save_animation(arguments.output / "between.gif", back_again, duration=80)

own = gan.sample(arguments.images, seed=arguments.seed + 1)
found = gan.invert(own, **inversion)
under = (found.errors < 0.03).sum()
print(f"Its own samples:  {rate(found.errors)}; {under} of {len(own)} under 0.03")

images = first(arguments.images, load(arguments.held_out))
found = gan.invert(images, **inversion)
print(f"Held-out images:  {rate(found.errors)}; {found.far.sum()} of {len(images)} far away")
order = np.argsort(found.errors)[np.linspace(0, len(images) - 1, 20).astype(int)]
rows = [of[places] for places in np.split(order, 2) for of in (images, found.images)]
pictures.save_grid(arguments.output / "inversions.png", np.stack(rows))

if isinstance(gan, keras_egan.BEGANCS):
    for what, of in (("own samples", own), ("held-out images", images)):
        encoded = gan.generate(gan.encode(of).clip(-1.0, 1.0))
        print(f"Encoded {what}: {rate(np.abs(encoded - of).mean(axis=(1, 2, 3)))}")

half = min(len(images) // 2, 8)
ends = found.latents[:half], found.latents[half : 2 * half]
path = gan.interpolate(*ends, steps=8)
path = np.concatenate([images[:half, None], path, images[half : 2 * half, None]], axis=1)
pictures.save_grid(arguments.output / "between_real.png", path)

training = load(arguments.training)
near = metrics.nearest(gan.sample(8, seed=arguments.seed), training, k=8)
pictures.save_grid(arguments.output / "nearest.png", near.rows)
of_images = metrics.nearest(images[:8], training, k=1).distances
print(f"Nearest training image: samples {rate(near.distances[:, 0])}")
print(f"                held-out images {rate(of_images)}")
print(f"Pictures: {arguments.output}")
