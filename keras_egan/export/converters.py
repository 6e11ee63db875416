"""Conversion to each format by Keras, and trial runs in the format's own runtime."""

import json
import tempfile
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops


def as_input(arrays: Sequence[Any]) -> Any:
    """Return the argument of a network's call: its one input, or a list of several."""
    return arrays[0] if len(arrays) == 1 else [*arrays]


def convert(
    network: keras.Model,
    batches: Sequence[Sequence[np.ndarray]],
    path: str,
    format: str,
    input_names: Sequence[str],
    draw: str | None = None,
    opset_version: int | None = None,
) -> list[Any]:
    """Write a network, and return the file's outputs for each batch in its own runtime.

    The network returns one tensor, or a dict of tensors in the order of their names. `draw`,
    `"uniform"` or `"normal"`, is the distribution of the latents of a SavedModel's endpoint
    `generate`; None leaves the endpoint out.
    """
    # Keras's own signature needs a model that has been called.
    specs = [
        keras.InputSpec(array.dtype.name, (None, *array.shape[1:]), name=name)
        for array, name in zip(batches[0], input_names, strict=True)
    ]
    signature = [as_input(specs)]
    options: dict[str, Any] = {"opset_version": opset_version} if opset_version else {}
    if format == "torch":
        import torch

        # Nested like the arguments of Keras's `forward(*args)`.
        dynamic = [{0: torch.export.Dim.DYNAMIC}] * len(specs)
        options["dynamic_shapes"] = [(as_input(dynamic),)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # converters warn of their own dependencies
        if format == "saved_model":
            _write_saved_model(network, path, signature, draw)
        elif format == "openvino":
            _write_openvino(network, path, signature)
        else:
            exported = _resizing(network) if format == "litert" else network
            exported.export(path, format, verbose=False, input_signature=signature, **options)
        if format == "onnx":
            _name_outputs(path, network(as_input(batches[0])))
        run = _RUNTIMES[format](path)
        return [run(dict(zip(input_names, batch, strict=True))) for batch in batches]


def _write_saved_model(
    network: keras.Model, path: str, signature: list[Any], draw: str | None
) -> None:
    import tensorflow as tf

    archive = keras.export.ExportArchive()
    archive.track_and_add_endpoint("serve", network, signature)
    if not draw:
        return archive.write_out(path, verbose=False)
    specs = keras.tree.flatten(signature)
    size = specs[0].shape[1]

    def drawn(seed: Any, count: Any, label: Any = None) -> Any:
        # The algorithm is named, because TensorFlow's default depends on the device.
        if draw == "normal":
            latents = tf.random.stateless_normal([count, size], [seed, 0], alg="philox")
        else:
            latents = tf.random.stateless_uniform([count, size], [seed, 0], -1.0, 1.0, alg="philox")
        labels = [] if label is None else [tf.fill([count], tf.cast(label, tf.int32))]
        return as_input([latents, *labels])

    def generate(seed: Any, count: Any, label: Any = None) -> Any:
        return _to_uint8(network(drawn(seed, count, label), training=False))

    names = ("seed", "count", "label")[: 1 + len(specs)]
    archive.add_endpoint(
        "generate", generate, [tf.TensorSpec((), tf.int64, name) for name in names]
    )
    archive.write_out(path, verbose=False)

    served, tried = tf.saved_model.load(path), (7, 3, 0)[: len(names)]
    images, expected = served.generate(*tried), _to_uint8(served.serve(drawn(*tried)))
    if np.abs(np.subtract(images, expected, dtype="int32")).max() > 1:  # more than rounding
        raise RuntimeError("generate(seed, count) and serve(latents) return different images.")


def _write_openvino(network: keras.Model, path: str, signature: list[Any]) -> None:
    """Write OpenVINO's format from a SavedModel.

    Keras gives OpenVINO a function, whose version check raises a `NameError` on Python 3.13:
    `exec("import tensorflow")` makes no local variable there (https://peps.python.org/pep-0667/).
    """
    import openvino

    with tempfile.TemporaryDirectory() as folder:
        _write_saved_model(network, folder, signature, None)
        model = openvino.convert_model(folder)
    openvino.serialize(model, path)


def _to_uint8(images: Any) -> Any:
    return ops.cast(ops.clip(ops.round((images + 1.0) * 127.5), 0.0, 255.0), "uint8")


@keras.saving.register_keras_serializable("keras_egan")
class Resized(keras.layers.UpSampling2D):
    """Compute `UpSampling2D` with a resizing operation."""

    def call(self, inputs: Any) -> Any:
        rows = 2 if self.data_format == "channels_first" else 1
        size = [n * factor for n, factor in zip(inputs.shape[rows:], self.size, strict=False)]
        return ops.image.resize(inputs, size, self.interpolation, data_format=self.data_format)


def _resizing(network: keras.Model) -> keras.Model:
    """Return a copy whose `UpSampling2D` layers are `Resized`.

    Keras repeats rows and columns. After two such layers, LiteRT's converter loses the shape, and
    writes a convolution that its runtime lacks (FlexConv2D).
    """

    def renamed(config: dict[str, Any]) -> dict[str, Any]:
        if (config.get("module"), config.get("class_name")) == ("keras.layers", "UpSampling2D"):
            config["registered_name"] = "keras_egan>Resized"
        return config

    config = json.dumps(keras.saving.serialize_keras_object(network))
    copy = keras.saving.deserialize_keras_object(json.loads(config, object_hook=renamed))
    copy.set_weights(network.get_weights())
    return copy


def _name_outputs(path: str, outputs: Any) -> None:
    """Restore the names of an ONNX model's outputs, because PyTorch drops them."""
    import onnx

    if not isinstance(outputs, dict):
        return
    model = onnx.load(path)
    named = {put.name: name for put, name in zip(model.graph.output, outputs, strict=True)}
    for node in model.graph.node:
        node.input[:] = [named.get(name, name) for name in node.input]
        node.output[:] = [named.get(name, name) for name in node.output]
    for output in model.graph.output:
        output.name = named[output.name]
    onnx.checker.check_model(model)
    onnx.save(model, path)


def _saved_model(path: str) -> Callable:
    import tensorflow as tf

    served = tf.saved_model.load(path)
    return lambda inputs: keras.tree.map_structure(
        np.asarray, served.serve(as_input([*inputs.values()]))
    )


def _onnx(path: str) -> Callable:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(None, inputs), strict=True))


def _litert(path: str) -> Callable:
    from ai_edge_litert.interpreter import Interpreter

    run = Interpreter(model_path=path).get_signature_runner()
    return lambda inputs: run(**inputs)


def _openvino(path: str) -> Callable:
    import openvino

    # By default, some processors compute in bfloat16.
    model = openvino.compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    names = [output.get_any_name() for output in model.outputs]
    return lambda inputs: dict(zip(names, model(inputs).to_tuple(), strict=True))


def _torch(path: str) -> Callable:
    import torch

    run = torch.export.load(path).module()

    def outputs(inputs: dict[str, np.ndarray]) -> Any:
        found = run(as_input([torch.from_numpy(array) for array in inputs.values()]))
        return keras.tree.map_structure(ops.convert_to_numpy, found)

    return outputs


_RUNTIMES = {
    "saved_model": _saved_model,
    "onnx": _onnx,
    "litert": _litert,
    "openvino": _openvino,
    "torch": _torch,
}
