"""The generator in the formats that production runs, on every backend."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_egan import backend
from keras_egan.export import converters
from keras_egan.export._arguments import ALIASES, check_arguments, check_packages
from keras_egan.export._source import drawn, opened
from keras_egan.files import move

__all__ = ["export", "write"]

TOLERANCE = 1e-4  # of rounding, over a deep network's sums; two grey levels are 8e-3 apart
PROGRAM = "import sys; from keras_egan.export import converters; converters.main(sys.argv[1])"


def export(
    source: keras.Model | str | os.PathLike,
    path: str | os.PathLike,
    format: str = "saved_model",
    *,
    seed_endpoint: bool | str = False,
    average: bool = True,
) -> Path:
    """Writes a generator in a format that needs neither Keras nor this package.

    Every format takes batches of any size, and its input has the name of the generator's. All are
    made of TensorFlow's operations, but for ONNX on PyTorch; on JAX and PyTorch a second process
    does that, so that the file does not depend on where the training ran. A generator that
    computes in half precision is exported in float32.

    Before this returns, the file is loaded in its own runtime and compared, on batches of 1 and 3,
    with a float32 copy of the generator on the CPU: outputs may differ by 1e-4, times the largest
    of them where that is above 1. The copy is compared with the generator in the same way; where
    that computes in half precision or on an accelerator, they may differ by 0.1. The file takes
    its place at `path` whole, or not at all.

    Args:
        source: a GAN, whose generator is exported; a generator, a Keras model of one input of
            shape `(batch, latent_dim)`, or of that and labels of shape `(batch,)`; or the path of a
            `.keras` file of either, which is loaded in Keras's safe mode.
        path: the folder of a SavedModel; a file in `.onnx`, in `.tflite` for LiteRT, or in
            `.xml` for OpenVINO, which gets a `.bin` beside it. A file or SavedModel that is there
            is replaced, as Keras does it.
        format: `"saved_model"` (or `"tf_saved_model"`, as Keras calls it), `"onnx"`, `"litert"` or
            `"openvino"`.
        seed_endpoint: whether the SavedModel gets an endpoint `generate(seed, count)` beside
            `serve(latents)`, which draws `count` latents, the same for the same whole number
            `seed`, and returns images, uint8 of shape `(count, *image_shape)`; with classes
            `generate(seed, count, label)` and `serve([latents, labels])`. True draws what the
            GAN's `latents` says; for a generator alone, `"uniform"` or `"normal"` says it.
        average: whether the generator gets its averaged weights, where a GAN keeps them, as
            `sample` does.

    Returns:
        The path, a `pathlib.Path`.

    Raises:
        ValueError: if an argument is out of its range, or `path` is a folder of something else.
        ImportError: if a package that the format needs is not installed.
        RuntimeError: if the generator cannot be written in this format, or what was written
            differs from it.

    Example:

    ```python
    export(gan, "generator", seed_endpoint=True)
    export("began.keras", "generator.onnx", format="onnx")

    served = tf.saved_model.load("generator")  # with TensorFlow alone
    images = served.serve(latents)
    thumbnails = served.generate(7, 64)
    ```
    """
    path = Path(path).resolve()
    format = ALIASES.get(format, format)
    check_arguments("path", path, format, seed_endpoint)
    return write(source, path, format, seed_endpoint, average)


def write(
    source: keras.Model | str | os.PathLike,
    path: Path,
    format: str,
    seed_endpoint: bool | str,
    average: bool,
    **options: Any,
) -> Path:
    """Does what `export` says, of arguments that have been checked.

    Args:
        source: as in `export`.
        path: as in `export`, resolved.
        format: as in `export`.
        seed_endpoint: as in `export`.
        average: as in `export`.
        **options: further arguments of `converters.convert`.
    """
    check_packages(format)
    generator, latent_dim, classes, latents, averaged = opened(source)
    latents = drawn(generator, latent_dim, classes, latents, seed_endpoint)
    weights = averaged() if average else nullcontext()
    inputs = getattr(generator, "inputs", None)  # which models written as classes have not
    names = [one.name for one in inputs] if inputs else ["latents", "labels"][: 1 + bool(classes)]
    options |= {"input_names": names, "latents": latents}
    return write_network(generator, tried((latent_dim,), classes), path, format, weights, **options)


def tried(input_shape: Sequence[int], classes: int = 0) -> list[list[np.ndarray]]:
    """Returns two batches to try a network with, of what lies in [-1, 1].

    Args:
        input_shape: the input's shape without the batch's axis.
        classes: of how many classes there are labels beside it; 0 for none.
    """
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
    weights: AbstractContextManager | None = None,
    **options: Any,
) -> Path:
    """Writes a network in another format; its outputs are a tensor, or a dict of tensors.

    Args:
        network: a Keras model of one input, or of a list of several.
        batches: inputs to try, for each the arrays that the network takes, in its order.
        path: as in `export`, resolved.
        format: as in `export`.
        weights: a context in which the network has the weights to be written; by default always.
        **options: further arguments of `converters.convert`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=path.parent) as folder:
        work = Path(folder)
        written = work / "written"
        written.mkdir()
        job = {"path": str(written / path.name), "format": format, **options}
        with weights or nullcontext():
            expected, tolerance = _outputs(network, batches)
            network.save(work / "generator.keras")
        with _on_cpu():
            try:
                network = converters.load(work / "generator.keras")
                copied, _ = _outputs(network, batches)
                _compare("copied through a `.keras` file", copied, expected, tolerance)
                if (backend.name, format) == ("torch", "onnx") or backend.name == "tensorflow":
                    outputs = converters.convert(network, batches=batches, **job)
                else:
                    outputs = _convert_on_tensorflow(network, work, batches, job)
                _compare("in its own runtime", keras.tree.flatten(outputs), copied, TOLERANCE)
            except Exception as error:
                raise RuntimeError(
                    f"The network cannot be written with `format={format!r}`, and nothing "
                    f"was. {error}"
                ) from error
        for new in sorted(written.iterdir()):  # OpenVINO's weights before its graph
            move(new, path.with_name(new.name))
    return path


@contextmanager
def _on_cpu() -> Iterator[None]:
    """Computes on the CPU, whatever the training runs on: accelerators round products shorter."""
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        with keras.device("cpu"):
            yield
    finally:
        keras.distribution.set_distribution(distribution)


def _convert_on_tensorflow(
    generator: keras.Model, work: Path, batches: Sequence[Sequence], job: dict[str, Any]
) -> list[np.ndarray]:
    np.savez(work / "inputs.npz", *(array for batch in batches for array in batch))
    # Keras makes only registered classes from a file: those of the modules that are known here.
    named = re.findall(r'"module": "([\w.]+)"', generator.to_json())
    modules = sorted(set(named) & set(sys.modules) - {"__main__", "builtins"})
    (work / "job.json").write_text(json.dumps({**job, "modules": modules}))
    process = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM, str(work)],
        env={
            **os.environ,
            "KERAS_BACKEND": "tensorflow",
            "CUDA_VISIBLE_DEVICES": "-1",  # this process may hold all of the device's memory
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        capture_output=True,
        text=True,
    )
    if process.returncode:
        error = work / "error.txt"
        raise RuntimeError(error.read_text() if error.exists() else process.stderr[-2000:])
    with np.load(work / "outputs.npz") as outputs:
        return list(outputs.values())


def _outputs(network: keras.Model, batches: Sequence[Sequence]) -> tuple[list[np.ndarray], float]:
    """Returns all outputs, and how far they may be from those computed exactly."""
    with backend.inference(network):
        # Called rather than asked to `predict`, which spreads each batch over all devices.
        inputs = [converters.given(list(map(ops.convert_to_tensor, batch))) for batch in batches]
        outputs = [network(batch, training=False) for batch in inputs]
    tensors = keras.tree.flatten(outputs)
    exact = "cpu" in str(tensors[0].device).lower() and not converters.in_half_precision(network)
    return [ops.convert_to_numpy(tensor) for tensor in tensors], TOLERANCE if exact else 0.1


def _compare(
    where: str,
    outputs: Sequence[np.ndarray],
    expected: Sequence[np.ndarray],
    tolerance: float,
) -> None:
    for output, right in zip(outputs, expected, strict=True):
        if output.shape != right.shape:
            found = f"of shape {output.shape} instead of {right.shape}"
        else:
            allowed = tolerance * max(1.0, np.abs(right).max())
            difference = np.abs(output.astype("float32") - right.astype("float32")).max()
            if difference <= allowed:  # NaN is not
                continue
            found = f"off by {difference:.2g}, where {allowed:.2g} is allowed"
        raise ValueError(f"For a batch of {len(right)}, its output {where} is {found}.")
