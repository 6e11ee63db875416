"""The command `keras_egan`."""

import argparse
import os
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from keras_egan import automatic, export, pictures, presets
from keras_egan._load import load
from keras_egan._version import __version__
from keras_egan.automatic.comparison import compare, images_of
from keras_egan.automatic.detection import detect
from keras_egan.automatic.files import RunFiles
from keras_egan.export._formats import FORMATS

_STOPPED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0, 1 for an error, 2 for bad usage, 130 if stopped."""
    given = _parser().parse_args(arguments)
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show
            given.run(given)
    except KeyboardInterrupt:
        print("Stopped. The same command goes on.", file=sys.stderr)
        return _STOPPED
    except Exception as error:
        if given.debug:
            raise
        known = isinstance(error, (ValueError, OSError, ImportError, RuntimeError, MemoryError))
        kind = "" if known else f"{type(error).__name__}: "
        print(f"keras_egan: {kind}{error}", file=sys.stderr)
        return 1
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


def _interrupt(number, frame):
    raise KeyboardInterrupt


def _show(message, category, filename, lineno, file=None, line=None):
    print(f"keras_egan: {message}", file=sys.stderr)


def _parser():
    parser = argparse.ArgumentParser(
        prog="keras_egan",
        description="Train a GAN on images of your own, and use it.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"keras_egan {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, (run, about, flags) in _COMMANDS.items():
        command = commands.add_parser(name, help=about, description=run.__doc__)
        command.set_defaults(run=run)
        command.add_argument("--debug", action="store_true", help="show where an error was raised")
        flags(command.add_argument)
    return parser


def _train(given):
    """Train a GAN on a folder of images, with settings that follow from the images and minutes."""
    automatic.train(
        given.source,
        given.minutes,
        given.output,
        labels=given.labels,
        seed=given.seed,
        say=lambda sentence: print(sentence, flush=True),
        **({} if given.data_dir is None else {"data_dir": given.data_dir}),
    )


def _train_flags(add):
    add("source", help="a folder, 'digits', or a name of tensorflow-datasets")
    add("--minutes", type=float, default=30, help="how long it may take (30)")
    add("--output", type=Path, default=Path("run"), help="the folder of all that is written (run)")
    add("--labels", action="store_true", help="train with the subfolders as classes")
    add("--seed", type=int, default=0, help="fixes everything random (0)")
    add("--data-dir", help="where tensorflow-datasets keeps its files")


def _sample(given):
    """Draw samples of a run, a .keras file or a pretrained GAN, as one picture."""
    gan = _gan(given.model)
    labels = given.label
    images = gan.sample(given.count, seed=given.seed, labels=labels, truncation=given.truncation)
    pictures.save_grid(given.output, images)
    print(f"{given.count} samples: {given.output}")


def _sample_flags(add):
    add("model", help="a run's folder, a .keras file, or a pretrained GAN such as began/mnist")
    add("--count", type=int, default=64, help="number of samples (64)")
    add("--seed", type=int, help="fixes the samples; by default they differ each time")
    add("--label", type=int, help="the class, a number, of a GAN with classes")
    add("--truncation", type=float, default=1.0, help="below 1, samples are more alike (1)")
    add("--output", type=Path, default=Path("samples.png"), help="the picture (samples.png)")


def _export(given):
    """Write the generator in a format that needs neither Keras nor this package."""
    suffixes = {kind.suffix: name for name, kind in FORMATS.items()}
    format = suffixes.get(given.filepath.suffix, "saved_model")
    path = export.export(_gan(given.model), given.filepath, format)
    print(f"Generator: {path}, as {format}")


def _export_flags(add):
    add("model", help="a run's folder, a .keras file, or a pretrained GAN")
    suffixes = ", ".join(kind.suffix for kind in FORMATS.values() if kind.suffix)
    add("filepath", type=Path, help=f"a folder for a SavedModel; or a file: {suffixes}")


def _evaluate(given):
    """Compare images with real ones: distance, precision, recall, and whether they are copies."""
    samples, real = given.samples, given.real
    if _is_gan(real):
        real = _gan(real).sample(given.count, seed=given.seed)
    if _is_gan(samples):
        samples = _gan(samples).sample(given.count, seed=given.seed)
    # A folder's images get the size of those whose size is given.
    if isinstance(samples, str):
        samples = images_of(samples, None if isinstance(real, str) else real.shape[1:])
    if isinstance(real, str):
        real = images_of(real, samples.shape[1:])
    figures = compare(samples, real, given.seed)
    lines = {
        "distance": "sliced Wasserstein distance; a Gaussian has 1",
        "floor": "the distance of real images",
        "precision": "the share of the images that resemble real ones",
        "recall": "the share of real images that are covered",
        "copies": "distance to the nearest real image; new real images have 1",
    }
    print(f"{figures['images']:.0f} images of {given.samples} and of {given.real}:")
    for name, meaning in lines.items():
        print(f"{name:10} {figures[name]:6.3f}  {meaning}")


def _evaluate_flags(add):
    add("samples", help="a run, a .keras file, a folder, or a .npy or .npz file of an array")
    add("real", help="real images, likewise")
    add("--count", type=int, default=1000, help="number of samples to draw of a GAN (1000)")
    add("--seed", type=int, default=0, help="fixes samples and random numbers (0)")


def _detect(given):
    """Learn from good images which others are abnormal; write a table, and maps of where."""
    detect(given.good, given.inspected, given.output, given.false_alarm_rate, given.seed)


def _detect_flags(add):
    add("good", help="a folder of good images")
    add("inspected", help="a folder of images to judge")
    add("--output", type=Path, default=Path("detected"), help="the folder of results (detected)")
    add("--false-alarm-rate", type=float, default=0.05, help="of good images (0.05)")
    add("--seed", type=int, default=0, help="fixes the network's first weights (0)")


def _presets(given):
    """List the presets, which are settings known to work."""
    width = max(map(len, presets.names()))
    for name in presets.names():
        preset = presets.get(name)
        pretrained = ", comes trained" if name in presets.trained() else ""
        print(f"{name:{width}} {preset.about}{pretrained}")


def _is_gan(model):
    return (
        RunFiles(model).best.exists() or str(model).endswith(".keras") or model in presets.trained()
    )


def _gan(model):
    """Return the GAN of a run's folder, a file or a name."""
    run = RunFiles(model)
    if run.best.exists():
        return load(run.best)
    if Path(model).is_dir():
        raise ValueError(f"{model} holds no trained GAN yet: {run.best} is missing.")
    return load(os.fspath(model))


_COMMANDS: dict[str, tuple[Callable, str, Callable]] = {
    "train": (_train, "train a GAN on images", _train_flags),
    "sample": (_sample, "draw samples", _sample_flags),
    "export": (_export, "write the generator for use elsewhere", _export_flags),
    "evaluate": (_evaluate, "compare images with real ones", _evaluate_flags),
    "detect": (_detect, "find abnormal images", _detect_flags),
    "presets": (_presets, "list settings known to work", lambda add: None),
}

_EXAMPLES = """\
examples:
  keras_egan train photos/ --minutes 30 --output run
  keras_egan sample run --count 64 --output grid.png
  keras_egan export run generator/
  keras_egan evaluate run photos/
  keras_egan detect good/ inspected/ --output detected
"""
