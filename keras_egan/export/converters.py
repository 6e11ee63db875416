"""A network in another format: written, and run as whoever loads it will run it.

All is made by TensorFlow, but for ONNX on PyTorch. A process on another backend starts a second
one for that, on TensorFlow, whose whole work is `main`.
"""

import functools
import importlib
import json
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_egan import _keras_internals
from keras_egan.archives import reason

__all__ = ["convert", "given", "in_half_precision", "load", "main"]


def load(path: str | Path) -> keras.Model:
    """Returns the network in a `.keras` file, a copy that computes in float32.

    Args:
        path: the file. It is loaded in Keras's safe mode.

    Raises:
        ValueError: if it names classes or functions that are not known, or unsafe ones.
    """
    try:
        network = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        raise ValueError(
            "It cannot be loaded again from a `.keras` file. Classes and functions of your own "
            "must be registered with keras.saving.register_keras_serializable, in a module that "
            "can be imported rather than in a script or notebook. "
            f"Lambda layers are refused. Keras says: {reason(error)}."
        ) from error
    network.trainable = False  # PyTorch writes no constant that requires a gradient
    for layer in in_half_precision(network):
        layer.dtype_policy = "float32"
    return network


def in_half_precision(network: keras.Model) -> list[keras.Layer]:
    """Returns the layers of a network that compute in float16 or bfloat16."""
    layers = _keras_internals.flat_layers(network)
    return [layer for layer in layers if layer.compute_dtype in ("float16", "bfloat16")]


def convert(
    network: keras.Model,
    path: str,
    batches: Sequence[Sequence[np.ndarray]],
    format: str,
    input_names: Sequence[str],
    latents: str | None = None,
    opset_version: int | None = None,
) -> list[np.ndarray]:
    """Writes a network, and runs what was written in the format's own runtime.

    Args:
        network: a Keras model of one input or a list of several, with one output.
        path: the file to write, or the folder of a SavedModel.
        batches: inputs to try, for each the arrays that the network takes, in its order.
        format: `"saved_model"`, `"onnx"`, `"litert"` or `"openvino"`.
        input_names: what the inputs are called there.
        latents: `"uniform"` or `"normal"`: what a SavedModel's endpoint `generate` draws; None for
            a SavedModel without it.
        opset_version: of ONNX; None for the converter's own.

    Returns:
        The outputs, NumPy arrays, one for each of `batches`.

    Raises:
        RuntimeError: if the endpoint's images are not those of the latents that it draws.
    """
    size = batches[0][0].shape[1]
    # Given rather than left to Keras, which asks a model to have been called.
    signature: list[Any] = [
        keras.InputSpec(array.dtype.name, (None, *array.shape[1:]), name=name)
        for array, name in zip(batches[0], input_names, strict=True)
    ]
    if len(signature) > 1:
        signature = [signature]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of converters, about what they use themselves
        if format == "saved_model":
            draw = functools.partial(_DRAW[latents], size) if latents else None
            return _saved_model(network, str(path), signature, batches, draw)
        options = {"opset_version": opset_version} if opset_version else {}
        resizing = _keras_internals.upsampling_by_resizing
        with resizing() if format == "litert" else nullcontext():
            network.export(str(path), format, verbose=False, input_signature=signature, **options)
        run = {"onnx": _onnx, "litert": _litert, "openvino": _openvino}[format](str(path))
        return [run(*batch) for batch in batches]


def given(arrays: Sequence[Any]) -> Any:
    """Returns what a network is called with: its one input, or the list of several."""
    return arrays[0] if len(arrays) == 1 else [*arrays]


def main(folder: str | Path) -> None:
    """Does what `job.json` in a folder says, and leaves `outputs.npz` or `error.txt` there.

    Args:
        folder: holds the network as `generator.keras`, the batches, input by input, as
            `inputs.npz`, and in `job.json` the other arguments of `convert`, and the `modules` of
            the network's layers.
    """
    folder = Path(folder)
    job = json.loads((folder / "job.json").read_text())
    # OpenVINO would report to its makers, and fork.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    try:
        for module in job.pop("modules"):
            with suppress(ImportError):
                importlib.import_module(module)
        network = load(folder / "generator.keras")
        with np.load(folder / "inputs.npz") as arrays:
            columns = len(job["input_names"])
            flat = list(arrays.values())
        batches = [flat[i : i + columns] for i in range(0, len(flat), columns)]
        outputs = convert(network, batches=batches, **job)
        np.savez(folder / "outputs.npz", *outputs)
    except Exception as error:
        (folder / "error.txt").write_text(str(error) or repr(error))
        sys.exit(1)


def _saved_model(
    network: keras.Model,
    path: str,
    signature: list[keras.InputSpec],
    batches: Sequence[Sequence[np.ndarray]],
    draw: Callable | None,
) -> list[np.ndarray]:
    import tensorflow as tf

    archive = keras.export.ExportArchive()
    archive.track_and_add_endpoint("serve", network, signature)
    if draw:

        def drawn(seed: Any, count: Any, *label: Any) -> Any:
            labels = [tf.fill([count], tf.cast(one, tf.int32)) for one in label]
            return given([draw(seed, count), *labels])

        def generate(*numbers: Any) -> Any:
            return _to_uint8(network(drawn(*numbers), training=False))

        names = ("seed", "count", "label")[: 1 + len(batches[0])]
        numbers = [tf.TensorSpec((), tf.int64, name) for name in names]
        archive.add_endpoint("generate", generate, numbers)
    archive.write_out(path, verbose=False)

    served = tf.saved_model.load(path)
    if draw:
        tried = (7, 3, 0)[: len(names)]
        images = tf.cast(served.generate(*tried), tf.int32)
        expected = tf.cast(_to_uint8(served.serve(drawn(*tried))), tf.int32)
        if tf.reduce_max(tf.abs(images - expected)) > 1:  # a rounding apart
            raise RuntimeError("generate(seed, count) returns other images than its latents give.")
    return [served.serve(given(batch)).numpy() for batch in batches]


def _uniform(size: int, seed: Any, count: Any) -> Any:
    import tensorflow as tf

    # The algorithm is named because TensorFlow's own choice depends on the device.
    return tf.random.stateless_uniform([count, size], [seed, 0], -1.0, 1.0, alg="philox")


def _normal(size: int, seed: Any, count: Any) -> Any:
    import tensorflow as tf

    return tf.random.stateless_normal([count, size], [seed, 0], alg="philox")


_DRAW = {"uniform": _uniform, "normal": _normal}


def _to_uint8(images: Any) -> Any:
    import tensorflow as tf

    return tf.cast(tf.clip_by_value(tf.round((images + 1.0) * 127.5), 0.0, 255.0), tf.uint8)


def _onnx(path: str) -> Callable:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [wanted.name for wanted in session.get_inputs()]
    return lambda *arrays: session.run(None, dict(zip(names, arrays, strict=True)))[0]


def _litert(path: str) -> Callable:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path)
    (images,) = interpreter.get_output_details()
    # In an order of its own: latents are of rank 2, labels of rank 1.
    wanted = sorted(interpreter.get_input_details(), key=lambda detail: -len(detail["shape"]))

    def run(*arrays: np.ndarray) -> np.ndarray:
        for detail, array in zip(wanted, arrays, strict=True):
            interpreter.resize_tensor_input(detail["index"], array.shape)
        interpreter.allocate_tensors()
        for detail, array in zip(wanted, arrays, strict=True):
            interpreter.set_tensor(detail["index"], array)
        interpreter.invoke()
        return interpreter.get_tensor(images["index"])

    return run


def _openvino(path: str) -> Callable:
    import openvino

    # Some processors would compute in bfloat16, unasked.
    model = openvino.compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda *arrays: model(given(arrays))[0]
