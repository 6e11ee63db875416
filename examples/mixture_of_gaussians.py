"""Trains a GAN on a mixture of Gaussians in the plane, and counts the modes found.

`--mixture ring` has 8 modes on a circle, `--mixture grid` 25 on a square lattice. During training,
the output folder gets scatter plots of 2,500 samples, and `log.csv` the number of modes found and
the share of high-quality samples. A sample has high quality within three standard deviations of a
mode's centre. `docs/results/mixtures.md` has a table of all GANs.

    python examples/mixture_of_gaussians.py --gan loss_sensitive --mixture grid
"""

import argparse
import os
from pathlib import Path

import common

# The arguments of each GAN and of its networks, and its learning rates (discriminator, generator).
SETTINGS = {
    "began": ({"gamma": 0.7, "lambda_k": 0.001}, {"embedding_dim": 1}, (1e-3, 1e-3)),
    "ebgan": ({"margin": 1.0}, {"embedding_dim": 1}, (1e-3, 1e-3)),
    "magan": ({"pretrain_epochs": 1}, {"embedding_dim": 1}, (1e-3, 1e-3)),
    "least_squares": ({}, {}, (1e-3, 1e-3)),
    "loss_sensitive": (
        {"delta_weight": 0.1, "gradient_penalty": 0.02, "slope": 0.01},
        {},
        (1e-3, 1e-3),
    ),
}
SCALES = {"ring": 3.0, "grid": 10.0}  # the networks multiply and divide points by this

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
add = parser.add_argument
add("--gan", choices=SETTINGS, default="loss_sensitive", help="which GAN")
add("--mixture", choices=SCALES, default="grid", help="8 modes or 25")
add("--backend", choices=common.BACKENDS, default=common.default_backend(), help="Keras's backend")
add("--steps", type=int, default=6000, help="training steps")
add("--every", type=int, default=500, help="steps between scatter plots")
add("--units", type=int, default=128, help="the width of the hidden layers")
add("--seed", type=int, default=0, help="of the points, weights and latents")
add("--output", type=Path, default=Path("mixture"), help="the output folder")
arguments = parser.parse_args()
if arguments.steps % arguments.every:
    parser.error(f"--steps must be a multiple of --every; got {arguments.steps}")
os.environ["KERAS_BACKEND"] = arguments.backend

import keras
import matplotlib

matplotlib.use("agg")
from matplotlib import pyplot

import keras_egan
from keras_egan import callbacks, datasets, metrics, networks

GANS = {
    "began": keras_egan.BEGAN,
    "ebgan": keras_egan.EBGAN,
    "magan": keras_egan.MAGAN,
    "least_squares": keras_egan.LeastSquaresGAN,
    "loss_sensitive": keras_egan.LossSensitiveGAN,
}


class Scatter(keras.callbacks.Callback):
    """Draw samples over the data at the end of each epoch."""

    def __init__(self, points, directory):
        super().__init__()
        self.points = points
        self.directory = directory

    def on_epoch_end(self, epoch, logs=None):
        samples = self.model.sample(2500, seed=0)
        figure, axes = pyplot.subplots(figsize=(5, 5))
        axes.scatter(*self.points[:2500].T, s=2, color="lightgrey", label="data")
        axes.scatter(*samples.T, s=2, color="tab:blue", label="samples")
        axes.set_title(f"{logs['modes']} modes, {logs['high_quality']:.1%} of high quality")
        axes.set_aspect("equal")
        axes.legend(loc="upper right")
        figure.savefig(self.directory / f"{int(self.model.step):08d}.png")
        pyplot.close(figure)


arguments.output.mkdir(parents=True, exist_ok=True)
keras.utils.set_random_seed(arguments.seed)
mixture = getattr(datasets, arguments.mixture)()
points = mixture.sample(100_000, seed=arguments.seed)

own, network, rates = SETTINGS[arguments.gan]
generator, discriminator = networks.mlp(
    units=arguments.units, scale=SCALES[arguments.mixture], **network
)
gan = GANS[arguments.gan](
    generator, discriminator, latents="normal", generator_average=0.999, **own
)
d_optimizer, g_optimizer = (
    keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(rate, arguments.steps, alpha=0.01), beta_1=0.0
    )
    for rate in rates
)
gan.compile(
    d_optimizer=d_optimizer,
    g_optimizer=g_optimizer,
    steps_per_execution=1 if arguments.backend == "torch" else min(50, arguments.every),
    jit_compile=True if arguments.backend == "tensorflow" else "auto",
)
coverage = metrics.MixtureCoverage(mixture.centers, mixture.stddev)
history = gan.fit(
    points,
    batch_size=256,
    epochs=arguments.steps // arguments.every,
    steps_per_epoch=arguments.every,
    callbacks=[
        callbacks.EvaluateSamples(None, [coverage], samples=2500),
        keras.callbacks.CSVLogger(arguments.output / "log.csv"),
        Scatter(points, arguments.output),
    ],
    verbose=2,
).history
print(f"Modes found: {history['modes'][-1]} of {len(mixture.centers)}")
print(f"Of high quality: {history['high_quality'][-1]:.1%} of 2,500 samples")
print(f"Scatter plots and log: {arguments.output}")
