"""Refused exports, and failed ones, which leave no files."""

import inspect
import re
from pathlib import Path

import keras
import numpy as np
import pytest

import keras_egan
from keras_egan import export
from keras_egan.export import _writer, converters
from keras_egan.extras import command
from tests import registry
from tests.conftest import on


@keras.saving.register_keras_serializable("tests")
class Gainful(keras.Model):
    """A generator with a number that is neither a variable nor in its config."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = keras.layers.Dense(2)
        self.gain = 1.0

    def call(self, latents):
        return self.gain * self.dense(latents)


@pytest.fixture(scope="module")
def generator():
    generator, _ = registry.tiny_networks()
    return generator


@on("torch")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"format": "pickle"}, "`format` must be one of saved_model, onnx, .*got 'pickle'"),
        ({"format": "onnx"}, "The path must end in '.onnx' for `format='onnx'`"),
        ({"filepath": "a.onnx"}, "writes a folder. To write .*'.onnx', pass `format='onnx'`"),
        ({"format": "onnx", "filepath": "folder.onnx"}, "writes a file; there is a folder at"),
        ({"filepath": "file"}, "writes a folder; there is a file at"),
        ({"filepath": "folder"}, "must be an empty folder or one with a SavedModel; got"),
        ({"seed_endpoint": "cauchy"}, "`seed_endpoint` must be a bool, 'uniform' or"),
        (
            {"format": "onnx", "filepath": "a.onnx", "seed_endpoint": True},
            "needs `format='saved_mo",
        ),
        ({"source": "generator", "seed_endpoint": True}, "`source` is a generator alone"),
        ({"source": "points", "seed_endpoint": "normal"}, r"got samples of shape \(2,\)"),
        ({"source": "discriminator"}, r"of shape .*; this model's input is \(None, 8, 8, 1\)"),
        ({"source": "unbuilt"}, "this model's input is None. If it is None, call"),
        ({"source": 7}, "`source` must be a GAN, .*got int"),
        ({"source": "none.keras"}, "'none.keras', which is not a `.keras` file"),
    ],
)
def test_bad_arguments_are_refused(generator, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("folder", "folder.onnx"):
        Path(folder).mkdir()
        Path(folder, "mine").touch()
    Path("file").touch()
    before = sorted(tmp_path.rglob("*"))
    sources = {
        "generator": generator,
        "points": keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]),
        "discriminator": registry.tiny_networks()[1],
        "unbuilt": Gainful(),
    }
    arguments = {"source": "generator", "filepath": "out", **arguments}
    source = sources.get(arguments["source"], arguments["source"])
    with pytest.raises(ValueError, match=message):
        export.export(**{**arguments, "source": source})
    assert sorted(tmp_path.rglob("*")) == before


@on("torch")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"format": "pickle"}, "`format` must be one of saved_model, onnx, .*got 'pickle'"),
        ({"format": "onnx"}, "The path must end in '.onnx' for `format='onnx'`"),
        ({"opset_version": 18}, "`opset_version` needs `format='onnx'`; got 'saved_model'"),
        ({"format": "onnx", "filepath": "a.onnx", "opset_version": "18"}, "whole number, .*'18'"),
    ],
)
def test_a_gan_refuses_bad_arguments(arguments, message, tmp_path):
    gan = registry.CASES[0].build()
    arguments = {"filepath": "out", **arguments}
    with pytest.raises(ValueError, match=message):
        gan.export(tmp_path / arguments.pop("filepath"), **arguments)
    assert not list(tmp_path.iterdir())


@on("torch")
def test_a_gan_takes_keras_first_arguments_in_their_order():
    ours, keras_own = (
        list(inspect.signature(model.export).parameters.values())
        for model in (keras_egan.BEGAN, keras.Model)
    )
    assert [parameter.name for parameter in ours[1:4]] == ["filepath", "format", "verbose"]
    assert [parameter.name for parameter in keras_own[1:4]] == ["filepath", "format", "verbose"]
    assert [parameter.kind for parameter in ours[1:4]] == [p.kind for p in keras_own[1:4]]


@on("torch")
@pytest.mark.parametrize(
    ("format", "package", "extra"),
    [
        ("saved_model", "tensorflow", "tensorflow"),
        ("onnx", "onnxruntime", "export"),
        ("litert", "ai_edge_litert", "export"),
        ("openvino", "openvino", "export"),
        ("torch", "torch", "torch"),
    ],
)
def test_a_missing_package_is_named(generator, format, package, extra, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == package else name)
    message = rf"`format='{format}'` .* needs {package}, .*{re.escape(command(extra))}"
    with pytest.raises(ImportError, match=message):
        export.export(generator, tmp_path / f"out{export.FORMATS[format].suffix}", format)


@on("torch")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda images: images + 0.01, r"batch of 1, .* in its own runtime is off by 0\.01,"),
        (lambda images: images * np.nan, r"batch of 1, .* in its own runtime is off by nan"),
        (lambda images: images[:1], r"batch of 3, .* in its own runtime is of shape"),
    ],
)
def test_what_differs_is_not_kept(generator, change, message, tmp_path, monkeypatch):
    path = tmp_path / "generator.onnx"
    path.write_text("before")

    def convert(network, batches, path, **kwargs):
        Path(path).write_text("after")
        return [change(network.predict(*batch, verbose=0)) for batch in batches]

    monkeypatch.setattr(converters, "convert", convert)
    monkeypatch.setattr(keras_egan.backend, "name", "tensorflow")
    with pytest.raises(RuntimeError, match=message):
        export.export(generator, path, "onnx")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]


@on("torch")
def test_what_a_keras_file_does_not_keep_is_noticed(tmp_path):
    generator = Gainful()
    generator(np.zeros((1, 3), "float32"))
    generator.gain = 2.0  # neither a variable nor in the config
    with pytest.raises(RuntimeError, match=r"copied through a `\.keras` file is off by"):
        export.export(generator, tmp_path / "generator.onnx", "onnx")
    assert not list(tmp_path.iterdir())


@on("torch")
def test_a_module_of_pytorch_is_refused(tmp_path):
    import torch

    z = keras.Input((3,))
    module = keras.layers.TorchModuleWrapper(torch.nn.Linear(3, 2), output_shape=(None, 2))
    with pytest.raises(RuntimeError, match="TorchModuleWrapper are refused, because their files"):
        export.export(keras.Model(z, module(z)), tmp_path / "generator.onnx", "onnx")
    assert not list(tmp_path.iterdir())


@on("jax")  # only JAX has distributions in one process
def test_a_copy_computes_on_the_cpu_without_the_distribution(generator, tmp_path, monkeypatch):
    devices, distributions, device = [], [], keras.device

    def convert(network, batches, path, **kwargs):
        Path(path).touch()
        distributions.append(keras.distribution.distribution())
        return [network(*batch) for batch in batches]

    monkeypatch.setattr(converters, "convert", convert)
    monkeypatch.setattr(keras, "device", lambda name: devices.append(name) or device(name))
    monkeypatch.setattr(keras_egan.backend, "name", "tensorflow")
    distribution = keras.distribution.DataParallel(devices=["cpu:0"])
    keras.distribution.set_distribution(distribution)
    try:
        export.export(generator, tmp_path / "generator.onnx", "onnx")
        assert keras.distribution.distribution() is distribution
    finally:
        keras.distribution.set_distribution(None)
    assert (devices, distributions) == (["cpu"], [None])


@on("torch")
@pytest.mark.parametrize("path", ["generator", "generator.onnx"])
def test_an_export_replaces_the_one_before(generator, path, tmp_path, monkeypatch):
    def convert(network, batches, path, **kwargs):
        path = Path(path)
        if not path.suffix:
            path.mkdir()
            path /= "saved_model.pb"
        path.write_text(text)
        return [network.predict(*batch, verbose=0) for batch in batches]

    monkeypatch.setattr(converters, "convert", convert)
    monkeypatch.setattr(keras_egan.backend, "name", "tensorflow")
    path = tmp_path / path
    for text in ("one", "two"):
        export.export(generator, path, "onnx" if path.suffix else "saved_model")
        (written,) = (path for path in tmp_path.rglob("*") if path.is_file())
        assert written.read_text() == text


@on("torch")
def test_the_error_of_the_other_process_is_passed_on(generator, tmp_path, monkeypatch):
    monkeypatch.setattr(keras_egan.backend, "name", "another")
    monkeypatch.setattr(_writer, "PROGRAM", "import sys; sys.exit('out of memory')")
    with pytest.raises(RuntimeError, match=r"`format='saved_model'`\. No file changed\. out"):
        export.export(generator, tmp_path / "out")
    assert not list(tmp_path.iterdir())


@on("torch")
def test_classes_that_cannot_be_loaded_say_why(tmp_path, monkeypatch):
    """The message of the second process about a class that it does not know."""
    generator = Gainful()
    generator(np.zeros((1, 3), "float32"))
    generator.save(tmp_path / "network.keras")
    (tmp_path / "modules.json").write_text('["no.such.module"]')
    (tmp_path / "job.json").write_text('{"tolerance": 1e-4, "input_names": ["latents"]}')
    for name in ("inputs", "expected"):
        np.savez(tmp_path / f"{name}.npz", np.zeros((1, 3), "float32"))
    monkeypatch.delitem(keras.saving.get_custom_objects(), "tests>Gainful")
    with pytest.raises(SystemExit):
        _writer.main(tmp_path)
    error = (tmp_path / "error.txt").read_text()
    assert "must be registered with keras.saving.register_keras_serializable" in error
    assert "Could not locate class 'Gainful'" in error
