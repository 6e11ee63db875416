"""Writes folders of images to try `keras_egan train` on, and measures what it made of them.

    python benchmarks/folders.py write --data-dir DIRECTORY --output folders
    keras_egan train folders/horses --minutes 20 --output run
    python benchmarks/folders.py measure run
    python benchmarks/folders.py preset run least_squares/photographs --minutes 20

`DIRECTORY` is that of tensorflow-datasets. The folders are 5,000 digits, 6,000 shirts of
Fashion-MNIST, 5,000 horses of CIFAR-10, 8,000 faces, 500 of these, and the letters of the fonts
that matplotlib comes with.

`measure` compares new samples of the best weights with the images that the run held out: the
distance, of which a Gaussian in the images' principal components has 1, and precision and recall in
the features of a fixed random network. It gives real images' figures beside them, and what was
decided. `preset` trains a preset on the run's images for so many minutes of the processor, and
measures its last weights in the same way.
"""

import argparse
import json
from pathlib import Path

import keras
import matplotlib
import numpy as np
from equal_time import ProcessorTime
from PIL import Image, ImageDraw, ImageFont

import keras_egan
from keras_egan import datasets, metrics, presets
from keras_egan.automatic.build import laid_out
from keras_egan.automatic.files import RunFiles
from keras_egan.metrics.anchors import AnchoredDistance, in_range

SETS = {
    "digits": ("mnist", None, 5000),
    "shirts": ("fashion_mnist", 6, 6000),
    "horses": ("cifar10_jpeg", 7, 5000),
    "faces": ("celeba64", None, 8000),
    "faces500": ("celeba64", None, 500),
}
"""Of each folder: the data set, the class or None for all, and the number of images."""

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def taken(name, kind, count, data_dir):
    """Return the first images of a data set, of one class if `kind` is not None, uint8."""
    loaded = datasets.load(
        name, batch_size=100, shuffle=False, labels=kind is not None, data_dir=data_dir
    )
    images = []
    for i in range(len(loaded)):
        batch = loaded[i]
        rows = np.asarray(batch[0])
        images += list(rows if kind is None else rows[np.asarray(batch[1]) == kind])
        if len(images) >= count:
            break
    return images[:count]


def letters():
    """Yield pictures of 64x64 of each letter, by each font, in three sizes."""
    fonts = Path(matplotlib.get_data_path(), "fonts/ttf").glob("*.ttf")
    for file in sorted(fonts):
        for size in (36, 44, 52):
            font = ImageFont.truetype(str(file), size)
            for letter in LETTERS:
                left, top, right, bottom = font.getbbox(letter)
                if right > left and bottom > top:
                    image = Image.new("L", (64, 64), 255)
                    draw = ImageDraw.Draw(image)
                    draw.text((32, 32), letter, font=font, fill=0, anchor="mm")
                    yield np.asarray(image)


def write(arguments):
    """Write the folders."""
    for name in arguments.sets:
        folder = arguments.output / name
        folder.mkdir(parents=True, exist_ok=True)
        images = letters() if name == "letters" else taken(*SETS[name], arguments.data_dir)
        for index, image in enumerate(images):
            Image.fromarray(image.squeeze()).save(folder / f"{index:05d}.png")
        print(f"{folder}: {index + 1} images of {image.shape}")


def measure(arguments):
    """Print the figures of a run."""
    state, held, training = images_of(arguments.run)
    row = {"decided": state.plan.decisions[0][0], "changed": len(state.interventions)}
    compare(keras_egan.load(RunFiles(arguments.run).best), held, training, arguments.seed, row)


def train_preset(arguments):
    """Train a preset on the images of a run, and print its figures."""
    state, held, training = images_of(arguments.run)
    keras.utils.set_random_seed(arguments.seed)
    preset = presets.get(arguments.preset)
    gan = presets.build(arguments.preset, held.shape[1:], seed=arguments.seed)
    flip = state.plan.horizontal_flip
    data = datasets.load(training, batch_size=preset.batch_size, horizontal_flip=flip)
    gan.fit(
        data,
        epochs=1_000_000,
        steps_per_epoch=50,
        verbose=0,
        callbacks=[ProcessorTime(60 * arguments.minutes)],
    )
    compare(gan, held, training, arguments.seed, {"preset": arguments.preset})


def images_of(run):
    """Return the state of a run, the images that it held out, and those that it trained on."""
    run = RunFiles(run)
    state, images = run.read_state(), laid_out(run.read_images().images)
    return state, *np.split(images, [state.look.held_out])


def compare(gan, held, training, seed, row):
    """Print a row and the figures of a GAN's samples and of real images."""
    distance = AnchoredDistance(training, held)
    row["steps"] = int(gan.step)
    for name, samples in (
        ("samples", gan.sample(len(held), seed=seed)),
        ("real", distance.real),
    ):
        cover = metrics.PrecisionRecall(metrics.random_features(held.shape[1:]))
        cover.update_real(in_range(held))
        cover.update_state(samples)
        row[name] = {"distance": distance(samples), **cover.result()}
    print(json.dumps(row, indent=1))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("write", help="write the folders")
    command.set_defaults(run_command=write)
    command.add_argument("sets", nargs="*", default=[*SETS, "letters"], help="by default all")
    command.add_argument("--data-dir", help="where tensorflow-datasets keeps its files")
    command.add_argument("--output", type=Path, default=Path("folders"), help="where to (folders)")
    command = commands.add_parser("measure", help="measure a run's samples")
    command.set_defaults(run_command=measure)
    command.add_argument("run", type=Path, help="the folder of the run")
    command.add_argument("--seed", type=int, default=3, help="of the samples")
    command = commands.add_parser("preset", help="train a preset for comparison")
    command.set_defaults(run_command=train_preset)
    command.add_argument("run", type=Path, help="the folder of the run")
    command.add_argument("preset", choices=presets.names(), help="the preset")
    command.add_argument("--minutes", type=float, default=20, help="of processor time (20)")
    command.add_argument("--seed", type=int, default=3, help="of weights, latents and samples")
    arguments = parser.parse_args()
    arguments.run_command(arguments)


if __name__ == "__main__":
    main()
