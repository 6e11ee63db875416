"""Trains BEGAN on the 5,000 digits with several values of gamma, and prints a table.

    python benchmarks/gamma.py --gammas 0.3 0.5 0.7 0.9

Each gamma has a grid of 100 samples in the output folder. The columns of the table: the ratio of
the fakes' energy to that of data, and k_t, over the second half of the training; variety, the
total variance of 1,000 samples; sharpness, their mean absolute Laplacian divided by their mean
standard deviation within an image. Variety and sharpness are given as shares of the data's.
"""

import argparse
from pathlib import Path

import keras
import numpy as np
from faces import sharpness

from keras_egan import datasets, pictures, presets

SAMPLES = 1_000


def figures(images):
    """Return the variety and the sharpness of images in [-1, 1]."""
    contrast = images.std(axis=(1, 2, 3)).mean()
    return np.array([images.var(axis=0).sum(), sharpness(images) / contrast])


parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
add = parser.add_argument
add("--gammas", type=float, nargs="+", default=[0.3, 0.5, 0.7, 0.9], help="each in (0, 1]")
add("--epochs", type=int, default=40, help="of each training")
add("--filters", type=int, default=16, help="the width of both networks")
add("--seed", type=int, default=0, help="of weights, latents and the order of the images")
add("--output", type=Path, default=Path("gamma"), help="the folder of the grids")
arguments = parser.parse_args()

digits = datasets.load("digits", image_size=28, batch_size=64, seed=arguments.seed)
data = np.concatenate([digits[i][0] for i in range(len(digits))]) / np.float32(127.5) - 1
rows = []
for gamma in arguments.gammas:
    keras.utils.set_random_seed(arguments.seed)
    network_arguments = {"filters": arguments.filters}
    gan = presets.build(
        "began/digits", gamma=gamma, seed=arguments.seed, network_arguments=network_arguments
    )
    history = gan.fit(digits, epochs=arguments.epochs, verbose=2).history
    late = {name: values[len(values) // 2 :] for name, values in history.items()}
    ratio = np.mean(late["fake_energy"]) / np.mean(late["real_energy"])
    samples = gan.sample(SAMPLES, seed=arguments.seed)
    pictures.save_grid(arguments.output / f"{gamma}.png", samples[:100])
    variety, sharp = figures(samples) / figures(data)
    k_t = f"{min(late['k_t']):.3f} to {max(late['k_t']):.3f}"
    rows.append(f"| {gamma} | {ratio:.3f} | {k_t} | {variety:.2f} | {sharp:.2f} |")

print("| gamma | energies' ratio | k_t | variety | sharpness |", "|---|---|---|---|---|", sep="\n")
print(*rows, sep="\n")
