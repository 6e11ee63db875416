"""Exported generators, each loaded in its own runtime and compared with `predict`."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import onnxruntime
import pytest

import keras_egan
from keras_egan import export, networks
from keras_egan.backend import converters
from tests import registry

EXAMPLE = Path(__file__).parent.parent / "examples" / "export_generator.py"
BACKEND = keras.backend.backend()

# Where nothing but TensorFlow is installed: writes to `served.npz` what the SavedModels answer.
ALONE = """
import sys
sys.modules.update(keras=None, keras_egan=None)
import numpy as np
import tensorflow as tf

folder = sys.argv[1]
batches, answers = np.load(f"{folder}/latents.npz"), {}
for source in ("gan", "generator", "path"):
    served = tf.saved_model.load(f"{folder}/{source}")
    latent_dim = batches[f"{source}_2"].shape[1]
    for n in (2, 5):
        answers[f"{source}_{n}"] = served.serve(batches[f"{source}_{n}"])
    (name,) = served.signatures["serving_default"].structured_input_signature[1]
    answers[f"{source}_input"] = name
    draw = tf.random.stateless_normal if source == "generator" else tf.random.stateless_uniform
    limits = {} if source == "generator" else {"minval": -1, "maxval": 1}
    answers[f"{source}_latents"] = draw((4, latent_dim), (7, 0), alg="philox", **limits)
    for name, seed in (("first", 7), ("again", 7), ("other", -8)):
        answers[f"{source}_{name}"] = served.generate(seed, 4)
assert not any(name.startswith(("keras.", "keras_egan.")) for name in sys.modules)
np.savez(f"{folder}/served.npz", **answers)
"""


@keras.saving.register_keras_serializable("tests")
class Painter(keras.Model):
    """A generator in a class of its user's own, whose images go beyond [-1, 1]."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.gain = 1.0
        wide = keras.initializers.RandomNormal(stddev=2.0)
        self.dense = keras.layers.Dense(16, kernel_initializer=wide)
        self.reshape = keras.layers.Reshape((4, 4, 1))

    def call(self, latents):
        return self.reshape(self.gain * self.dense(latents))


@pytest.fixture(scope="module")
def gan():
    keras.utils.set_random_seed(0)
    generator, discriminator = networks.began(
        (16, 16, 1), filters=2, latent_dim=4, skips=True, vanishing_residuals=True
    )
    for layer in generator.layers:
        if hasattr(layer, "carry"):
            layer.carry.assign(0.3)
    gan = keras_egan.BEGAN(generator, discriminator)
    gan.compile("adam", "adam")
    return gan


@pytest.fixture(scope="module")
def painter():
    keras.utils.set_random_seed(0)
    painter = Painter()
    painter(np.zeros((1, 3), "float32"))
    return painter


@pytest.fixture(scope="module")
def path(gan, tmp_path_factory):
    path = tmp_path_factory.mktemp("gan") / "gan.keras"
    gan.save(path)
    return path


@pytest.fixture(scope="module")
def sources(gan, painter, path):
    """What is exported, and the generator that it is compared with."""
    return {
        "gan": (gan, gan.generator),
        "generator": (painter, painter),
        "path": (path, gan.generator),
    }


@pytest.fixture(scope="module")
def served(sources, tmp_path_factory):
    """What the SavedModels answer where only TensorFlow is installed, and to what."""
    folder = tmp_path_factory.mktemp("served")
    export.export(sources["gan"][0], folder / "gan", seed_endpoint=True)
    printed = run(EXAMPLE, sources["path"][0], "path", "--seed-endpoint", cwd=folder)
    assert f"Generator: {folder / 'path'}, loaded in its own runtime" in printed
    export.export(sources["generator"][0], folder / "generator", seed_endpoint="normal")
    batches = {
        f"{name}_{n}": latents(generator, n)
        for name, (_, generator) in sources.items()
        for n in (2, 5)
    }
    np.savez(folder / "latents.npz", **batches)
    run("-c", ALONE, folder, cwd=folder)
    with np.load(folder / "served.npz") as answers:
        return batches, dict(answers)


def latents(generator, n):
    size = 3 if isinstance(generator, Painter) else 4
    return np.random.default_rng(n).uniform(-1, 1, (n, size)).astype("float32")


def run(*arguments, cwd):
    process = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    return process.stdout


@pytest.mark.slow
@pytest.mark.parametrize("source", ["gan", "generator", "path"])
def test_saved_models_need_tensorflow_alone(served, sources, source):
    batches, answers = served
    _, generator = sources[source]
    for n in (2, 5):
        expected = generator.predict(batches[f"{source}_{n}"], verbose=0)
        np.testing.assert_allclose(answers[f"{source}_{n}"], expected, rtol=0, atol=1e-5)
    assert answers[f"{source}_input"] == "latents"


@pytest.mark.slow
@pytest.mark.parametrize("source", ["gan", "generator", "path"])
def test_a_seed_gives_the_images_of_its_latents(served, sources, source):
    _, answers = served
    _, generator = sources[source]
    images = answers[f"{source}_first"]
    expected = generator.predict(answers[f"{source}_latents"], verbose=0)
    expected = np.clip(np.round((expected + 1.0) * 127.5), 0, 255)
    assert images.dtype == np.uint8
    assert images.shape == expected.shape
    assert np.abs(images - expected).max() <= 1  # where a rounding error decides
    assert images.min() < images.max()
    if source == "generator":  # and not values that have run over
        assert (images.min(), images.max()) == (0, 255)
    np.testing.assert_array_equal(images, answers[f"{source}_again"])
    assert not np.array_equal(images, answers[f"{source}_other"])


@pytest.mark.parametrize("source", ["gan", "generator", "path"])
def test_onnx(sources, source, tmp_path):
    exported, generator = sources[source]
    path = export.export(exported, tmp_path / "new" / "generator.onnx", "onnx")
    assert path == tmp_path / "new" / "generator.onnx"
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert [put.name for put in session.get_inputs()] == ["latents"]
    for n in (2, 5):
        z = latents(generator, n)
        (images,) = session.run(None, {"latents": z})
        np.testing.assert_allclose(images, generator.predict(z, verbose=0), rtol=0, atol=1e-5)
    assert [path.name for path in path.parent.iterdir()] == ["generator.onnx"]


# The process of TensorFlow that writes them is the same after JAX and PyTorch: one for each.
@pytest.mark.slow
@pytest.mark.parametrize(
    "format",
    {"tensorflow": ["litert", "openvino"], "jax": ["openvino"], "torch": ["litert"]}[BACKEND],
)
def test_litert_and_openvino(gan, format, tmp_path, monkeypatch):
    monkeypatch.setenv("CI", "true")  # keeps OpenVINO from reporting to its makers
    path = export.export(gan, tmp_path / f"generator{export.FORMATS[format]}", format)
    if format == "litert":
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_path=str(path))
        (put,), (get,) = interpreter.get_input_details(), interpreter.get_output_details()
        assert list(interpreter.get_signature_list()["serving_default"]["inputs"]) == ["latents"]
    else:
        import openvino

        model = openvino.compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        assert model.input(0).get_any_name() == "latents"
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "generator.bin",
            "generator.xml",
        ]
    for n in (2, 5):
        z = latents(gan.generator, n)
        if format == "litert":
            interpreter.resize_tensor_input(put["index"], z.shape)
            interpreter.allocate_tensors()
            interpreter.set_tensor(put["index"], z)
            interpreter.invoke()
            images = interpreter.get_tensor(get["index"])
        else:
            images = model(z)[0]
        np.testing.assert_allclose(images, gan.predict(z, verbose=0), rtol=0, atol=1e-5)


def test_half_precision_is_exported_in_float32(tmp_path):
    generator, _ = registry.tiny_networks()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        mixed, _ = registry.tiny_networks()
    finally:
        keras.config.set_dtype_policy("float32")
    mixed.set_weights(generator.get_weights())
    path = export.export(mixed, tmp_path / "generator.onnx", "onnx")
    z = latents(generator, 3)
    (images,) = onnxruntime.InferenceSession(path).run(None, {mixed.inputs[0].name: z})
    np.testing.assert_allclose(images, generator.predict(z, verbose=0), rtol=0, atol=1e-5)
    assert mixed.layers[0].compute_dtype == "bfloat16"  # that of the user is as it was
    assert len(mixed.trainable_variables) == 4


def test_the_example_explains_itself(tmp_path):
    printed = run(EXAMPLE, "--help", cwd=tmp_path)
    for flag in ("source", "path", "--format", "--seed-endpoint", "--backend"):
        assert flag in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"format": "pickle"}, "`format` must be one of saved_model, onnx, .*got 'pickle'"),
        ({"format": "onnx"}, "`path` must end in '.onnx' for `format='onnx'`"),
        ({"format": "onnx", "path": "folder.onnx"}, "writes a file; `path` is a folder"),
        ({"path": "file"}, "writes a folder; `path` is a file"),
        ({"path": "folder"}, "a folder that holds something else than a SavedModel"),
        ({"seed_endpoint": "cauchy"}, "`seed_endpoint` must be a bool, 'uniform' or"),
        (
            {"seed_endpoint": True, "format": "onnx", "path": "a.onnx"},
            "needs `format='saved_model'",
        ),
        ({"source": "painter", "seed_endpoint": True}, "`source` is a generator alone"),
        ({"source": "points", "seed_endpoint": "normal"}, r"samples have shape \(2,\)"),
        ({"source": "discriminator"}, r"one input of shape \(batch, latent_dim\); this model's is"),
        ({"source": "unbuilt"}, "this model's is None. A model that has none yet"),
        ({"source": 7}, "`source` must be a GAN, .*got int"),
        ({"source": "none.keras"}, "'none.keras', which is not a `.keras` file"),
    ],
)
def test_bad_arguments_are_refused(gan, painter, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder in ("folder", "folder.onnx"):
        Path(folder).mkdir()
        Path(folder, "mine").touch()
    Path("file").touch()
    before = sorted(tmp_path.rglob("*"))
    sources = {
        "painter": painter,
        "points": keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]),
        "discriminator": gan.discriminator,
        "unbuilt": Painter(),
    }
    arguments = {"source": "painter", "path": "out", **arguments}
    source = sources.get(arguments["source"], arguments["source"])
    with pytest.raises(ValueError, match=message):
        export.export(**{**arguments, "source": source})
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("format", "package", "extra"),
    [
        ("saved_model", "tensorflow", "tensorflow"),
        ("onnx", "onnxruntime", "export"),
        ("litert", "ai_edge_litert", "export"),
        ("openvino", "openvino", "export"),
    ],
)
def test_a_missing_package_is_named(painter, format, package, extra, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == package else name)
    message = rf"`format='{format}'` .* needs {package}, .*pip install 'keras_egan\[{extra}\]'"
    with pytest.raises(ImportError, match=message):
        export.export(painter, tmp_path / f"out{export.FORMATS[format]}", format)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda images: images + 0.01,
            r"batch of 1, its output in its own runtime is off by 0\.01,",
        ),
        (lambda images: images * np.nan, "batch of 1, its output in its own runtime is off by nan"),
        (lambda images: images[:1], "batch of 3, its output in its own runtime is of shape"),
    ],
)
def test_what_differs_is_not_kept(painter, change, message, tmp_path, monkeypatch):
    path = tmp_path / "generator.onnx"
    path.write_text("before")
    convert = converters.convert
    monkeypatch.setattr(
        converters, "convert", lambda *args, **kwargs: list(map(change, convert(*args, **kwargs)))
    )
    with pytest.raises(RuntimeError, match=message):
        export.export(painter, path, "onnx")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]


def test_what_a_keras_file_does_not_keep_is_noticed(tmp_path):
    painter = Painter()
    painter(np.zeros((1, 3), "float32"))
    painter.gain = 2.0  # neither a variable nor in the config
    with pytest.raises(RuntimeError, match=r"copied through a `\.keras` file is off by"):
        export.export(painter, tmp_path / "generator.onnx", "onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", ["generator", "generator.onnx"])
def test_an_export_replaces_the_one_before(painter, path, tmp_path, monkeypatch):
    def convert(network, path, batches, **kwargs):
        path = Path(path)
        if not path.suffix:
            path.mkdir()
            path /= "saved_model.pb"
        path.write_text(text)
        return [network.predict(batch, verbose=0) for batch in batches]

    monkeypatch.setattr(converters, "convert", convert)
    monkeypatch.setattr(export.backend, "name", "tensorflow")
    path = tmp_path / path
    for text in ("one", "two"):
        export.export(painter, path, "onnx" if path.suffix else "saved_model")
        (written,) = (path for path in tmp_path.rglob("*") if path.is_file())
        assert written.read_text() == text


def test_the_error_of_the_other_process_is_passed_on(painter, tmp_path, monkeypatch):
    monkeypatch.setattr(export.backend, "name", "another")
    monkeypatch.setattr(export, "PROGRAM", "import sys; sys.exit('out of memory')")
    with pytest.raises(RuntimeError, match=r"`format='saved_model'`, and nothing was\. out"):
        export.export(painter, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_classes_that_cannot_be_loaded_say_why(painter, tmp_path, monkeypatch):
    """What the other process says of a class that it does not know."""
    painter.save(tmp_path / "generator.keras")
    (tmp_path / "job.json").write_text('{"modules": ["no.such.module"]}')
    monkeypatch.setattr("keras.src.saving.object_registration.GLOBAL_CUSTOM_OBJECTS", {})
    with pytest.raises(SystemExit):
        converters.main(tmp_path)
    error = (tmp_path / "error.txt").read_text()
    assert "must be registered with keras.saving.register_keras_serializable" in error
    assert "Could not locate class 'Painter'" in error
