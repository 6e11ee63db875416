"""Shared code of the examples: flags, data, and the files that they write."""

import argparse
import importlib.util
import os
import shutil
from pathlib import Path

BACKENDS = ("tensorflow", "jax", "torch")


def flags(description, name, family=None):
    """Return a parser of the flags that every example has.

    `name` is the name of its output, `family` the beginning of its presets' names, if different.
    """
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(name=name, family=family or name)
    add = parser.add_argument
    add("--dataset", help="'digits' (the default), a folder, or a name for tfds")
    add("--data-dir", help="where tensorflow-datasets keeps its files")
    add("--crop-size", type=int, help="the side of a square to cut from the centre")
    add("--image-size", type=int, help="the side to resize to, after cutting")
    add("--backend", choices=BACKENDS, default=default_backend(), help="Keras's backend")
    add("--preset", help="settings of keras_egan.presets, such as 'began/mnist'")
    add("--paper", action="store_true", help="use the paper's settings for digits too")
    add("--epochs", type=int, help="passes through the images")
    add("--steps-per-epoch", type=int, help="steps per epoch; by default, all batches")
    add("--batch-size", type=int, help="images per step")
    add("--learning-rate", type=float, help="of both optimizers")
    add("--filters", type=int, help="the network's width")
    add("--seed", type=int, default=0, help="fixes weights, latents and the images' order")
    add(
        "--resume",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="resume an interrupted run from the backup in the output folder",
    )
    add("--output", type=Path, default=Path(name), help="the output folder")
    return parser


def parse(parser):
    """Read the flags, and choose Keras's backend before anything imports Keras.

    A flag that is not given has the preset's value. The default preset is the first for the
    dataset, or the paper's if there is none.
    """
    given, _ = parser.parse_known_args()
    os.environ["KERAS_BACKEND"] = given.backend
    from keras_egan import presets

    name, dataset = given.preset, given.dataset or "digits"
    if name is None:
        own = [name for name in presets.names() if name.startswith(f"{given.family}/")]
        suited = [name for name in own if presets.get(name).dataset == dataset]
        name = f"{given.family}/paper" if given.paper or not suited else suited[0]
    preset = presets.get(name)
    parser.set_defaults(
        preset=name,
        dataset=(given.preset and preset.dataset) or dataset,
        epochs=preset.epochs,
        batch_size=preset.batch_size,
        image_size=preset.image_shape[0],
        patience=preset.patience,
    )
    return parser.parse_args()


def build(arguments, images, **flags):
    """Return the preset's GAN, compiled, with the changes of the flags.

    `flags` are the GAN's own arguments; those that are None were not given.
    """
    from keras_egan import datasets, presets

    given = {name: value for name, value in flags.items() if value is not None}
    width = {} if arguments.filters is None else {"filters": arguments.filters}
    return presets.build(
        arguments.preset,
        datasets.image_shape(images),
        network_arguments={**width, **given.pop("network_arguments", {})},
        d_rate=given.pop("d_rate", arguments.learning_rate),
        g_rate=arguments.learning_rate,
        **given,
    )


def load(arguments, **more):
    """Fix all random numbers, and return the images in batches; `more` as in `datasets.load`."""
    import keras

    from keras_egan import datasets

    keras.utils.set_random_seed(arguments.seed)
    return datasets.load(
        arguments.dataset,
        image_size=arguments.image_size,
        crop_size=arguments.crop_size,
        batch_size=arguments.batch_size,
        seed=arguments.seed,
        drop_remainder=True,
        data_dir=arguments.data_dir,
        **more,
    )


def backup(arguments):
    """Return the backup's folder, emptied if the run shall begin anew."""
    folder = arguments.output / "backup"
    if not arguments.resume:
        shutil.rmtree(folder, ignore_errors=True)
    return folder


def finish(gan, output, name):
    """Save the GAN as a `.keras` file and its generator as a SavedModel, and print the paths."""
    model, generator = output / f"{name}.keras", output / "generator"
    gan.save(model)
    print(f"Samples:     {output / 'samples'}, animated in samples.gif")
    print(f"Equilibrium: {output / 'equilibrium.csv'}, drawn in equilibrium.png")
    print(f"Model:       {model}")
    try:
        gan.export(generator)
        print(f"Generator:   {generator}, a SavedModel")
    except ImportError as error:
        print(f"Generator:   not exported. {error}")


def default_backend():
    """Return KERAS_BACKEND, or the first backend that is installed."""
    chosen = os.environ.get("KERAS_BACKEND")
    return chosen or next((b for b in BACKENDS if importlib.util.find_spec(b)), BACKENDS[0])
