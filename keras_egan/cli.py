"""The command `keras_egan`."""

import argparse
import json
import logging
import os
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from keras_egan import automatic, export, pictures, presets
from keras_egan._load import load
from keras_egan._version import __version__
from keras_egan.automatic import explore
from keras_egan.automatic.build import laid_out
from keras_egan.automatic.comparison import RANDOM, compare, compare_halves
from keras_egan.automatic.detection import detect
from keras_egan.automatic.files import RunFiles
from keras_egan.export._formats import FORMATS, check_packages
from keras_egan.saving.files import write

_STOPPED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0, 1 for an error, 2 for bad usage, 130 if stopped."""
    given = _parser().parse_args(arguments)
    if not given.debug:  # TensorFlow takes several GANs for one that is compiled again and again
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show
            given.run(given)
    except KeyboardInterrupt:
        again = ""
        if given.run is _train:
            kept = RunFiles(given.output).exists()
            to = "go on" if kept else "begin anew: nothing is kept"
            again = f" Run the same command again to {to}."
        print(f"Stopped.{again}", file=sys.stderr)
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
    add(
        "--minutes",
        type=float,
        default=30,
        help="how long it may take; with fewer than 5, large images become 32x32 (30)",
    )
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
    check_packages(format)  # before a GAN is loaded, which takes a while
    gan = _gan(given.model)
    saved_model = format == "saved_model"
    path = export.export(gan, given.filepath, format, seed_endpoint=saved_model)
    print(f"Generator: {path}, as {format}. It takes {gan.latent_dim} latents, {gan.latents}.")
    if saved_model:
        print(
            "Its functions are serve(latents), which returns floats in [-1, 1], and "
            "generate(seed, count), which takes int64 and returns uint8."
        )


def _export_flags(add):
    add("model", help="a run's folder, a .keras file, or a pretrained GAN")
    suffixes = ", ".join(kind.suffix for kind in FORMATS.values() if kind.suffix)
    add("filepath", type=Path, help=f"a folder for a SavedModel; or a file: {suffixes}")


def _evaluate(given):
    """Compare images with real ones: distances, precision, recall, each with its error."""
    names = {"generated": given.samples, "real": given.real}
    samples, real = (_gan(name) if _is_gan(name) else name for name in names.values())
    result = compare(
        samples,
        real,
        given.features,
        resize=given.resize,
        image_size=given.image_size,
        count=given.count,
        seed=given.seed,
        resamples=given.resamples,
    )
    for kind, name in names.items():
        print(f"{kind:24}{name}")
    print(result)
    written = names | result.as_dict()
    if (halves := compare_halves(result, given.seed)) is not None:
        print(f"\n{len(halves.real.features)} of the real images, compared with as many others:")
        for name, figure in halves.figures.items():
            print(f"{name:24}{figure}")
        written["real_halves"] = {name: figure.value for name, figure in halves.figures.items()}
    if given.output:
        write(given.output, json.dumps(written, indent=1).encode())


def _evaluate_flags(add):
    add(
        "samples",
        help="a run, a .keras file, a folder, 'digits' or a name of tensorflow-datasets, or a .npy "
        "or .npz file of an array",
    )
    add("real", help="real images, likewise")
    add(
        "--features",
        default=RANDOM,
        help="'random', a network that needs no download; a .keras file of a model from images to "
        "features; or the file of the published Inception's weights, for the FID (random)",
    )
    add("--resize", choices=("legacy", "clean"), help="of Inception, as pytorch-fid or clean-fid")
    add("--image-size", type=int, help="the side to resize all images to first")
    add("--count", type=int, default=1000, help="number of samples to draw of a GAN (1000)")
    add("--resamples", type=int, default=20, help="halves for the errors; 0 for none (20)")
    add("--seed", type=int, default=0, help="fixes samples and errors (0)")
    add("--output", type=Path, help="a JSON file of figures and protocol")


def _detect(given):
    """Learn from good images which others are abnormal; write a table, and maps of where."""
    detect(given.good, given.inspected, given.output, given.false_alarm_rate, given.seed)


def _detect_flags(add):
    add("good", help="a folder of good images")
    add("inspected", help="a folder of images to judge")
    add("--output", type=Path, default=Path("detected"), help="the folder of results (detected)")
    add("--false-alarm-rate", type=float, default=0.05, help="of good images (0.05)")
    add("--seed", type=int, default=0, help="fixes the network's first weights (0)")


def _explore(given):
    """Open a page for a browser: latents on sliders, nearest training images, energies."""
    gan, run = _gan(given.model), RunFiles(given.model)
    images = None
    if given.data is not None:
        images = explore.images_for(gan, given.data)
    elif run.exists():
        images = laid_out(run.read_images().images[run.read_state().look.held_out :])
    explore.page(gan, images, given.model).launch(server_port=given.port, show_error=True)


def _explore_flags(add):
    add("model", help="a run's folder, a .keras file, or a pretrained GAN such as began/mnist")
    add("--data", help="training images, as for train; those of a run by default")
    add("--port", type=int, help="of the page's address on this machine (7860, if it is free)")


def _presets(given):
    """List the presets, which are settings known to work."""
    width = max(map(len, presets.names()))
    for name in presets.names():
        preset = presets.get(name)
        pretrained = ", comes trained" if name in presets.trained() else ""
        print(f"{name:{width}} {preset.about}{pretrained}")


def _is_gan(model):
    return (
        RunFiles(model).best.exists()
        or Path(model, "config.json").exists()
        or str(model).endswith(".keras")
        or str(model).startswith("hf://")
        or model in presets.trained()
    )


def _gan(model):
    """Return the GAN of a run's or shared folder, a file, an address or a name."""
    run = RunFiles(model)
    if run.best.exists():
        return load(run.best)
    if Path(model).is_dir() and not Path(model, "config.json").exists():  # which `share` writes
        raise ValueError(f"{model} holds no trained GAN yet: {run.best} is missing.")
    if not _is_gan(model):
        names = ", ".join(presets.trained())
        raise ValueError(
            f"`model` must be a run's folder, a .keras file, or a pretrained GAN ({names}); got "
            f"{str(model)!r}{'' if Path(model).exists() else ', and there is no such file'}."
        )
    return load(os.fspath(model))


_COMMANDS: dict[str, tuple[Callable, str, Callable]] = {
    "train": (_train, "train a GAN on images", _train_flags),
    "sample": (_sample, "draw samples", _sample_flags),
    "export": (_export, "write the generator for use elsewhere", _export_flags),
    "evaluate": (_evaluate, "compare images with real ones", _evaluate_flags),
    "detect": (_detect, "find abnormal images", _detect_flags),
    "explore": (_explore, "see what a GAN makes, in a browser", _explore_flags),
    "presets": (_presets, "list settings known to work", lambda add: None),
}

_EXAMPLES = """\
examples:
  keras_egan train photos/ --minutes 30 --output run
  keras_egan sample run --count 64 --output grid.png
  keras_egan export run generator/
  keras_egan evaluate run photos/
  keras_egan detect good/ inspected/ --output detected
  keras_egan explore run
"""
