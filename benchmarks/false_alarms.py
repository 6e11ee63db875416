"""How many unseen normal images does a detector flag, and how many was it asked to flag?

    python benchmarks/false_alarms.py
    python benchmarks/false_alarms.py --dataset fashion_mnist --data-dir DIRECTORY

For each class, `EnergyDetector` with its defaults learns from 350 images of it, for each of three
values of `contamination`, and judges up to 2,000 other images of it. The last column is PyOD's
threshold, `calibration_split=0`. A row's interval is two standard errors of the share: it varies
with the images that set the threshold, and with those that are judged.
"""

import argparse

import keras
import numpy as np

from keras_egan import datasets
from keras_egan.anomaly import EnergyDetector


def images_of(dataset, data_dir):
    if dataset == "digits":
        form = {"image_size": 28, "labels": True, "batch_size": 5000, "shuffle": False}
        return datasets.load("digits", **form)[0]
    import tensorflow_datasets as tfds

    data = tfds.as_numpy(tfds.load(dataset, split="train", data_dir=data_dir, batch_size=-1))
    return data["image"], data["label"]


def interval(share, kept, unseen):
    """Return two standard errors of the share of unseen images that are flagged."""
    return 2 * np.sqrt(share * (1 - share) * (1 / (kept + 2) + 1 / unseen))


def run(arguments):
    images, labels = images_of(arguments.dataset, arguments.data_dir)
    print("| data | class | asked for | flagged | two errors | PyOD's threshold | unseen |")
    print("|---|---|---|---|---|---|---|")
    for normal in arguments.classes:
        good = np.random.default_rng(arguments.seed).permutation(images[labels == normal])
        train, unseen = np.split(good[: arguments.images + 2000], [arguments.images])
        keras.utils.set_random_seed(arguments.seed)
        usual = EnergyDetector(epochs=arguments.epochs).fit(train)
        pyod = EnergyDetector(epochs=arguments.epochs, calibration_split=0).fit(train)
        for share in arguments.shares:
            # The same images are held out again, so that only the threshold changes.
            network, kept = usual.scorer_.discriminator, len(train) - usual.scorer_.tiles
            detector = EnergyDetector(network, contamination=share, epochs=0).fit(train)
            flagged, errors = detector.predict(unseen).mean(), interval(share, kept, len(unseen))
            threshold = np.quantile(pyod.decision_scores_, 1 - share)
            by_pyod = (pyod.decision_function(unseen) > threshold).mean()
            print(
                f"| {arguments.dataset} | {normal} | {share:.0%} | {flagged:.1%} | {errors:.1%} "
                f"| {by_pyod:.0%} | {len(unseen)} |",
                flush=True,
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--dataset", default="digits", help="digits, or a name of tensorflow-datasets")
    add("--classes", nargs="+", type=int, default=[3, 8], help="those that are normal")
    add("--shares", nargs="+", type=float, default=[0.05, 0.1, 0.2], help="of false alarms")
    add("--images", type=int, default=350, help="to learn from, those kept back among them")
    add("--epochs", type=int, help="by default the detector's own number")
    add("--seed", type=int, default=0)
    add("--data-dir", help="where tensorflow-datasets keeps its files")
    run(parser.parse_args())
