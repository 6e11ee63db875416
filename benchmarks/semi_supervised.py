"""How well does CLS-GAN's classifier read digits, with all labels and with 100 of them?

    python benchmarks/semi_supervised.py --labeled 100 --seed 0 --data-dir DIRECTORY

`DIRECTORY` is that of tensorflow-datasets. `--labeled 100` keeps the labels of ten images per
class, chosen by the seed. The others have the label -1. A shuffled batch of 64 would hold a
labelled image once in nine batches. A quarter of each batch is therefore drawn from those 100, and
the first `--first` images are labelled ones that train the classifier without a generator.
`--alone` trains like this to the end: the same network, steps, rates and augmentation. Without
either, CLS-GAN has all labels. The row goes to a JSON file in the output folder, beside a grid of
samples with one row per class.

The averages of batch normalisation are of data and fakes alike, and fit neither. `error` is
therefore measured after `settle_normalization` has set them to those of training images, and
`error_unsettled` before. Labels have no influence on these averages.
"""

import argparse
import json
from pathlib import Path

import keras
import numpy as np
from classifiers import load
from quality import padded

from keras_egan import LossSensitiveGAN, augment, networks, pictures

BATCH, SHARE, CLASSES = 64, 16, 10
RATE = 1e-3  # the author's


def scaled(images):
    """Return uint8 images as floats in [-1, 1]."""
    return images / np.float32(127.5) - 1


def batches(images, labels, known, share, rng):
    """Yield batches. `share` of each is drawn from the indices `known`, the rest in turn.

    The rest keeps its labels only if all labels are known.
    """
    others = labels if len(known) == len(labels) else np.full_like(labels, -1)
    order = np.empty(0, int)
    while True:
        if len(order) < BATCH - share:
            order = rng.permutation(len(images))
        places, order = order[: BATCH - share], order[BATCH - share :]
        drawn = rng.choice(known, share)
        yield (
            np.concatenate([images[drawn], images[places]]),
            np.concatenate([labels[drawn], others[places]]),
        )


def adam(rate, steps):
    """Return the author's optimizer, with a rate that falls along a cosine."""
    return keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(rate, steps, alpha=0.02), beta_1=0.5
    )


def train_alone(classifier, change, data, steps):
    """Train the classifier alone, on images that `change` augments."""
    image = keras.Input(classifier.input_shape[1:])
    model = keras.Model(image, classifier(change(image) if change else image))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(adam(RATE, steps), loss)
    data = ((scaled(images), labels) for images, labels in data)
    model.fit(data, steps_per_epoch=steps, shuffle=False, verbose=2)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--labeled", type=int, help="how many labels are kept; all by default")
    add("--alone", action="store_true", help="train the classifier on the labelled images alone")
    add("--seed", type=int, default=0, help="of the choice, weights, latents and order")
    add("--images", type=int, default=60_000, help="how many training sees, repeated ones too")
    add("--first", type=int, default=20_000, help="how many of them come first, with no generator")
    add("--augment", default="translation", help="a policy of DiffAugment; '' for none")
    add("--g-rate", type=float, default=2e-4, help="the generator's; the author's is 1e-3")
    add("--first-term-weight", type=float, default=10.0, help="the author's is 1")
    add("--data-dir", help="where tensorflow-datasets keeps its files")
    add("--output", type=Path, default=Path("semi_supervised"), help="the folder of the rows")
    arguments = parser.parse_args()
    keras.utils.set_random_seed(arguments.seed)
    rng = np.random.default_rng(arguments.seed)
    (images, labels), (test, test_labels) = (
        (padded(x, 32), y.astype("int32"))
        for x, y in (load("mnist", split, arguments.data_dir) for split in ("train", "test"))
    )
    all_known = arguments.labeled is None
    known = np.arange(len(labels))
    if not all_known:
        of_class = [rng.permutation(np.flatnonzero(labels == c)) for c in range(CLASSES)]
        known = np.concatenate([found[: arguments.labeled // CLASSES] for found in of_class])
    generator, classifier = networks.loss_sensitive(
        (32, 32, 1), filters=16, num_classes=CLASSES, classifier=True
    )
    change = arguments.augment and augment.DiffAugment(
        arguments.augment, fill=-1.0, seed=arguments.seed
    )
    steps = arguments.images // BATCH
    first = steps if arguments.alone else 0 if all_known else arguments.first // BATCH
    row = {**vars(arguments), "backend": keras.backend.backend()}
    del row["data_dir"], row["output"]
    kind = ("alone" if arguments.alone else "cls_gan") + ("" if arguments.augment else "_plain")
    path = arguments.output / f"{kind}_{arguments.labeled or 'all'}_{arguments.seed}.json"
    arguments.output.mkdir(parents=True, exist_ok=True)
    if first:
        train_alone(classifier, change, batches(images, labels, known, BATCH, rng), first)
    gan = LossSensitiveGAN(
        generator,
        classifier,
        num_classes=CLASSES,
        energy="cross_entropy",
        first_term_weight=arguments.first_term_weight,
        delta_weight=8e-4,  # the author's
        latents="normal",
        updates="one_pass",
        augment=change or None,
        generator_average=0.999,
        seed=arguments.seed,
    )
    if not arguments.alone:
        rest = steps - first
        gan.compile(adam(RATE, rest), adam(arguments.g_rate, rest))
        data = batches(images, labels, known, 0 if all_known else SHARE, rng)
        gan.fit(data, steps_per_epoch=rest, shuffle=False, verbose=2)
        asked = np.repeat(np.arange(CLASSES), 10)
        pictures.save_grid(path.with_suffix(".png"), gan.sample(len(asked), 0, labels=asked), 10)

    def error():
        found = classifier.predict(scaled(test), batch_size=500, verbose=0).argmax(axis=1)
        return float((found != test_labels).mean())

    row["error_unsettled"] = error()
    gan.settle_normalization(images, labels, batch_size=500)
    row["error"] = error()
    path.write_text(json.dumps(row, indent=1))
    print(json.dumps(row, indent=1))


if __name__ == "__main__":
    main()
