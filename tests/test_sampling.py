"""Samples, energies and latents: block sizes, threads, devices, and changed weights."""

import threading

import keras
import numpy as np
import pytest
from keras import layers

from keras_egan.backend.keras_internals import flat_layers
from keras_egan.training.batch import BatchShard
from tests.conftest import XLA_FLAGS, few, on
from tests.registry import (
    CASES,
    CONDITIONAL,
    LATENT_DIM,
    float_images,
    uint8_images,
    weights,
)
from tests.test_backend import run
from tests.tiny import began


def dense_layers(network):
    return [layer for layer in flat_layers(network) if isinstance(layer, layers.Dense)]


def outputs(gan, **arguments):
    """Return the result of each method for seven samples or images."""
    rest = {name: value for name, value in arguments.items() if name != "average"}
    z, images = gan.draw_latents(7, seed=2), float_images(7)
    return {
        "sample": gan.sample(7, seed=1, **arguments),
        "generate": gan.generate(z, **arguments),
        "interpolate": gan.interpolate(z[0], z[1], steps=7, **arguments),
        "invert": gan.invert(images, steps=3, **arguments).latents,
        "refine": gan.refine(z, steps=2, seed=3, **arguments),
        "energy": gan.energy(images, **rest),
        "encode": gan.encode(images, **rest),
    }


def assert_alike(found, expected):
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-5, atol=1e-5, err_msg=name)


def test_a_smaller_batch_size_gives_the_same(monkeypatch):
    gan, largest = began(), []
    expected = outputs(gan)
    run, score, encoder = gan._run_generator, gan.score, gan.discriminator.encoder.call

    def counted(function, position):
        def call(*args, **kwargs):
            largest.append(args[position].shape[0] or 0)  # none in TensorFlow's graph
            return function(*args, **kwargs)

        return call

    monkeypatch.setattr(gan, "_run_generator", counted(run, 1))
    monkeypatch.setattr(gan, "score", counted(score, 0))
    monkeypatch.setattr(gan.discriminator.encoder, "call", counted(encoder, 0))
    monkeypatch.setattr(gan, "_gradient", counted(gan._gradient, 1))
    monkeypatch.setattr(gan, "_energy_gradient", counted(gan._energy_gradient, 1))
    assert_alike(outputs(gan, batch_size=3), expected)
    assert max(largest) == 3


@on("torch")
@pytest.mark.parametrize(
    "name", ["sample", "generate", "interpolate", "invert", "refine", "energy", "encode"]
)
def test_a_batch_size_that_is_none_is_refused(name):
    given = {"sample": (2,), "interpolate": np.zeros((2, 4)), "generate": (np.zeros((2, 4)),)}
    given["refine"] = given["generate"]
    arguments = given.get(name, (float_images(2),))
    with pytest.raises(ValueError, match="`batch_size` must be a whole number, 1 or more; got 0"):
        getattr(began(), name)(*arguments, batch_size=0)


@on("torch")
def test_no_latents_and_no_images_give_empty_arrays():
    gan = began()
    assert gan.generate(np.zeros((0, 4), "float32")).shape == (0, 8, 8, 1)
    assert gan.energy(float_images(2)[:0]).shape == (0,)
    assert gan.encode(float_images(2)[:0]).shape == (0, 3)


@on("torch")
def test_each_pair_is_interpolated_with_its_own_label():
    """Three pairs have classes 2, 0 and 1; each step has its pair's class."""
    gan = next(case for case in CONDITIONAL if case.name == "began_classes").build()
    a, b = np.random.default_rng(0).uniform(-1, 1, (2, 3, 4))
    labels = [2, 0, 1]
    found = gan.interpolate(a, b, steps=5, labels=labels)
    for pair, label in enumerate(labels):
        path = np.linspace(a[pair], b[pair], 5).astype("float32")
        expected = gan.predict([path, np.full(5, label, "int32")], verbose=0)
        np.testing.assert_allclose(found[pair], expected, atol=1e-5)


@pytest.mark.parametrize("average", few([None, 0.9], None))
def test_lora_changes_samples_and_energies(average):
    """LoRA weights of 1 and 0.1 have the effect of adding 0.1 to all entries of the kernels."""
    gan, other = (CASES[0].build(generator_average=average) for _ in range(2))
    outputs(gan)  # programs compiled for fewer weights are not used again
    for network in (gan.generator, gan.discriminator):
        for layer in dense_layers(network):
            layer.enable_lora(1)
            layer.lora_kernel_a.assign(np.ones(layer.lora_kernel_a.shape))
            layer.lora_kernel_b.assign(np.full(layer.lora_kernel_b.shape, 0.1))
    for network in (other.generator, other.discriminator):
        for layer in dense_layers(network):
            layer.kernel.assign(layer.kernel + 0.1)
    found = outputs(gan)
    for name, array in outputs(other, average=False).items():
        np.testing.assert_allclose(found[name], array, atol=1e-4, err_msg=name)


@on("torch")
@pytest.mark.filterwarnings("ignore:Layer .* does not have a `quantize` method:UserWarning")
@pytest.mark.filterwarnings("ignore:`model.quantize:UserWarning")  # from Keras 3.16 on
def test_quantized_networks_sample_and_score():
    """Quantization to eight bits changes a kernel by at most 1/127 of its largest entry."""
    gan = began(generator_average=0.9)
    expected = outputs(gan)
    gan.generator.quantize("int8")
    gan.discriminator.quantize("int8")
    found = outputs(gan)  # such a generator has no average
    for name in ("sample", "generate", "interpolate", "energy", "encode"):
        np.testing.assert_allclose(found[name], expected[name], atol=0.05, err_msg=name)
    z = gan.draw_latents(7, seed=2)
    np.testing.assert_allclose(found["generate"], gan.predict(z, verbose=0), atol=1e-5)


IN_A_THREAD = """
import sys; sys.path.insert(0, "benchmarks")
import threading, simulated_device, keras
from tests.test_sampling import assert_alike, outputs
from tests.tiny import began

found = {}
with keras.device("cpu"):  # of this thread alone; others begin on the default, sim:0
    gan = began()
    expected = outputs(gan)

def work():
    with simulated_device.Mode():  # which PyTorch keeps for each thread too
        found.update(outputs(gan))

thread = threading.Thread(target=work)
thread.start()
thread.join()
assert_alike(found, expected)
"""


@on("torch")
def test_a_thread_computes_where_the_weights_are():
    run(IN_A_THREAD)


ON_TWO_DEVICES = """
import keras, numpy as np
from tests.registry import CASES
from tests.test_sampling import assert_alike, outputs

expected = outputs(CASES[0].build())
devices = keras.distribution.list_devices()
assert len(devices) == 2
mesh = keras.distribution.DeviceMesh((1, 2), ["batch", "model"], devices)
layouts = keras.distribution.LayoutMap(mesh)
layouts["dense.*kernel"] = (None, "model")
for distribution in (
    keras.distribution.DataParallel(),
    keras.distribution.ModelParallel(layout_map=layouts, batch_dim_name="batch"),
):
    with distribution.scope():
        assert_alike(outputs(CASES[0].build()), expected)
"""


@on("jax")
def test_under_a_distribution_all_is_as_on_one_device():
    run(ON_TWO_DEVICES, XLA_FLAGS=f"{XLA_FLAGS} --xla_force_host_platform_device_count=2")


def numpy(value):
    return np.array(keras.ops.convert_to_numpy(value))


def test_sampling_from_threads_never_touches_the_weights():
    gan = began(generator_average=0.9)
    gan.fit(uint8_images(), batch_size=16, verbose=0)
    before, expected = weights(gan), gan.sample(64, seed=5)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(gan.sample(64, seed=5))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    for samples in found:
        np.testing.assert_array_equal(samples, expected)
    assert all(map(np.array_equal, before, weights(gan)))


@on("torch")
@pytest.mark.parametrize("latents", ["uniform", "normal"])
def test_latents_have_the_distribution_that_was_asked_for(latents):
    """Test the latents of both steps and of samples: moments, range, and no two equal."""
    gan = began(latents=latents)
    seeds, evaluation = gan._training_state.seeds, gan._training_state.evaluation_seeds
    rows = BatchShard(5000, 0, 5000, seeds=seeds)
    drawn = {
        "D": numpy(gan._draw_latents(rows)),
        "G": numpy(gan._draw_latents(rows)),
        "evaluation": numpy(gan._draw_latents(rows._replace(seeds=evaluation))),
        "samples": gan.draw_latents(5000, seed=3),
    }
    for z in drawn.values():
        assert z.shape == (5000, LATENT_DIM)
        assert np.abs(z.mean(0)).max() < 0.06
        deviation = 1 / np.sqrt(3) if latents == "uniform" else 1.0
        np.testing.assert_allclose(z.std(0), deviation, rtol=0.05)
        largest = np.abs(z).max()
        assert 0.99 < largest <= 1.0 if latents == "uniform" else 3.0 < largest < 6.0
    assert len({z[0, 0] for z in drawn.values()}) == 4


@on("torch")
def test_the_generator_learns_from_other_latents_than_the_discriminator():
    gan, seen = began(), []
    draw = gan._draw_latents
    gan._draw_latents = lambda rows: seen.append(z := draw(rows)) or z
    gan.compile("sgd", "sgd", run_eagerly=True)
    gan.train_on_batch(uint8_images(16))
    d, g = map(numpy, seen[:2])
    assert not np.isclose(d, g).any()
