"""Counts the modes that a GAN finds on stacked MNIST: three digits as the channels of one image.

    python benchmarks/stacked_mnist.py --gan began/mnist --data-dir DIRECTORY

The protocol is PacGAN's, https://arxiv.org/abs/1712.04086: 128,000 images of three random digits
each, hence 1,000 modes; 50 epochs; 26,000 samples, judged channel by channel by a classifier of
MNIST; the modes with a sample, and the Kullback-Leibler divergence of the samples' modes from the
uniform distribution (a perfect generator would have about 0.019 with so many samples). The GANs
have the settings of their presets. Three channels are as many independent images: embeddings are
three times as long, and margins, which are those of a norm, are multiplied by the root of 3.
"""

import argparse
import json

import keras
import numpy as np
from classifiers import classifier, load
from quality import cropped, padded

from keras_egan import metrics, presets

SAMPLES, BLOCK = 26_000, 1000


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    mnist_presets = [name for name in presets.names() if name.endswith("/mnist")]
    add("--gan", choices=mnist_presets, required=True, help="the preset")
    add("--epochs", type=int, default=50, help="how many times to go through the images")
    add("--training-images", type=int, default=128_000, help="how many images there are")
    add("--seed", type=int, default=0, help="of the images, weights and latents")
    add("--data-dir", help="where tensorflow-datasets keeps its files")
    arguments = parser.parse_args()

    preset = presets.get(arguments.gan)
    side, changes = preset.image_shape[0], {}
    if preset.network == "dcgan_autoencoder":
        changes["network_arguments"] = {"embedding_dim": 3 * 32}
    if "margin" in preset.arguments:
        changes["margin"] = preset.arguments["margin"] * 3**0.5
    digits, _ = load("mnist", "train", arguments.data_dir)
    rng = np.random.default_rng(arguments.seed)
    triples = rng.integers(len(digits), size=(arguments.training_images, 3))
    images = np.concatenate([digits[channel] for channel in triples.T], axis=-1)

    keras.utils.set_random_seed(arguments.seed)
    gan = presets.build(arguments.gan, (side, side, 3), **changes)
    gan.fit(
        padded(images, side),
        batch_size=preset.batch_size,
        epochs=arguments.epochs,
        verbose=2,
    )

    judge = classifier("mnist", arguments.data_dir)
    coverage = metrics.ModeCoverage()
    samples = cropped(gan.sample(SAMPLES, seed=arguments.seed))
    for start in range(0, SAMPLES, BLOCK):
        block = samples[start : start + BLOCK]
        one, two, three = (judge.predict(block[..., c : c + 1], verbose=0) for c in range(3))
        coverage.update_state(np.einsum("ni,nj,nk->nijk", one, two, three).reshape(len(block), -1))
    print(json.dumps({"gan": arguments.gan, "seed": arguments.seed, **coverage.result()}, indent=1))


if __name__ == "__main__":
    main()
