"""Exported generators, each loaded in its own runtime and compared with `predict`."""

import random
import runpy
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest

import keras_egan
from keras_egan import export
from tests import registry
from tests.conftest import on

EXAMPLE = Path(__file__).parent.parent / "examples" / "export_generator.py"
BACKEND = keras.backend.backend()

SOURCES = ["gan", "generator", "path"]
# A process of TensorFlow per case takes long, so a file of the GAN stands for the GAN.
SERVED = SOURCES if BACKEND == "tensorflow" else ["generator", "path"]

# Only TensorFlow is importable: write the outputs of the SavedModels to `served.npz`.
ALONE = """
import sys
sys.modules.update(keras=None, keras_egan=None)
import numpy as np
import tensorflow as tf

_, folder, *sources = sys.argv
batches, answers = np.load(f"{folder}/latents.npz"), {}
for source in sources:
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
    assert (served.generate(count=4, seed=7) == answers[f"{source}_first"]).numpy().all()
assert not any(name.startswith(("keras.", "keras_egan.")) for name in sys.modules)
np.savez(f"{folder}/served.npz", **answers)
"""


@keras.saving.register_keras_serializable("tests")
class Painter(keras.Model):
    """A generator of a user's own class, whose images exceed [-1, 1]."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        wide = keras.initializers.RandomNormal(stddev=2.0)
        self.dense = keras.layers.Dense(16, kernel_initializer=wide)
        self.reshape = keras.layers.Reshape((4, 4, 1))

    def call(self, latents):
        return self.reshape(self.dense(latents))


@pytest.fixture(scope="module")
def gan():
    random.seed(0)
    _, discriminator = registry.tiny_networks()
    z = keras.Input((4,), name="latents")
    x = keras.layers.Dense(32, activation="elu")(z)
    x = keras_egan.layers.VanishingResidual()(x, keras.layers.Dense(32)(x))
    x = keras.layers.UpSampling2D()(keras.layers.Reshape((2, 2, 8))(x))
    x = keras.layers.UpSampling2D()(x)  # after two, LiteRT's converter loses the shape
    x = keras.layers.Conv2D(1, 3, padding="same", activation="tanh")(x)
    generator = keras.Model(z, x, name="generator")
    generator.layers[3].carry.assign(0.3)
    gan = keras_egan.BEGAN(generator, discriminator)
    gan.compile("sgd", "sgd")
    return gan


@pytest.fixture(scope="module")
def painter():
    random.seed(0)
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
    """The exported object, and the generator to compare with."""
    return {
        "gan": (gan, gan.generator),
        "generator": (painter, painter),
        "path": (path, gan.generator),
    }


@pytest.fixture(scope="module")
def served(sources, tmp_path_factory):
    """The inputs and outputs of the SavedModels, where only TensorFlow is importable."""
    folder = tmp_path_factory.mktemp("served")
    if BACKEND == "tensorflow":
        sources["gan"][0].export(folder / "gan", seed_endpoint=True)
    example(sources["path"][0], folder / "path", "--seed-endpoint")
    export.export(sources["generator"][0], folder / "generator", seed_endpoint="normal")
    batches = {f"{name}_{n}": latents(sources[name][1], n) for name in SERVED for n in (2, 5)}
    np.savez(folder / "latents.npz", **batches)
    subprocess.run([sys.executable, "-c", ALONE, folder, *SERVED], check=True)
    with np.load(folder / "served.npz") as answers:
        return batches, dict(answers)


def latents(generator, n):
    size = 3 if isinstance(generator, Painter) else 4
    return np.random.default_rng(n).uniform(-1, 1, (n, size)).astype("float32")


def example(*arguments):
    """Run the example as in the shell, but in this process, which has imported Keras."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.syspath_prepend(EXAMPLE.parent)
        monkeypatch.setattr(sys, "argv", list(map(str, (EXAMPLE, *arguments))))
        runpy.run_path(str(EXAMPLE), run_name="__main__")


@pytest.mark.slow
@pytest.mark.parametrize("source", SERVED)
def test_saved_models_need_tensorflow_alone(served, sources, source):
    batches, answers = served
    _, generator = sources[source]
    for n in (2, 5):
        expected = generator.predict(batches[f"{source}_{n}"], verbose=0)
        np.testing.assert_allclose(answers[f"{source}_{n}"], expected, rtol=0, atol=1e-5)
    assert answers[f"{source}_input"] == "latents"


@pytest.mark.slow
@pytest.mark.parametrize("source", SERVED)
def test_a_seed_gives_the_images_of_its_latents(served, sources, source):
    _, answers = served
    _, generator = sources[source]
    images = answers[f"{source}_first"]
    expected = generator.predict(answers[f"{source}_latents"], verbose=0)
    expected = np.clip(np.round((expected + 1.0) * 127.5), 0, 255)
    assert images.dtype == np.uint8
    assert images.shape == expected.shape
    assert np.abs(images - expected).max() <= 1  # because a rounding error decides
    assert images.min() < images.max()
    if source == "generator":  # and no overflow
        assert (images.min(), images.max()) == (0, 255)
    np.testing.assert_array_equal(images, answers[f"{source}_again"])
    assert not np.array_equal(images, answers[f"{source}_other"])


# On JAX a second process on TensorFlow writes it, by the same code as SavedModels.
@pytest.mark.parametrize("source", ["path"] if BACKEND == "jax" else SOURCES)
def test_onnx(sources, source, tmp_path, capsys):
    exported, generator = sources[source]
    path = tmp_path / "new" / "generator.onnx"
    if source == "path":
        example(exported, path, "--format", "onnx", "--backend", BACKEND)
        assert f"Generator: {path}, loaded in its own" in capsys.readouterr().out
    else:
        assert export.export(exported, path, "onnx") == path
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert [put.name for put in session.get_inputs()] == ["latents"]
    for n in (2, 5):
        z = latents(generator, n)
        (images,) = session.run(None, {"latents": z})
        np.testing.assert_allclose(images, generator.predict(z, verbose=0), rtol=0, atol=1e-5)
    assert [path.name for path in path.parent.iterdir()] == ["generator.onnx"]


@on("torch")
def test_a_gan_exports_itself(gan, tmp_path, capsys):
    path = gan.export(
        filepath=tmp_path / "gan.onnx",
        format="onnx",
        verbose=True,
        opset_version=18,
    )
    assert capsys.readouterr().out == f"Saved the generator at {path}, as `format='onnx'`.\n"
    assert [opset.version for opset in onnx.load(path).opset_import if not opset.domain] == [18]
    z = latents(gan.generator, 5)
    (images,) = onnxruntime.InferenceSession(path).run(None, {"latents": z})
    np.testing.assert_allclose(images, gan.predict(z, verbose=0), rtol=0, atol=1e-5)


@on("torch")
@pytest.mark.slow
def test_a_gan_exports_a_saved_model_by_either_name(gan, tmp_path):
    """Keras's own export fails on PyTorch."""
    path = gan.export(tmp_path / "gan", format="tf_saved_model", seed_endpoint=True)
    assert {"saved_model.pb", "variables"} <= {file.name for file in path.iterdir()}
    assert path == tmp_path / "gan"


# The second process is the same after JAX and PyTorch, so each format has one case.
@pytest.mark.slow
@pytest.mark.parametrize(
    "format",
    {
        "tensorflow": ["litert", "openvino", "torch"],
        "jax": [pytest.param("openvino", marks=pytest.mark.nightly)],
        "torch": ["litert", "torch"],
    }[BACKEND],
)
def test_other_formats(gan, format, tmp_path, monkeypatch):
    if (BACKEND, format) == ("tensorflow", "torch") and find_spec("triton"):
        # https://github.com/tensorflow/tensorflow/issues/124205
        pytest.skip("a process with TensorFlow crashes when it imports triton, as PyTorch does")
    monkeypatch.setenv("CI", "true")  # keeps OpenVINO from reporting to its makers
    path = export.export(gan, tmp_path / f"generator{export.FORMATS[format].suffix}", format)
    written = {"openvino": ["generator.bin", "generator.xml"]}.get(format, [path.name])
    assert sorted(path.name for path in tmp_path.iterdir()) == written
    run = {"litert": litert, "openvino": openvino, "torch": torch}[format](path)
    for n in (1, 2, 5):
        z = latents(gan.generator, n)
        np.testing.assert_allclose(run(z), gan.predict(z, verbose=0), rtol=0, atol=1e-5)


def litert(path):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    (put,), (get,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert list(interpreter.get_signature_list()["serving_default"]["inputs"]) == ["latents"]

    def run(z):
        interpreter.resize_tensor_input(put["index"], z.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(put["index"], z)
        interpreter.invoke()
        return interpreter.get_tensor(get["index"])

    return run


def openvino(path):
    import openvino

    model = openvino.compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    assert model.input(0).get_any_name() == "latents"
    return lambda z: model(z)[0]


def torch(path):
    import torch

    run = torch.export.load(path).module()
    return lambda z: run(torch.from_numpy(z)).detach().numpy()


def test_the_example(path, tmp_path, capsys):
    with pytest.raises(SystemExit, match=r"^0$"):
        example("--help")
    printed = capsys.readouterr().out
    for flag in ("source", "path", "--format", "--seed-endpoint", "--backend"):
        assert flag in printed
    with pytest.raises(SystemExit, match=r"^The path must end in '.onnx'"):
        example(path, tmp_path / "out", "--format", "onnx")
