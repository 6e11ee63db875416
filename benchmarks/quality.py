"""Trains a GAN on a number of images of digits or clothes, and measures its samples.

    python benchmarks/quality.py --gan began/mnist --seed 0 --data-dir DIRECTORY

`DIRECTORY` is that of tensorflow-datasets. Distances, precision and recall compare 10,000 samples
with the 10,000 test images, in the features of `classifiers.py`. The row goes to a JSON file in the
output folder, beside a grid of samples; `quality_table.py` makes a table of the rows. With
`--labels` the GAN is conditional, and the row also has how often the classifier finds the requested
class, and the Fréchet distance within classes.

With `--augment auto`, whose training needs held-out images, give `--hold-out`, and to the runs that
are compared with it too.

The dataset is the preset's: Fashion-MNIST for `began/fashion`. `--keep 500` trains on 500 of its
images only, drawn by the seed. Instead of a GAN, `real` measures 10,000 of the training images, and
`noise` uniform noise. This measures a GAN that an example has trained:

    python benchmarks/quality.py --file began/began.keras --data-dir DIRECTORY
"""

import argparse
import json
import time
from pathlib import Path

import keras
import numpy as np
from classifiers import LEAST, classifier, features_of, load
from memory import peak_memory

from keras_egan import augment, callbacks, datasets, metrics, presets

SAMPLES = 10_000


def measure(samples, dataset, data_dir, labels=None):
    """Return the metrics of samples, an array of shape `(n, 28, 28, 1)` in [-1, 1].

    `labels` are the classes requested from a conditional GAN.
    """
    model = classifier(dataset, data_dir)
    features = features_of(model)
    relative = [
        metrics.FrechetDistance(features),
        metrics.KernelDistance(features),
        metrics.PrecisionRecall(features),
    ]
    absolute = [metrics.InceptionScore(model), metrics.ModeCoverage(model)]
    test, kinds = load(dataset, "test", data_dir)
    figures = {}
    if labels is not None:
        accuracy, within = metrics.ClassAccuracy(model), metrics.ClassFrechetDistance(features)
        accuracy.update_state(samples, labels)
        within.update_real(test, kinds)
        within.update_state(samples, labels)
        figures |= {"class_accuracy": accuracy.result(), **within.result()}
    for extractor, group in ((features, relative), (model, absolute)):
        found = group[0].extract(samples, batch_size=500)
        real = group[0].extract(test, batch_size=500) if extractor is features else None
        for metric in group:
            if real is not None:
                metric.accumulate_real(real)
            metric.accumulate(found)
            result = metric.result()
            figures |= result if isinstance(result, dict) else {metric.name: result}
    return figures | {"shares": [round(float(share), 4) for share in absolute[1].shares]}


def padded(images, side):
    """Return 28x28 images with the border that networks for larger ones need."""
    border = (side - 28) // 2
    return np.pad(images, ((0, 0), (border, border), (border, border), (0, 0)))


def cropped(images):
    """Return images without the border of `padded`."""
    border = (images.shape[1] - 28) // 2
    return images[:, border : border + 28, border : border + 28]


def train(arguments, data, labels, output):
    """Return a trained GAN, and facts about the training; `labels` may be None."""
    keras.utils.set_random_seed(arguments.seed)
    preset = presets.get(arguments.gan)
    batch_size = preset.batch_size
    epochs = 20
    steps = max(1, arguments.images // (epochs * batch_size))
    images = steps * epochs * batch_size
    changes = dict(arguments.settings)
    automatic = arguments.augment == "auto"
    if arguments.augment:
        policy = "translation" if automatic else arguments.augment
        p = "auto" if automatic else 1.0
        changes["augment"] = augment.DiffAugment(
            policy, fill=-1.0, probability=p, seed=arguments.seed
        )
    if labels is not None:
        changes["num_classes"] = int(labels.max()) + 1
    gan = presets.build(arguments.gan, **changes)
    kept, held_out = len(data), None
    data = padded(data, preset.image_shape[0])
    if arguments.hold_out:
        count = len(data) // 10
        held_out = (data[:count], *([] if labels is None else [labels[:count]]))
        data, labels = data[count:], labels if labels is None else labels[count:]
    # A last batch of a few images would upset networks that normalise over the batch.
    order = {"seed": arguments.seed, "drop_remainder": True}
    start = time.perf_counter()
    gan.fit(
        datasets.Batches(data, batch_size, labels=labels, **order),
        epochs=epochs,
        steps_per_epoch=steps,
        validation_data=held_out,
        validation_freq=epochs,
        callbacks=[
            callbacks.EquilibriumLogger(output / "equilibrium.csv", every=10),
            callbacks.SampleGrid(output, every=epochs * steps),
        ],
        verbose=2,
    )
    return gan, {
        "settings": {**preset._asdict(), "changed": arguments.settings},
        "augment": arguments.augment,
        "images": images,
        "kept": kept,
        "labels": labels is not None,
        "images_per_second": images / (time.perf_counter() - start),
        "peak_memory_mib": peak_memory(),
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    source = parser.add_mutually_exclusive_group(required=True)
    kinds = [name for name in presets.names() if presets.get(name).image_shape[2] == 1]
    source.add_argument("--gan", choices=[*kinds, "real", "noise"], help="a preset, or what else")
    source.add_argument("--file", type=Path, help="a `.keras` file of a trained GAN")
    add("--images", type=int, default=512_000, help="how many training sees")
    add("--dataset", choices=LEAST, help="by default the preset's, or mnist")
    add("--keep", type=int, help="how many images there are; all by default")
    add("--hold-out", action="store_true", help="train on nine tenths, as --augment auto must")
    add("--augment", help="a policy of DiffAugment, or auto; what comes in is black")
    add("--labels", action="store_true", help="train with labels, a conditional GAN")
    add("--seed", type=int, default=0, help="of weights, latents and the order of the images")
    add("--settings", type=json.loads, default={}, help="JSON: arguments of presets.build")
    add("--name", help="the row's, if settings were changed")
    add("--data-dir", help="where tensorflow-datasets keeps its files")
    add("--output", type=Path, default=Path("quality"), help="the folder of the rows")
    arguments = parser.parse_args()
    name = arguments.name or (arguments.gan or arguments.file.stem).replace("/", "_")
    output = arguments.output / f"{name}_{arguments.seed}"
    arguments.output.mkdir(parents=True, exist_ok=True)
    of = presets.get(arguments.gan).dataset if arguments.gan in kinds else None
    dataset = arguments.dataset or (of if of in LEAST else "mnist")
    row = {"name": name, "seed": arguments.seed, "dataset": dataset}
    rng = np.random.default_rng(arguments.seed)
    kept = {"real": SAMPLES}.get(arguments.gan, arguments.keep)
    data, labels = load(dataset, "train", arguments.data_dir)
    if kept is not None:
        chosen = rng.permutation(len(data))[:kept]
        data, labels = data[chosen], labels[chosen]
    asked = None

    if arguments.file:
        gan = keras.models.load_model(arguments.file, compile=False)
        samples = cropped(gan.sample(SAMPLES, seed=arguments.seed))
    elif arguments.gan in kinds:
        gan, said = train(arguments, data, labels if arguments.labels else None, output)
        gan.save(output / "gan.keras")
        asked = gan.labels and gan.labels.drawn(SAMPLES, None, arguments.seed)
        samples = cropped(gan.sample(SAMPLES, seed=arguments.seed, labels=asked))
        row |= said
    elif arguments.gan == "real":
        samples = data / np.float32(127.5) - 1
    else:
        samples = rng.uniform(-1, 1, (SAMPLES, 28, 28, 1)).astype("float32")

    row["backend"] = keras.backend.backend()
    row |= measure(samples, dataset, arguments.data_dir, asked)
    (arguments.output / f"{name}_{arguments.seed}.json").write_text(json.dumps(row, indent=1))
    print(json.dumps(row, indent=1))


if __name__ == "__main__":
    main()
