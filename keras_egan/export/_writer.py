"""Export of a network: copy it, convert it, compare outputs, and move the file into place.

If this process's backend cannot write the format, a second process runs `convert_copy`.
"""

import importlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_egan import backend
from keras_egan.backend import keras_internals
from keras_egan.export import converters
from keras_egan.export._formats import check_packages, writer
from keras_egan.saving import files

TOLERANCE = 1e-4  # for rounding in a deep network's sums; two grey levels are 8e-3 apart
PROGRAM = "import sys; from keras_egan.export import _writer; _writer.main(sys.argv[1])"


def trial_batches(input_shape: Sequence[int], classes: int = 0) -> list[list[np.ndarray]]:
    """Return trial batches of 1 and 3: values in [-1, 1], and labels if there are classes."""
    rng = np.random.default_rng(0)
    batches = [[rng.uniform(-1.0, 1.0, (n, *input_shape)).astype("float32")] for n in (1, 3)]
    if classes:
        for batch in batches:
            batch.append(rng.integers(classes, size=len(batch[0]), dtype="int32"))
    return batches


def write_network(
    network: keras.Model,
    batches: Sequence[Sequence[np.ndarray]],
    path: Path,
    format: str,
    input_names: Sequence[str],
    weights: AbstractContextManager | None = None,
    **options: Any,
) -> Path:
    """Write a network in another format, and return the path.

    `path` and `format` come from `checked`; `options` are arguments of `converters.convert`.
    In the context `weights` the network has the weights to be written.
    """
    check_packages(format)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        work = Path(folder)
        written = work / "written"
        written.mkdir()
        with weights or nullcontext():
            expected, exact = _outputs(network, batches)
            network.save(work / "network.keras")
        np.savez(work / "inputs.npz", *(array for batch in batches for array in batch))
        np.savez(work / "expected.npz", *expected)
        tolerance = TOLERANCE if exact else 0.1
        job = {"format": format, "input_names": input_names, "tolerance": tolerance, **options}
        (work / "job.json").write_text(json.dumps({"path": str(written / path.name), **job}))
        try:
            if writer(format) == backend.name:
                convert_copy(work)
            else:
                _convert_elsewhere(work, writer(format), network)
        except Exception as error:
            raise RuntimeError(
                f"The network cannot be written with `format={format!r}`. No file changed. {error}"
            ) from error
        for new in sorted(written.iterdir()):  # OpenVINO's weights before its graph
            files.move(new, path.with_name(new.name))
    return path


def convert_copy(folder: Path) -> None:
    """Convert the network in a folder that `write_network` filled, and compare the outputs.

    It runs on the CPU, because accelerators round products to fewer bits.
    """
    job = json.loads((folder / "job.json").read_text())
    tolerance, columns = job.pop("tolerance"), len(job["input_names"])
    with np.load(folder / "inputs.npz") as inputs, np.load(folder / "expected.npz") as outputs:
        arrays, expected = list(inputs.values()), list(outputs.values())
    batches = [arrays[i : i + columns] for i in range(0, len(arrays), columns)]
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        with keras.device("cpu"):
            copy = _copy_in(folder / "network.keras")
            copied, _ = _outputs(copy, batches)
            _compare("copied through a `.keras` file", copied, expected, tolerance)
            found = keras.tree.flatten(converters.convert(copy, batches, **job))
            _compare("in its own runtime", found, copied, TOLERANCE)
    finally:
        keras.distribution.set_distribution(distribution)


def _convert_elsewhere(folder: Path, name: str, network: keras.Model) -> None:
    # Keras loads only registered classes, so the process imports the modules that are loaded here.
    named = re.findall(r'"module": "([\w.]+)"', network.to_json())
    modules = sorted(set(named) & set(sys.modules) - {"__main__", "builtins"})
    (folder / "modules.json").write_text(json.dumps(modules))
    process = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, str(folder)],
        env={
            **os.environ,
            "KERAS_BACKEND": name,
            "CUDA_VISIBLE_DEVICES": "-1",  # this process may hold all of the device's memory
            "CI": "true",  # otherwise OpenVINO sends usage data to its makers
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        capture_output=True,
        text=True,
    )
    if process.returncode:
        error = folder / "error.txt"
        raise RuntimeError(error.read_text() if error.exists() else process.stderr[-2000:])


def main(folder: str) -> None:
    """Run `convert_copy` in a second process, and write its error to `error.txt`."""
    work = Path(folder)
    try:
        for module in json.loads((work / "modules.json").read_text()):
            with suppress(ImportError):
                importlib.import_module(module)
        convert_copy(work)
    except Exception as error:
        (work / "error.txt").write_text(str(error) or repr(error))
        sys.exit(1)


def _copy_in(path: Path) -> keras.Model:
    """Return the network of a `.keras` file, set to compute in float32."""
    try:
        network = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        raise ValueError(
            "It cannot be loaded again from a `.keras` file. Your own classes and functions must "
            "be registered with keras.saving.register_keras_serializable, in a module that can be "
            "imported, not in a script or notebook. Lambda layers and TorchModuleWrapper are "
            f"refused, because their files hold code. Keras says: {error}"
        ) from error
    network.trainable = False  # PyTorch writes no constant that requires a gradient
    for layer in _in_half_precision(network):
        layer.dtype_policy = "float32"
    return network


def _in_half_precision(network: keras.Model) -> list[keras.Layer]:
    layers = keras_internals.flat_layers(network)
    return [layer for layer in layers if layer.compute_dtype in ("float16", "bfloat16")]


def _outputs(network: keras.Model, batches: Sequence[Sequence]) -> tuple[list[np.ndarray], bool]:
    """Return all outputs as float32, and whether the CPU computed them in float32."""
    with backend.inference(network):
        # Not `predict`, because it spreads each batch over all devices.
        inputs = [converters.as_input(list(map(ops.convert_to_tensor, batch))) for batch in batches]
        outputs = keras.tree.flatten([network(batch, training=False) for batch in inputs])
    exact = "cpu" in str(outputs[0].device).lower() and not _in_half_precision(network)
    return [ops.convert_to_numpy(output).astype("float32") for output in outputs], exact


def _compare(
    where: str, outputs: Sequence[np.ndarray], expected: Sequence[np.ndarray], tolerance: float
) -> None:
    for output, right in zip(outputs, expected, strict=True):
        if output.shape != right.shape:
            found = f"of shape {output.shape} instead of {right.shape}"
        else:
            allowed = tolerance * max(1.0, np.abs(right).max())
            difference = np.abs(output.astype("float32") - right).max()
            if difference <= allowed:  # False for NaN
                continue
            found = f"off by {difference:.2g}, but at most {allowed:.2g} is allowed"
        raise ValueError(f"For a batch of {len(right)}, its output {where} is {found}.")
