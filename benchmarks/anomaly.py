"""Measures how well detectors find anomalies, by protocol A: one class is normal.

    python benchmarks/anomaly.py --data-dir DIRECTORY --dataset mnist --seeds 0 1 2
    python benchmarks/anomaly.py --data-dir textures --dataset textures

Each detector trains on the training images of one class and scores all test images. Its result is
the area under the ROC curve of "another class". Of the textures, which `textures.py` writes, the
scratched images are to be found, and the maps are measured too. `autoencoder`, `began`, `ebgan` and
`magan` are one auto-encoder, trained for the same number of steps without an adversary and with
three. After an adversary, the detector sets the averages of batch normalisation to those of data
alone. `iforest`, `knn`, `ocsvm` and `pca` are PyOD's with their defaults, on the same images.

The scores are `norm` and `embedding`, as `EnergyDetector` computes them, and `map`, the largest
value of the anomaly map. Joined by a plus they are standardised on the training images and added;
`norm + embedding + map` is the detector's `"average"`.

Each row is a JSON file in the output folder. A run that was interrupted continues with the missing
rows. `--table` prints a table of the rows, with intervals of 95 %: of an area by the number of test
images (Hanley and McNeil, 1982), of its difference from the plain auto-encoder's
`norm + embedding + map` by Student's t over classes. `--time` prints the time of one image.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
from classifiers import load
from pyod.models.iforest import IForest
from pyod.models.knn import KNN
from pyod.models.ocsvm import OCSVM
from pyod.models.pca import PCA
from scipy import stats
from sklearn.metrics import roc_auc_score

from keras_egan import networks, presets
from keras_egan.anomaly import EnergyDetector, evaluate, load_mvtec

DATASETS = ("mnist", "fashion_mnist", "cifar10_jpeg", "textures")
TEXTURES = ("clouds", "stripes", "weave", "spots")
SCORES = ("norm", "embedding", "map")
SUMS = ("norm + embedding + map", "map + embedding", "norm + embedding", "norm + map")
GANS = {"began": {"eta": 2}, "ebgan": {}, "magan": {}}
CLASSICAL = {
    "iforest": lambda seed: IForest(random_state=seed),
    "knn": lambda seed: KNN(),
    "ocsvm": lambda seed: OCSVM(),
    "pca": lambda seed: PCA(random_state=seed),
}
BATCH, RATE = 64, 4e-3


def untrained(name, shape, arguments):
    """Return a compiled GAN or auto-encoder, whose learning rate falls along a cosine."""
    rate = keras.optimizers.schedules.CosineDecay(RATE, arguments.steps, alpha=0.02)
    widths = {"filters": arguments.filters, "embedding_dim": arguments.embedding}
    if name in GANS:
        changes = {"generator_average": None, "updates": "one_pass", **GANS[name]}
        changes |= arguments.settings
        return presets.build(
            f"{name}/mnist", shape, network_arguments=widths, d_rate=rate, g_rate=rate, **changes
        )
    _, model = networks.dcgan_autoencoder(shape, **widths)
    model.compile(keras.optimizers.Adam(rate, beta_1=0.5), "mse")
    return model


def problem(normal, arguments):
    """Return training images, test images, which of these are abnormal, and masks or None."""
    if arguments.dataset == "textures":
        data = load_mvtec(Path(arguments.data_dir) / TEXTURES[normal], grayscale=True)
        return data.train, data.test, np.array(data.kinds) != "good", data.masks
    (train, labels), (test, test_labels) = (
        load(arguments.dataset, split, arguments.data_dir) for split in ("train", "test")
    )
    train = train[labels == normal]
    return (
        train[: arguments.most],
        test[: arguments.most],
        (test_labels != normal)[: arguments.most],
        None,
    )


def scored(network, train, test):
    """Return a trained auto-encoder's scores of test images by name, and its detector."""
    found = {}
    for score in SCORES:
        detector = EnergyDetector(network, score=score, epochs=0, calibration_split=0).fit(train)
        own = detector.decision_scores_
        found[score] = (detector.decision_function(test) - own.mean()) / own.std()
    return found | {name: sum(found[part] for part in name.split(" + ")) for name in SUMS}, detector


def measure(name, seed, train, test, abnormal, masks, arguments):
    """Return a detector's areas under the curve, by the names of its scores, and its times."""
    keras.utils.set_random_seed(seed)
    start = time.perf_counter()
    row = {}
    if name in CLASSICAL:
        detector = CLASSICAL[name](seed).fit(train.reshape(len(train), -1) / 255.0)
        row["seconds_to_fit"] = time.perf_counter() - start
        found = {"own": detector.decision_function(test.reshape(len(test), -1) / 255.0)}
    else:
        model = untrained(name, train.shape[1:], arguments)
        epochs = max(1, round(arguments.steps * BATCH / len(train)))
        # No threshold is needed: all images are learnt.
        detector = EnergyDetector(model, epochs=epochs, batch_size=BATCH, calibration_split=0)
        network = detector.fit(train).scorer_.discriminator
        row["seconds_to_fit"] = time.perf_counter() - start
        found, detector = scored(network, train, test)
        if masks is not None:
            row["maps"] = evaluate(detector, test, masks)._asdict()
    row["auroc"] = {score: float(roc_auc_score(abnormal, x)) for score, x in found.items()}
    row["normal"], row["abnormal"] = int((~abnormal).sum()), int(abnormal.sum())
    return row | {"seconds": time.perf_counter() - start}


def run(arguments):
    arguments.output.mkdir(parents=True, exist_ok=True)
    for seed in arguments.seeds:
        for normal in arguments.classes:
            data = None
            for name in arguments.detectors:
                row = {"dataset": arguments.dataset, "detector": name, "class": normal}
                row |= {"seed": seed, "steps": arguments.steps, "embedding": arguments.embedding}
                path = arguments.output / f"{arguments.dataset}_{name}_{normal}_{seed}.json"
                if path.exists():
                    continue
                data = data or problem(normal, arguments)
                row |= measure(name, seed, *data, arguments)
                path.write_text(json.dumps(row, indent=1))
                print(json.dumps(row), flush=True)


def variance(area, normal, abnormal):
    """Return the variance of an area under the curve over test images, by Hanley and McNeil.

    Source: The meaning and use of the area under a receiver operating characteristic (ROC) curve,
    Radiology 1982.
    """
    two_abnormal, two_normal = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area)
    spread += (abnormal - 1) * (two_abnormal - area**2) + (normal - 1) * (two_normal - area**2)
    return spread / (normal * abnormal)


def interval(by_class):
    """Return the mean over classes of lists of values, and half of its interval of 95 %."""
    means = [np.mean(values) for values in by_class.values()]
    if len(means) < 2:
        return means[0], np.nan
    error = np.std(means, ddof=1) / np.sqrt(len(means))
    return np.mean(means), stats.t.ppf(0.975, len(means) - 1) * error


def table(folder):
    """Print the means over classes and seeds, in per cent, of the rows in a folder."""
    rows = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    plain = {
        (row["dataset"], row["class"], row["seed"]): row["auroc"][SUMS[0]]
        for row in rows
        if row["detector"] == "autoencoder"
    }
    print("| dataset | detector | score | mean AUROC, % | difference | worst class | rows |")
    print("|---|---|---|---|---|---|---|")
    for dataset in DATASETS:
        for name in ("autoencoder", *GANS, *CLASSICAL):
            found = [row for row in rows if (row["dataset"], row["detector"]) == (dataset, name)]
            for score in found[0]["auroc"] if found else ():
                values, differences, variances = {}, {}, []
                for row in found:
                    value, place = row["auroc"][score], (row["class"], row["seed"])
                    values.setdefault(row["class"], []).append(100 * value)
                    variances.append(variance(value, row["normal"], row["abnormal"]))
                    if (dataset, *place) in plain:
                        difference = 100 * (value - plain[dataset, *place])
                        differences.setdefault(row["class"], []).append(difference)
                mean, _ = interval(values)
                error = 196 * np.sqrt(np.sum(variances)) / len(variances)
                gain = "{:+.1f} ± {:.1f}".format(*interval(differences)) if differences else ""
                worst = min(np.mean(of_class) for of_class in values.values())
                counts = f"{len(values)} x {len({row['seed'] for row in found})}"
                print(
                    f"| {dataset} | {name} | {score} | {mean:.1f} ± {error:.1f} | {gain} "
                    f"| {worst:.1f} | {counts} |"
                )
    maps = [row for row in rows if "maps" in row]
    if maps:
        print("\n| texture | detector | pixel AUROC, % | AUPRO, % | seeds |\n|---|---|---|---|---|")
    for normal, name in sorted({(row["class"], row["detector"]) for row in maps}):
        found = [row["maps"] for row in maps if (row["class"], row["detector"]) == (normal, name)]
        areas = (
            100 * np.array([figures[name] for figures in found])
            for name in ("pixel_auroc", "aupro")
        )
        means = " | ".join(
            f"{area.mean():.1f} ± {area.std(ddof=1) / np.sqrt(len(area)):.1f}"
            if len(area) > 1
            else f"{area.mean():.1f}"
            for area in areas
        )
        print(f"| {TEXTURES[normal]} | {name} | {means} | {len(found)} |")


def once(function, rounds=300):
    """Return the median time of a call, in milliseconds."""
    function()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        times.append(1e3 * (time.perf_counter() - start))
    return float(np.median(times))


def times(arguments):
    """Print the time of one image in Keras and in each exported file, on one thread."""
    import onnxruntime
    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter

    images = (
        np.random.default_rng(0).uniform(-1, 1, (arguments.images, 28, 28, 1)).astype("float32")
    )
    detector = EnergyDetector(untrained("autoencoder", (28, 28, 1), arguments), epochs=0)
    detector.fit(images)
    image = images[:1]
    found = {f"Keras on {keras.backend.backend()}": once(lambda: detector.decision_function(image))}
    with tempfile.TemporaryDirectory() as folder:
        onnx, litert, saved = (Path(folder) / name for name in ("a.onnx", "a.tflite", "a"))
        detector.export(onnx, "onnx")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
        found["ONNX"] = once(lambda: session.run(None, {"image": image}))
        detector.export(litert, "litert")
        runner = Interpreter(str(litert), num_threads=1).get_signature_runner()
        found["LiteRT"] = once(lambda: runner(image=image))
        detector.export(saved, "saved_model")
        served = tf.saved_model.load(str(saved))
        found["SavedModel"] = once(lambda: served.serve(image)["score"].numpy())
    print(json.dumps({name: round(value, 3) for name, value in found.items()}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    kinds = ["autoencoder", *GANS, *CLASSICAL]
    add("--dataset", choices=DATASETS, default="mnist")
    add("--detectors", nargs="+", choices=kinds, default=kinds)
    add("--classes", nargs="+", type=int, help="those that are normal; all by default")
    add("--seeds", nargs="+", type=int, default=[0])
    add("--steps", type=int, default=1200, help="of training, on 64 images each")
    add("--most", type=int, help="of training images, and of test images; all by default")
    add("--filters", type=int, default=16, help="the auto-encoder's width")
    add("--embedding", type=int, default=16, help="the length of its embedding")
    add("--settings", type=json.loads, default={}, help="JSON: arguments of the GAN to change")
    add("--data-dir", help="the folder of tensorflow-datasets, or of the textures")
    add("--output", type=Path, default=Path("anomaly"), help="the folder of the rows")
    add("--table", action="store_true", help="make a table of the rows that are there")
    add("--images", type=int, default=6000, help="how many --time learns from")
    add("--time", action="store_true", help="measure how long one image takes")
    arguments = parser.parse_args()
    count = len(TEXTURES) if arguments.dataset == "textures" else 10
    arguments.classes = arguments.classes or list(range(count))
    if arguments.table:
        table(arguments.output)
    elif arguments.time:
        times(arguments)
    else:
        run(arguments)
