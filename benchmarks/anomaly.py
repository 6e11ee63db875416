"""Measures how well detectors find anomalies, by protocol A: one class is normal.

    python benchmarks/anomaly.py --data-dir DIRECTORY --dataset mnist --seeds 0 1 2

Each detector trains on the training images of one class and scores all test images. Its result is
the area under the ROC curve of "another class". `autoencoder`, `began`, `ebgan` and `magan` are one
auto-encoder, trained for the same number of steps without an adversary and with three. After an
adversary, the detector sets the averages of batch normalisation to those of data alone. `iforest`,
`knn`, `ocsvm` and `pca` are PyOD's with their defaults, on the same images. Each row is a JSON file
in the output folder. A run that was interrupted continues with the missing rows. `--table` prints a
table of the rows, and `--time` the time of one image.
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
from sklearn.metrics import roc_auc_score

from keras_egan import networks, presets
from keras_egan.anomaly import EnergyDetector

DATASETS = ("mnist", "fashion_mnist", "cifar10_jpeg")
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


def measure(name, seed, train, test, abnormal, arguments):
    """Return a detector's areas under the curve by the names of its scores, and its times."""
    keras.utils.set_random_seed(seed)
    start = time.perf_counter()
    if name in CLASSICAL:
        detector = CLASSICAL[name](seed).fit(train.reshape(len(train), -1) / 255.0)
        fitted = time.perf_counter()
        found = {"own": detector.decision_function(test.reshape(len(test), -1) / 255.0)}
    else:
        model = untrained(name, train.shape[1:], arguments)
        epochs = max(1, round(arguments.steps * BATCH / len(train)))
        whole = {"calibration_split": 0}  # no threshold is needed, so all images are for training
        detector = EnergyDetector(model, epochs=epochs, batch_size=BATCH, **whole).fit(train)
        fitted = time.perf_counter()
        network = detector.scorer_.discriminator
        norm = EnergyDetector(network, score="norm", epochs=0, **whole).fit(train)
        found = {"average": detector.decision_function(test), "norm": norm.decision_function(test)}
        own = norm.decision_scores_  # the other half of the average comes from the embedding
        found["embedding"] = 2 * found["average"] - (found["norm"] - own.mean()) / own.std()
    return {
        "auroc": {score: float(roc_auc_score(abnormal, values)) for score, values in found.items()},
        "seconds_to_fit": fitted - start,
        "seconds": time.perf_counter() - start,
    }


def run(arguments):
    arguments.output.mkdir(parents=True, exist_ok=True)
    (train, labels), (test, test_labels) = (
        load(arguments.dataset, split, arguments.data_dir) for split in ("train", "test")
    )
    for seed in arguments.seeds:
        for name in arguments.detectors:
            for normal in arguments.classes:
                row = {"dataset": arguments.dataset, "detector": name, "class": normal}
                row |= {"seed": seed, "steps": arguments.steps, "embedding": arguments.embedding}
                path = arguments.output / f"{arguments.dataset}_{name}_{normal}_{seed}.json"
                if path.exists():
                    continue
                abnormal = test_labels != normal
                row |= measure(name, seed, train[labels == normal], test, abnormal, arguments)
                path.write_text(json.dumps(row, indent=1))
                print(json.dumps(row), flush=True)


def table(folder):
    """Print the means over classes and seeds, in per cent, of the rows in a folder."""
    rows = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    print("| dataset | detector | score | mean AUROC, % | worst class | classes x seeds |")
    print("|---|---|---|---|---|---|")
    for dataset in DATASETS:
        for name in ("autoencoder", *GANS, *CLASSICAL):
            found = [row for row in rows if (row["dataset"], row["detector"]) == (dataset, name)]
            for score in found[0]["auroc"] if found else ():
                values = [100 * row["auroc"][score] for row in found]
                classes = {row["class"] for row in found}
                means = [
                    np.mean([v for v, row in zip(values, found, strict=True) if row["class"] == c])
                    for c in classes
                ]
                counts = f"{len(classes)} x {len({row['seed'] for row in found})}"
                print(
                    f"| {dataset} | {name} | {score} | {np.mean(values):.1f} "
                    f"| {min(means):.1f} | {counts} |"
                )


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
    add("--classes", nargs="+", type=int, default=list(range(10)), help="those that are normal")
    add("--seeds", nargs="+", type=int, default=[0])
    add("--steps", type=int, default=1200, help="of training, on 64 images each")
    add("--filters", type=int, default=16, help="the auto-encoder's width")
    add("--embedding", type=int, default=16, help="the length of its embedding")
    add("--settings", type=json.loads, default={}, help="JSON: arguments of the GAN to change")
    add("--data-dir", help="where tensorflow-datasets keeps its files")
    add("--output", type=Path, default=Path("anomaly"), help="the folder of the rows")
    add("--table", action="store_true", help="make a table of the rows that are there")
    add("--images", type=int, default=6000, help="how many --time learns from")
    add("--time", action="store_true", help="measure how long one image takes")
    arguments = parser.parse_args()
    if arguments.table:
        table(arguments.output)
    elif arguments.time:
        times(arguments)
    else:
        run(arguments)
