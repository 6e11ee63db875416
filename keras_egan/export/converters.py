"""A network in another format: written, and run as whoever loads it will run it.

All is made by TensorFlow, but for ONNX on PyTorch. A process on another backend starts a second
one for that, on TensorFlow, whose whole work is `main`.
"""

import functools
import importlib
import json
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_egan import _keras_internals

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
            f"Lambda layers are refused. Keras says: {error}"
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
) -> list[Any]:
    """Writes a network, and runs what was written in the format's own runtime.

    Args:
        network: a Keras model of one input or a list of several, to one tensor, or to a dict of
            tensors in the order of their names.
        path: the file to write, or the folder of a SavedModel.
        batches: inputs to try, for each the arrays that the network takes, in its order.
        format: `"saved_model"`, `"onnx"`, `"litert"` or `"openvino"`.
        input_names: what the inputs are called there.
        latents: `"uniform"` or `"normal"`: what a SavedModel's endpoint `generate` draws; None for
            a SavedModel without it.
        opset_version: of ONNX; None for the converter's own.

    Returns:
        The outputs, one for each of `batches`, NumPy arrays or dicts of them.

    Raises:
        RuntimeError: if the endpoint's images are not those of the latents that it draws.
    """
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
            size = batches[0][0].shape[1]
            draw = functools.partial(_DRAW[latents], size) if latents else None
            return _saved_model(network, str(path), signature, batches, draw)
        options = {"opset_version": opset_version} if opset_version else {}
        resizing = _keras_internals.upsampling_by_resizing
        with resizing() if format == "litert" else nullcontext():
            network.export(str(path), format, verbose=False, input_signature=signature, **options)
        specs = [keras.KerasTensor(array.shape, array.dtype.name) for array in batches[0]]
        names = network.compute_output_spec(given(specs))
        if format == "onnx" and isinstance(names, dict):
            _name_outputs(str(path), list(names))
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
        np.savez(folder / "outputs.npz", *keras.tree.flatten(outputs))
    except Exception as error:
        (folder / "error.txt").write_text(str(error) or repr(error))
        sys.exit(1)


def _saved_model(
    network: keras.Model,
    path: str,
    signature: list[keras.InputSpec],
    batches: Sequence[Sequence[np.ndarray]],
    draw: Callable | None,
) -> list[Any]:
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
    found = [served.serve(given(batch)) for batch in batches]
    return keras.tree.map_structure(lambda tensor: tensor.numpy(), found)


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


def _name_outputs(path: str, names: Sequence[str]) -> None:
    """Gives an ONNX model's outputs their names, which PyTorch does not keep."""
    import onnx

    model = onnx.load(path)
    named = {output.name: name for output, name in zip(model.graph.output, names, strict=True)}
    for node in model.graph.node:
        node.input[:] = [named.get(name, name) for name in node.input]
        node.output[:] = [named.get(name, name) for name in node.output]
    for output in model.graph.output:
        output.name = named[output.name]
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _onnx(path: str) -> Callable:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    wanted = [one.name for one in session.get_inputs()]
    names = [output.name for output in session.get_outputs()]
    return lambda *arrays: _named(names, session.run(None, dict(zip(wanted, arrays, strict=True))))


def _litert(path: str) -> Callable:
    from ai_edge_litert.interpreter import Interpreter

    run = Interpreter(model_path=path).get_signature_runner()
    details = run.get_input_details()
    # In an order of its own: latents are of rank 2, labels of rank 1.
    wanted = sorted(details, key=lambda name: -len(details[name]["shape"]))

    def outputs(*arrays: np.ndarray) -> Any:
        found = run(**dict(zip(wanted, arrays, strict=True)))
        return _named(found, found.values())

    return outputs


def _openvino(path: str) -> Callable:
    import openvino

    # Some processors would compute in bfloat16, unasked.
    model = openvino.compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    # Of several names, the others are of what computes it.
    names = [min(output.get_names(), key=len, default="") for output in model.outputs]
    return lambda *arrays: _named(names, model(given(arrays)).to_tuple())


def _named(names: Iterable[str], outputs: Iterable[np.ndarray]) -> Any:
    """Returns a single output as it is, several by their names."""
    outputs = list(outputs)
    return outputs[0] if len(outputs) == 1 else dict(zip(names, outputs, strict=True))
