"""Exported detectors, each loaded in its own runtime and compared with the original."""

import random

import keras
import numpy as np
import onnxruntime
import pytest

from keras_egan.anomaly import EnergyDetector
from tests import registry
from tests.conftest import on

NAMES = ("label", "map", "score")


@pytest.fixture(scope="module")
def detector():
    random.seed(0)
    keras.utils.set_random_seed(0)
    images = registry.uint8_images(60)
    return EnergyDetector(registry.tiny_networks()[1], epochs=1).fit(images).calibrate(images, 0.5)


def onnx(path):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda images: dict(zip(NAMES, session.run(NAMES, {"image": images}), strict=True))


def litert(path):
    from ai_edge_litert.interpreter import Interpreter

    run = Interpreter(model_path=str(path)).get_signature_runner()
    return lambda images: run(image=images)


def saved_model(path):
    import tensorflow as tf

    served = tf.saved_model.load(str(path))
    return lambda images: {name: t.numpy() for name, t in served.serve(images).items()}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("format", "name", "runtime"),
    [
        pytest.param("onnx", "detector.onnx", onnx, marks=on("torch")),
        pytest.param("litert", "detector.tflite", litert, marks=on("tensorflow")),
        pytest.param("saved_model", "detector", saved_model, marks=on("tensorflow")),
    ],
)
def test_a_file_says_what_the_detector_says(detector, format, name, runtime, tmp_path):
    path = detector.export(tmp_path / name, format)
    run = runtime(path)
    for count in (1, 4, 7):
        images = registry.uint8_images(count, seed=count)
        found = run((images / 127.5 - 1.0).astype("float32"))
        assert sorted(found) == list(NAMES)
        scores = detector.decision_function(images)
        np.testing.assert_allclose(found["score"], scores, rtol=0, atol=1e-4)
        np.testing.assert_allclose(found["map"], detector.anomaly_map(images), rtol=0, atol=1e-4)
        np.testing.assert_array_equal(found["label"], detector.predict(images))
        assert found["label"].dtype == np.int32
    assert set(run((registry.uint8_images(60) / 127.5 - 1).astype("float32"))["label"]) == {0, 1}


@on("torch")
def test_arguments_are_checked(detector, tmp_path):
    with pytest.raises(ValueError, match="`format` must be one of saved_model, onnx"):
        detector.export(tmp_path / "detector", "pickle")
    with pytest.raises(ValueError, match=r"The path must end in '.onnx' for `format='onnx'`"):
        detector.export(tmp_path / "detector", "onnx")
