"""Exports the generator in a `.keras` file for production, and checks the result.

The file holds a GAN, as the other examples write it, or a generator alone. Loading the result needs
neither Keras nor keras_egan:

    python examples/export_generator.py began/began.keras generator --seed-endpoint
    python examples/export_generator.py began/began.keras generator.onnx --format onnx
"""

import argparse
import os
import sys
from pathlib import Path

import common

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument("source", type=Path, help="a `.keras` file")
parser.add_argument("path", type=Path, help="a SavedModel's folder; or .onnx, .tflite, .xml, .pt2")
parser.add_argument(
    "--format",
    choices=("saved_model", "onnx", "litert", "openvino", "torch"),
    default="saved_model",
    help="what to write; saved_model by default",
)
parser.add_argument(
    "--seed-endpoint",
    nargs="?",
    const=True,
    default=False,
    choices=("uniform", "normal"),
    help="give the SavedModel generate(seed, count), which draws latents as the GAN in the file "
    "does, or as said here, and returns uint8 images",
)
parser.add_argument(
    "--average",
    action=argparse.BooleanOptionalAction,
    default=True,
    help="the generator's averaged weights, if the file holds any",
)
parser.add_argument(
    "--backend", choices=common.BACKENDS, default=common.default_backend(), help="Keras's backend"
)
arguments = parser.parse_args()
os.environ["KERAS_BACKEND"] = arguments.backend

from keras_egan import export

try:
    path = export.export(
        arguments.source,
        arguments.path,
        arguments.format,
        seed_endpoint=arguments.seed_endpoint,
        average=arguments.average,
    )
except (ImportError, RuntimeError, ValueError) as error:
    sys.exit(str(error))
print(f"Generator: {path}, loaded in its own runtime and compared with {arguments.source}")
