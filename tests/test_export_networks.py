"""Networks that need more care in export: half precision, and many upsamplings."""

import keras
import numpy as np
import onnxruntime
import pytest

from keras_egan import export, networks
from keras_egan.export._writer import trial_batches, write_network
from tests import registry
from tests.conftest import on
from tests.test_export import latents


@on("tensorflow")
@pytest.mark.slow
@pytest.mark.parametrize(
    ("build", "network"),
    [(networks.began, "discriminator"), (networks.ebgan_small, "generator")],
)
def test_networks_that_upsample_repeatedly_go_to_litert(build, network, tmp_path):
    generator, discriminator = build((64, 64, 3), filters=2, latent_dim=4)
    exported, shape = (generator, (4,)) if network == "generator" else (discriminator, (64, 64, 3))
    before = exported.get_weights()
    path, batches = tmp_path / "network.tflite", trial_batches(shape)
    write_network(exported, batches, path, "litert", ["inputs"])  # it compares
    assert path.stat().st_size > 0
    for weights, kept in zip(exported.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weights, kept)


@on("torch")
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
    assert mixed.layers[0].compute_dtype == "bfloat16"  # the user's network is unchanged
    assert len(mixed.trainable_variables) == 4
