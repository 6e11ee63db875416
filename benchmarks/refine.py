"""Measures how refining by the energy, and truncation, change the samples of trained GANs.

    python benchmarks/refine.py grid relativistic least_squares ebgan
    python benchmarks/refine.py mnist began relativistic least_squares ebgan --data-dir DIRECTORY

`grid` is 25 Gaussians. A sample is good within three standard deviations of a mode; the divergence
is that of the modes' shares from equal shares. `mnist` is digits, and `DIRECTORY` that of
tensorflow-datasets; metrics are those of `quality.py`, from fewer samples. The energy is the mean,
minus that of plain samples, in standard deviations of these. `began` is pretrained.
"""

import argparse

import classifiers
import keras
import numpy as np
from quality import cropped, padded

import keras_egan
from keras_egan import datasets, metrics, networks, presets

ROWS = [{}, {"truncation": 0.8}, {"truncation": 0.6}, {"refine": 10}, {"refine": 50}]
GANS = {
    "ebgan": (keras_egan.EBGAN, {"margin": 1.0}, {"embedding_dim": 1}),
    "least_squares": (keras_egan.LeastSquaresGAN, {}, {}),
    "relativistic": (keras_egan.RelativisticGAN, {"r1_weight": 0.1, "r2_weight": 0.1}, {}),
}
COMMON = {"latents": "normal", "generator_average": 0.999, "seed": 0}


class Grid:
    batch_size = 256

    def __init__(self, data_dir):
        self.mixture = datasets.grid()
        self.data = self.mixture.sample(100_000, seed=0)

    def build(self, name, steps):
        kind, own, network = GANS[name]
        gan = kind(*networks.mlp(units=64, scale=10.0, **network), **own, **COMMON)
        decay = keras.optimizers.schedules.CosineDecay(1e-3, steps, alpha=0.01)
        gan.compile(*(keras.optimizers.Adam(decay, beta_1=0.0) for _ in range(2)))
        return gan

    def figures(self, samples):
        coverage = metrics.MixtureCoverage(*self.mixture)
        coverage.update_state(samples)
        distances = np.square(samples[:, None] - self.mixture.centers).sum(axis=-1)
        shares = np.bincount(distances.argmin(axis=1), minlength=25) / len(samples)
        divergence = np.sum(shares * np.log(np.maximum(25 * shares, 1e-12)))
        found = coverage.result()
        return {"modes": found["modes"], "good": found["high_quality"], "divergence": divergence}


class Digits:
    batch_size = 64

    def __init__(self, data_dir):
        self.data = padded(classifiers.load("mnist", "train", data_dir)[0], 32)
        features = classifiers.features_of(classifiers.classifier("mnist", data_dir))
        self.metrics = metrics.FrechetDistance(features), metrics.PrecisionRecall(features)
        test = self.metrics[0].extract(classifiers.load("mnist", "test", data_dir)[0], 500)
        for metric in self.metrics:
            metric.accumulate_real(test)

    def build(self, name, steps):
        if name != "relativistic":
            return presets.build(f"{name}/mnist", image_shape=(32, 32, 1))
        pair = networks.loss_sensitive((32, 32, 1), filters=16, latent_dim=64, nonnegative=False)
        gan = keras_egan.RelativisticGAN(*pair, **COMMON)
        gan.compile(*(keras.optimizers.Adam(5e-4, 0.5) for _ in range(2)))
        return gan

    def figures(self, samples):
        found = self.metrics[0].extract(cropped(samples), 500)
        for metric in self.metrics:
            metric.reset_state()
            metric.accumulate(found)
        return {"Fréchet": self.metrics[0].result(), **self.metrics[1].result()}


def trained(name, task, steps):
    """Return a trained GAN."""
    if name == "began":
        return keras_egan.load("began/mnist")
    keras.utils.set_random_seed(0)
    gan = task.build(name, steps)
    gan.fit(task.data, batch_size=task.batch_size, epochs=1, steps_per_epoch=steps, verbose=0)
    return gan


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", choices=["grid", "mnist"], help="what they are trained on")
    parser.add_argument(
        "gans", nargs="+", choices=["began", *GANS], help="which GANs; began of mnist only"
    )
    parser.add_argument("--steps", type=int, default=2000, help="of training")
    parser.add_argument("--samples", type=int, default=2500, help="how many of each kind")
    parser.add_argument("--data-dir", help="where tensorflow-datasets keeps its files")
    arguments = parser.parse_args()
    task = (Grid if arguments.data == "grid" else Digits)(arguments.data_dir)
    for name in arguments.gans:
        gan, plain = trained(name, task, arguments.steps), None
        for row in ROWS:
            samples = gan.sample(arguments.samples, seed=0, **row)
            energy, figures = gan.energy(samples), task.figures(samples)
            if plain is None:
                plain = energy
                print(f"| {name} |", " | ".join(figures), "| energy |")
                print("|" + "---|" * (2 + len(figures)))
            figures["energy"] = (energy.mean() - plain.mean()) / plain.std()
            said = ", ".join(f"{key} {value}" for key, value in row.items()) or "plain"
            print(f"| {said} |", " | ".join(f"{x:.3g}" for x in figures.values()), "|", flush=True)


if __name__ == "__main__":
    main()
