"""The callback's reference data, which is read once."""

import keras
import numpy as np
import pytest

from keras_egan.callbacks import EvaluateSamples
from keras_egan.metrics import (
    InceptionScore,
    KernelDistance,
    MixtureCoverage,
    ModeCoverage,
    PrecisionRecall,
)
from tests.conftest import on
from tests.registry import (
    float_images,
    uint8_images,
)
from tests.test_evaluate_samples import build, by_hand, distance, epoch, extractor, fit


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return uint8_images(40, seed=9)[10 * index : 10 * index + 10], np.zeros(10)


def loader():
    import torch

    images = torch.as_tensor(uint8_images(40, seed=9))
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(images), batch_size=7)


def dataset():
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(uint8_images(40, seed=9)).batch(7)


@on("torch")
@pytest.mark.parametrize(
    "reference",
    [
        lambda: uint8_images(40, seed=9),
        lambda: float_images(40, seed=9),
        lambda: (uint8_images(40, seed=9), np.zeros(40)),
        lambda: (batch for batch in np.split(uint8_images(40, seed=9), 4)),
        Batches,
        loader,
        dataset,
    ],
    ids=["bytes", "floats", "labeled", "generator", "py_dataset", "loader", "tf_data"],
)
def test_references(reference):
    callback = EvaluateSamples(reference(), [distance()], samples=100, batch_size=13)
    gan = build()
    assert epoch(callback, gan)["frechet_distance"] == pytest.approx(by_hand(gan), rel=1e-5)
    assert callback.metrics[0].real.count == 40


@on("torch")
def test_the_reference_is_read_once_and_extractors_run_once():
    class Counting(keras.Sequential):
        images = 0

        def call(self, x, training=None):
            self.images += len(x)
            return super().call(x, training=training)

    network = Counting(extractor().layers)
    network.build((None, *uint8_images(1).shape[1:]))
    network.images = 0
    metrics = [distance(network), KernelDistance(network, subsets=2), PrecisionRecall(network)]
    callback = EvaluateSamples(uint8_images(40), metrics, samples=30)
    gan = build()
    logs = epoch(callback, gan)
    assert network.images == 40 + 30
    epoch(callback, gan)
    assert network.images == 40 + 2 * 30
    keys = ["frechet_distance", "kernel_distance", "kernel_distance_error", "precision", "recall"]
    assert list(logs) == ["d_loss", *keys]
    assert all(metric.real.count == 40 for metric in metrics)


@on("torch")
def test_metrics_without_a_reference():
    classifier = extractor(4, "softmax")
    metrics = [InceptionScore(classifier, splits=2), ModeCoverage(classifier)]
    logs = epoch(EvaluateSamples(None, metrics, samples=50))
    assert list(logs)[1:] == ["inception_score", "modes", "mode_kl", "min_share", "max_share"]
    assert 1.0 <= logs["inception_score"] <= 4.0
    mixture = MixtureCoverage(np.zeros((1, 64)), 1.0, keras.Sequential([keras.layers.Flatten()]))
    assert epoch(EvaluateSamples(None, [mixture], samples=50))["high_quality"] == 1.0
    measured = distance()
    measured.update_real(uint8_images(40, seed=9))
    gan = build()
    logs = epoch(EvaluateSamples(None, [measured], samples=100), gan)
    assert logs["frechet_distance"] == pytest.approx(by_hand(gan), rel=1e-6)


@on("torch")
def test_a_missing_reference_is_refused_before_training():
    gan = build()
    with pytest.raises(ValueError, match="frechet_distance needs real images, but `reference` is"):
        fit([EvaluateSamples(None, [distance()])], gan=gan)
    assert int(gan.step) == 0
