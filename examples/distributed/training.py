"""The training of these launchers: BEGAN on the digits, with all files that it writes."""

import argparse
from pathlib import Path


def flags(description):
    """Return a parser of the flags that every launcher has."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--preset", default="began/paper", help="settings of keras_egan.presets")
    add("--filters", type=int, default=16, help="the network's width")
    add("--batch-size", type=int, default=32, help="images per step, over all devices together")
    add("--epochs", type=int, default=1, help="passes through the images")
    add("--steps-per-epoch", type=int, help="end an epoch after so many steps")
    add("--output", type=Path, default=Path("distributed"), help="the folder for all files")
    return parser


def build(arguments):
    """Return the compiled GAN and the images, the same on every process because of the seed."""
    import keras

    from keras_egan import datasets, presets

    keras.utils.set_random_seed(0)
    images = datasets.load("digits", batch_size=arguments.batch_size, drop_remainder=True)
    width = {"filters": arguments.filters}
    shape = datasets.image_shape(images)
    return presets.build(arguments.preset, shape, network_arguments=width), images


def train(arguments, gan, images):
    """Train. Every process runs this, and the first one writes."""
    from keras_egan import callbacks

    output = arguments.output
    gan.fit(
        images,
        epochs=arguments.epochs,
        steps_per_epoch=arguments.steps_per_epoch,
        callbacks=[
            callbacks.SampleGrid(output / "samples"),
            callbacks.EquilibriumLogger(output / "equilibrium.csv"),
            callbacks.Backup(output / "backup", every=100),
        ],
    )
    gan.save(output / "began.keras")
