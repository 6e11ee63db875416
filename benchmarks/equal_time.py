"""Trains GANs for the same processor time on one data set, and measures their samples.

    python benchmarks/equal_time.py --data photos/ --gan relativistic/drawings --minutes 10

`--data` is a folder of images, or `mnist`, `fashion_mnist`, `cifar10_jpeg` or `celeba64`, whose
files are in the `--data-dir` of tensorflow-datasets. Images are 32x32 (digits and clothes with a
border), photographs and drawings 64x64. A tenth of them, at most 1,000, is held out.

The row, a JSON file beside a grid of samples, has

- the sliced Wasserstein distance of as many samples to the held-out images, divided by that of a
  Gaussian in the first 100 principal components of the training images, which has 1. As many
  training images have the floor, `--gan real`;
- precision and recall in the features of a fixed random network;
- the sharpness, the mean absolute Laplacian, as a share of that of the held-out images.

The time is that of the processor, all threads together, after the first step, so that
compilation does not count. Other work on the machine slows steps down all the same: for a table
that was made beside other work, give the number of steps that the time allows on a quiet machine,
`--steps`. `--minutes 0.2` finds it.
"""

import argparse
import json
import time
from pathlib import Path

import keras
import numpy as np
from faces import measure

import keras_egan
from keras_egan import callbacks, datasets, metrics, networks, pictures, presets
from keras_egan.metrics.anchors import AnchoredDistance, in_range

RELATIVISTIC = presets.get("relativistic/drawings")
SMALL = presets.get("least_squares/photographs")
ROWS = {
    "relativistic_small": RELATIVISTIC._replace(
        network=SMALL.network, network_arguments=SMALL.network_arguments
    ),
    "least_squares_r1": RELATIVISTIC._replace(gan=SMALL.gan, arguments=SMALL.arguments),
}
"""Settings beside the presets, by name."""


def load(name, data_dir):
    """Returns all images of a data set, uint8 of shape `(n, side, side, channels)`."""
    given = {"image_size": 64} if Path(name).is_dir() else {"data_dir": data_dir}
    loaded = datasets.load(name, batch_size=500, shuffle=False, **given)
    batches = (loaded[i][0] for i in range(len(loaded)))
    images = np.concatenate([np.asarray(batch) for batch in batches])
    border = -images.shape[1] % 32
    return np.pad(images, ((0, 0), *[(border // 2, border // 2)] * 2, (0, 0)))


class ProcessorTime(keras.callbacks.Callback):
    """Ends a training after this many seconds of the processor."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds, self.start = seconds, None

    def on_train_batch_end(self, batch, logs=None):
        now = time.process_time()
        self.start = self.start or now
        self.model.stop_training = now - self.start >= self.seconds


def train(arguments, images):
    """Returns a trained GAN, which it saves too."""
    keras.utils.set_random_seed(arguments.seed)
    row = ROWS.get(arguments.gan) or presets.get(arguments.gan)
    nets = getattr(networks, row.network)(
        images.shape[1:], **{**row.network_arguments, **arguments.network_settings}
    )
    given = {**row.arguments, **arguments.settings, "augment": arguments.augment}
    gan = getattr(keras_egan, row.gan)(*nets, **given, seed=arguments.seed)
    rates = arguments.d_rate or row.d_rate, arguments.g_rate or row.g_rate
    if arguments.decay:
        rates = [keras.optimizers.schedules.CosineDecay(rate, arguments.steps) for rate in rates]
    gan.compile(*(keras.optimizers.Adam(rate, row.beta_1, row.beta_2) for rate in rates))
    data = datasets.Batches(images, row.batch_size, seed=arguments.seed)
    gan.fit(
        data,
        epochs=arguments.steps // 50 if arguments.steps else 1_000_000,
        steps_per_epoch=50,
        verbose=0,
        callbacks=[
            *([] if arguments.steps else [ProcessorTime(60 * arguments.minutes)]),
            callbacks.SampleGrid(arguments.output / "samples", every=500),
            callbacks.EquilibriumLogger(arguments.output / "equilibrium.csv", every=50),
        ],
    )
    gan.save(arguments.output / "gan.keras")
    return gan


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--data", required=True, help="a folder of images, or the name of a data set")
    add("--data-dir", help="where tensorflow-datasets keeps its files")
    others = ", ".join([*ROWS, "real", "gaussian"])
    add("--gan", required=True, help=f"a preset, {others}, or a saved GAN, FILE.keras")
    add("--minutes", type=float, default=10, help="of processor time")
    add("--steps", type=int, help="the number of steps, a multiple of 50, in place of minutes")
    add("--decay", action="store_true", help="lower both rates to 0 along a cosine of --steps")
    add("--settings", type=json.loads, default={}, help="JSON: arguments of the GAN to change")
    add("--network-settings", type=json.loads, default={}, help="JSON: those of the networks")
    add("--augment", help="a policy of DiffAugment; by default none")
    add("--d-rate", type=float, help="the discriminator's learning rate, to change it")
    add("--g-rate", type=float, help="the generator's")
    add("--sampling", type=json.loads, default={}, help='JSON, such as {"refine": 10}')
    add("--seed", type=int, default=0, help="of weights, latents and the order of the images")
    add("--output", type=Path, required=True, help="the folder of all that is written")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)

    images = np.random.default_rng(0).permutation(load(arguments.data, arguments.data_dir))
    held_out = in_range(images[: min(1000, len(images) // 10)])
    images = images[len(held_out) :]
    distance = AnchoredDistance(images, held_out, arguments.seed)
    row = {key: str(value) for key, value in vars(arguments).items()}
    if arguments.gan == "real":
        samples = distance.real
    elif arguments.gan == "gaussian":
        samples = distance.gaussian
    else:
        saved = arguments.gan.endswith(".keras")
        gan = keras_egan.load(arguments.gan) if saved else train(arguments, images)
        samples = gan.sample(len(held_out), seed=arguments.seed, **arguments.sampling)
        row["steps"] = int(gan.step)
    pictures.save_grid(arguments.output / "grid.png", samples[:64])
    row |= measure(samples, held_out)
    row["relative"] = row["swd"] / distance.one
    cover = metrics.PrecisionRecall(metrics.random_features(images.shape[1:]))
    cover.update_real(held_out)
    cover.update_state(samples)
    row |= cover.result()
    (arguments.output / "row.json").write_text(json.dumps(row, indent=1))
    print(json.dumps(row, indent=1))


if __name__ == "__main__":
    main()
