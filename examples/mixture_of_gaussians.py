"""Trains any of the five GANs on 8 Gaussians on a ring, or on 25 on a grid, and counts modes.

A mode is found if a sample lies within 3 standard deviations of its centre; such samples are of
high quality. Samples are drawn from the running average of the generator's weights. The settings
are those of the table in benchmarks/, which says what else was tried.

    python examples/mixture_of_gaussians.py --gan lsgan --data grid
"""

import argparse
import os
from pathlib import Path

import common

SETTINGS = {}

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
add = parser.add_argument
add("--gan", choices=sorted(SETTINGS), default="lsgan", help="which of the five")
add("--data", choices=("grid", "ring"), default="grid", help="25 modes or 8")
add("--backend", choices=common.BACKENDS, default=common.default_backend(), help="Keras's backend")
add("--epochs", type=int, default=20, help="how many scatter plots there are")
add("--steps-per-epoch", type=int, default=1000, help="training steps from one to the next")
add("--batch-size", type=int, default=256, help="samples a step")
add("--seed", type=int, default=0, help="of data, weights and latents")
add("--output", type=Path, default=Path("mixture_of_gaussians"), help="the folder for all files")
arguments = parser.parse_args()
os.environ["KERAS_BACKEND"] = arguments.backend
