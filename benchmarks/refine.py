"""Measures what refining samples by the energy, and truncation, do to GANs of digits.

    python benchmarks/refine.py began ebgan least_squares relativistic --data-dir DIRECTORY

`DIRECTORY` is that of tensorflow-datasets. BEGAN comes trained; the others are trained on MNIST for
`--steps` batches of 64 and kept in the output folder. The Fréchet distance, precision and recall
compare samples with the 10,000 test images in the features of `classifiers.py`. The energy is the
samples' mean, less that of plain samples, in standard deviations of these. With `--weights`, those
weights of the energy are tried too. It prints a Markdown table.
"""

import argparse
import time
from pathlib import Path

import classifiers
import keras
from quality import cropped, padded

import keras_egan
from keras_egan import metrics, networks, presets

ROWS = [{}, {"truncation": 0.8}, {"truncation": 0.6}, {"refine": 10}, {"refine": 50}]


def built(name):
    """Returns a GAN of 28x28 or 32x32 images that is to be trained."""
    keras.utils.set_random_seed(0)
    if name != "relativistic":
        return presets.build(f"{name}/mnist")
    pair = networks.loss_sensitive((32, 32, 1), filters=16, latent_dim=64, nonnegative=False)
    gan = keras_egan.RelativisticGAN(*pair, latents="normal", generator_average=0.999, seed=0)
    gan.compile(keras.optimizers.Adam(5e-4, 0.5), keras.optimizers.Adam(5e-4, 0.5))
    return gan


def trained(name, steps, output, data_dir):
    """Returns a trained GAN, from its file if it has one."""
    if name == "began":
        return keras_egan.load("began/mnist")
    file = output / f"{name}.keras"
    if not file.exists():
        gan = built(name)
        images = padded(classifiers.load("mnist", "train", data_dir)[0], gan.image_shape[0])
        gan.fit(images, batch_size=64, epochs=5, steps_per_epoch=steps // 5, verbose=2)
        output.mkdir(parents=True, exist_ok=True)
        gan.save(file)
    return keras_egan.load(file)


def drawn(gan, samples, refine=0, truncation=1.0, **settings):
    """Returns samples as `gan.sample` does, with any settings of `gan.refine`."""
    z = truncation * gan.draw_latents(samples, seed=0)
    if refine:
        z = gan.refine(z, refine, truncation=truncation, seed=0, **settings)
    return gan.generate(z)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("gans", nargs="+", choices=["began", "ebgan", "least_squares", "relativistic"])
    add("--steps", type=int, default=2500, help="of training")
    add("--samples", type=int, default=1000, help="how many of each kind")
    add("--weights", type=float, nargs="*", default=[], help="of the energy, for 50 steps each")
    add("--data-dir", help="where tensorflow-datasets keeps its files")
    add("--output", type=Path, default=Path("refine"), help="the folder of the trained GANs")
    arguments = parser.parse_args()
    features = classifiers.features_of(classifiers.classifier("mnist", arguments.data_dir))
    distance, coverage = metrics.FrechetDistance(features), metrics.PrecisionRecall(features)
    test = classifiers.load("mnist", "test", arguments.data_dir)[0]
    for metric in (distance, coverage):
        metric.accumulate_real(distance.extract(test, batch_size=500))
    print("| | truncation | steps | Fréchet | precision | recall | energy | CPU seconds |")
    print("|" + "---|" * 8)
    for name in arguments.gans:
        gan = trained(name, arguments.steps, arguments.output, arguments.data_dir)
        plain = gan.energy(drawn(gan, arguments.samples))
        weighted = [{"refine": 50, "weight": weight} for weight in arguments.weights]
        for row in ROWS + weighted:
            start = time.process_time()
            samples = drawn(gan, arguments.samples, **row)
            seconds = time.process_time() - start
            found = distance.extract(cropped(samples), batch_size=500)
            for metric in (distance, coverage):
                metric.reset_state()
                metric.accumulate(found)
            steps, weight = row.get("refine", 0), row.get("weight")
            cells = [
                f"{name}, weight {weight:g}" if weight else name,
                f"{row.get('truncation', 1.0)} | {steps} | {distance.result():.1f}",
                "{precision:.3f} | {recall:.3f}".format(**coverage.result()),
                f"{(gan.energy(samples).mean() - plain.mean()) / plain.std():+.2f} | {seconds:.0f}",
            ]
            print("|", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
