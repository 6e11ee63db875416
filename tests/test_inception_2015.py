"""The network of published FIDs, compared with pytorch-fid's in PyTorch."""

import hashlib
import os
import pickle
import re
import sys

import keras
import numpy as np
import pytest
import torch
from PIL import Image

from keras_egan.extras import command
from keras_egan.metrics import (
    FrechetDistance,
    _inception,
    inception_2015,
    inception_2015_classifier,
)
from tests.conftest import on
from tests.features import measure, rng, softmax
from tests.inception import Inception2015

NAME = "Conv2d_1a_3x3"


def pictures(shape, n=4):
    """Return coarse patterns in noise, so that features differ."""
    noise = rng().integers(0, 128, (n, *shape, 3), dtype="uint8")
    pattern = rng(1).integers(0, 2, (n, *(side // 4 + 1 for side in shape), 3), dtype="uint8")
    pattern = pattern.repeat(4, axis=1).repeat(4, axis=2)[:, : shape[0], : shape[1]]
    return noise + 127 * pattern


@pytest.fixture(scope="module")
def reference():
    """Return images, and pytorch-fid's features of them with random weights."""
    network = Inception2015()
    images = pictures((48, 64))
    return network.state, images, network.features(images)


@pytest.fixture(scope="module")
def extractor(reference, tmp_path_factory):
    path = tmp_path_factory.mktemp("inception") / "weights.pth"
    torch.save(reference[0], path, _use_new_zipfile_serialization=False)
    yield inception_2015(path, verify=False)
    path.unlink()


@on("torch")
def test_features_and_distance_are_those_of_pytorch_fid(reference, extractor):
    """The trace of (C C')^(1/2) is the sum of the singular values of X X'^T / (n - 1)."""
    _, images, features = reference
    assert np.ptp(features, axis=0).mean() > 0.05 * features.mean()
    metric = FrechetDistance(extractor)
    own = metric.extract(images)
    assert own.shape == (4, 2048)
    for found in (own, metric.extract(images / 127.5 - 1.0)):
        np.testing.assert_allclose(found, features, rtol=1e-4, atol=1e-5 * features.max())
    # Every eighth feature, for speed.
    real, fake = np.split(features[:, ::8].astype("float64"), 2)
    shift = real.mean(axis=0) - fake.mean(axis=0)
    x, y = real - real.mean(axis=0), fake - fake.mean(axis=0)
    overlap = np.linalg.svd(x @ y.T, compute_uv=False).sum()
    expected = shift @ shift + np.square(x).sum() + np.square(y).sum() - 2.0 * overlap
    result = measure(FrechetDistance(), *reversed(np.split(own[:, ::8], 2)))
    assert result == pytest.approx(expected, rel=1e-3)


@on("torch")
@pytest.mark.parametrize("shape", [(32, 32), (64, 50), (299, 299), (400, 310)])
def test_images_are_resized_as_pytorch_fid_does(shape, extractor):
    resized = keras.Model(extractor.input, extractor.get_layer(NAME).input)
    images = pictures(shape, n=2) / np.float32(255.0)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(images).permute(0, 3, 1, 2),
        size=(299, 299),
        mode="bilinear",
        align_corners=False,
    )
    own = resized.predict_on_batch(2.0 * images - 1.0)
    np.testing.assert_allclose(own, 2.0 * expected.permute(0, 2, 3, 1) - 1.0, atol=1e-4)


@on("torch")
def test_nothing_is_trained(extractor):
    assert not extractor.trainable_variables


def resized_by_clean_fid(images):
    """Resize like `make_resizer("PIL", False, "bicubic", (299, 299))` of clean-fid 0.1.35."""

    def plane(channel):
        levels = Image.fromarray(channel.astype("float32"))
        return np.asarray(levels.resize((299, 299), Image.Resampling.BICUBIC)).clip(0, 255)

    planes = [[plane(image[..., c]) for c in range(3)] for image in images]
    return (np.moveaxis(np.array(planes), 1, -1) - 128.0) / 128.0


@pytest.fixture(scope="module")
def clean(reference, tmp_path_factory):
    path = tmp_path_factory.mktemp("inception") / "weights.pth"
    torch.save(reference[0], path)
    return inception_2015(path, verify=False, resize="clean")


@pytest.mark.parametrize("shape", [(32, 32), (64, 50), (299, 299), (400, 310)])
def test_images_are_resized_as_clean_fid_does(shape, clean):
    """They agree to a hundredth of a grey level, on every backend."""
    resized = keras.Model(clean.input, clean.get_layer(NAME).input)
    images = pictures(shape, n=2)
    own = resized.predict_on_batch(images / np.float32(127.5) - 1.0)
    np.testing.assert_allclose(own, resized_by_clean_fid(images), atol=0.01 / 128)


@on("torch")
def test_clean_features_are_those_of_the_images_that_clean_fid_resizes(reference, clean):
    network = Inception2015()
    network.state = reference[0]
    images = pictures((48, 64))
    levels = torch.from_numpy(resized_by_clean_fid(images)).float().permute(0, 3, 1, 2)
    features = network.features_of(levels)
    own = FrechetDistance(clean).extract(images)
    np.testing.assert_allclose(own, features, rtol=1e-3, atol=1e-4 * features.max())
    assert np.abs(reference[2] - features).mean() > 0.01 * features.mean()  # legacy


@on("torch")
def test_the_classes_are_those_of_the_inception_score(tmp_path):
    """Compare with torch-fidelity's "logits_unbiased": the last layer without its bias."""
    kernel, bias = rng().normal(size=(1008, 2048)) / 30, rng(1).normal(size=1008)
    state = {"fc.weight": torch.tensor(kernel), "fc.bias": torch.tensor(bias)}
    torch.save(state, tmp_path / "weights.pth")
    classifier = inception_2015_classifier(tmp_path / "weights.pth", verify=False)
    features = rng(2).exponential(size=(5, 2048)).astype("float32")
    expected = softmax(features @ kernel.T)
    np.testing.assert_allclose(classifier.predict_on_batch(features), expected, rtol=1e-4)
    assert not classifier.trainable_variables
    with pytest.raises(ValueError, match="is not the published file"):
        inception_2015_classifier(tmp_path / "weights.pth")


@on("torch")
def test_resize_is_one_of_two(stub):
    with pytest.raises(ValueError, match="`resize` must be one of legacy, clean; got 'sharp'"):
        inception_2015(stub[0], verify=False, resize="sharp")


@pytest.fixture
def stub(monkeypatch, tmp_path):
    """Make a file with only the first convolution, and a network that ends there."""
    weights = {
        "conv.weight": rng().normal(size=(5, 3, 2, 4)),
        "bn.weight": rng(1).normal(size=5),
        "bn.bias": rng(2).normal(size=5),
        "bn.running_mean": rng(3).normal(size=5),
        "bn.running_var": rng(4).uniform(0.1, 2.0, size=5),
    }
    path = tmp_path / "weights.pth"
    state = {f"{NAME}.{key}": torch.tensor(value).float() for key, value in weights.items()}
    torch.save(state, path)
    monkeypatch.setattr(
        _inception._Network,
        "features",
        lambda self, x: self.conv(x, NAME, "valid")[:, 0, 0],
    )
    return path, weights


@on("torch")
def test_channels_first_and_half_precision(stub):
    path, weights = stub
    colors = np.array([[-1.0, 0.0, 0.5], [1.0, -0.5, 0.25]], "float32")
    products = colors @ weights["conv.weight"].sum(axis=(2, 3)).T
    deviations = np.sqrt(weights["bn.running_var"] + 1e-3)
    normal = (products - weights["bn.running_mean"]) / deviations
    expected = (normal * weights["bn.weight"] + weights["bn.bias"]).clip(min=0.0)
    images = np.broadcast_to(colors[:, :, None, None], (2, 3, 8, 9))
    keras.config.set_image_data_format("channels_first")
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        features = FrechetDistance(inception_2015(path, verify=False)).extract(images)
    finally:
        keras.config.set_image_data_format("channels_last")
        keras.config.set_dtype_policy("float32")
    np.testing.assert_allclose(features, expected, atol=1e-5)


@on("torch")
def test_a_saved_extractor(stub, tmp_path):
    model = inception_2015(stub[0], verify=False)
    model.save(tmp_path / "extractor.keras")
    loaded = keras.models.load_model(tmp_path / "extractor.keras")
    images = pictures((20, 30)) / 127.5 - 1.0
    np.testing.assert_array_equal(loaded.predict_on_batch(images), model.predict_on_batch(images))


@on("torch")
def test_another_file_is_refused(stub, monkeypatch):
    digest = hashlib.sha256(stub[0].read_bytes()).hexdigest()
    message = f"is not the published file: .*weights.pth begins with {digest[:8]}, not 6726825d"
    with pytest.raises(ValueError, match=message):
        inception_2015(stub[0])
    monkeypatch.setattr(_inception, "SHA256", digest)
    assert inception_2015(stub[0]).output_shape == (None, 5)


@on("torch")
def test_weights_of_another_architecture(stub):
    torch.save({f"{NAME}.conv.weight": torch.zeros(5, 3, 2, 4)}, stub[0])
    with pytest.raises(ValueError, match=r"lacks Conv2d_1a_3x3\.bn\.weight: .* architecture"):
        inception_2015(stub[0], verify=False)


class Command:
    def __reduce__(self):
        return os.system, ("touch ran",)


@on("torch")
@pytest.mark.parametrize(
    "saved", [{"a": Command()}, {"a": 1.0}, torch.nn.Linear(1, 1), torch.zeros(2)]
)
def test_nothing_else_is_read_or_run(saved, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save(saved, "file.pth")
    with pytest.raises(ValueError, match=r"must be the file of a state dict .*; got file\.pth"):
        inception_2015("file.pth", verify=False)
    assert not os.path.exists("ran")


@on("torch")
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.99])
def test_a_file_that_is_cut_short(share, stub):
    path, _ = stub
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ValueError, match="must be the file of a state dict"):
        inception_2015(path, verify=False)


@on("torch")
def test_a_pickle_alone_is_refused(tmp_path):
    path = tmp_path / "file.pth"
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(ValueError, match="must be the file of a state dict"):
        inception_2015(path, verify=False)


@on("jax")
def test_without_pytorch_its_extra_is_named(stub, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    message = rf"`metrics\.inception_2015` needs torch, .* {re.escape(command('torch'))}"
    with pytest.raises(ImportError, match=message):
        inception_2015(stub[0], verify=False)
