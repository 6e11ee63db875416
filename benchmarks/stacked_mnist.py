"""Counts the modes that a GAN finds on stacked MNIST: three digits as the channels of one image.

    python benchmarks/stacked_mnist.py --gan began/mnist --data-dir DIRECTORY

The protocol is PacGAN's, https://arxiv.org/abs/1712.04086: 128,000 images of three random digits
each, hence 1,000 modes; 50 epochs; 26,000 samples, judged channel by channel by a classifier of
MNIST; the modes with a sample, and the Kullback-Leibler divergence of the samples' modes from the
uniform distribution (a perfect generator would have about 0.019 with so many samples). The GANs
have the settings of their presets, `relativistic/drawings` at 32x32 and without augmentation. Three
channels are as many independent images: embeddings are three times as long, and margins, which are
those of a norm, are multiplied by the root of 3. The samples are judged after each epoch. With
`--backup`, the same command continues a stopped run.
"""

import argparse
import json
from pathlib import Path

import keras
import numpy as np
from classifiers import classifier, load
from quality import cropped, padded

from keras_egan import callbacks, metrics, presets

SAMPLES, BLOCK = 26_000, 1000
RELATIVISTIC = "relativistic/drawings"


class Coverage(keras.callbacks.Callback):
    """Print the modes and the divergence of samples after each epoch, as a line of JSON."""

    def __init__(self, judge, **row):
        super().__init__()
        self.judge, self.row = judge, row

    def on_epoch_end(self, epoch, logs=None):
        coverage = metrics.ModeCoverage()
        samples = cropped(self.model.sample(SAMPLES, seed=self.row["seed"]))
        for start in range(0, SAMPLES, BLOCK):
            block = samples[start : start + BLOCK]
            digits = (self.judge.predict(block[..., c : c + 1], verbose=0) for c in range(3))
            modes = np.einsum("ni,nj,nk->nijk", *digits)
            coverage.update_state(modes.reshape(len(block), -1))
        print(json.dumps({**self.row, "epoch": epoch + 1, **coverage.result()}), flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    mnist_presets = [name for name in presets.names() if name.endswith("/mnist")]
    choices = [*mnist_presets, RELATIVISTIC]
    add("--gan", choices=choices, required=True, help="the preset")
    add("--epochs", type=int, default=50, help="how many times to go through the images")
    add("--training-images", type=int, default=128_000, help="how many images there are")
    add("--seed", type=int, default=0, help="of the images, weights and latents")
    add("--settings", type=json.loads, default={}, help="JSON: arguments of presets.build")
    add("--backup", type=Path, help="a folder of backups, to continue from")
    add("--data-dir", help="where tensorflow-datasets keeps its files")
    arguments = parser.parse_args()

    preset = presets.get(arguments.gan)
    side, changes = preset.image_shape[0], {}
    if arguments.gan == RELATIVISTIC:
        side, changes["augment"] = 32, None
    if preset.network == "dcgan_autoencoder":
        changes["network_arguments"] = {"embedding_dim": 3 * 32}
    if "margin" in preset.arguments:
        changes["margin"] = preset.arguments["margin"] * 3**0.5
    changes |= arguments.settings
    digits, _ = load("mnist", "train", arguments.data_dir)
    rng = np.random.default_rng(arguments.seed)
    triples = rng.integers(len(digits), size=(arguments.training_images, 3))
    images = np.concatenate([digits[channel] for channel in triples.T], axis=-1)

    keras.utils.set_random_seed(arguments.seed)
    gan = presets.build(arguments.gan, (side, side, 3), **changes)
    judge = classifier("mnist", arguments.data_dir)
    told = [Coverage(judge, gan=arguments.gan, seed=arguments.seed)]
    if arguments.backup:
        told.append(callbacks.Backup(arguments.backup))
    gan.fit(
        padded(images, side),
        batch_size=preset.batch_size,
        epochs=arguments.epochs,
        verbose=0,
        callbacks=told,
    )


if __name__ == "__main__":
    main()
