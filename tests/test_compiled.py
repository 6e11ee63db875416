"""XLA on TensorFlow, Keras's default on a GPU. Here it compiles for the CPU."""

import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

import keras_egan
from keras_egan import callbacks, networks
from tests.interrupted import Stop
from tests.registry import CASES, CONDITIONAL, adam, float_images, given, sgd, state

pytestmark = [
    pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's compiler"),
    pytest.mark.filterwarnings("ignore:For a whole epoch:UserWarning"),
]
BY_NAME = {case.name: case for case in [*CASES, *CONDITIONAL]}


def fixed(gan):
    """Give a GAN latents and augmentation that are functions of its step.

    TensorFlow's random numbers differ under XLA, whatever the seed.
    """
    draws = []

    def waves(n, width):
        draws.append(None)
        places = ops.cast(ops.arange(n * width), "float32") * (0.37 + 0.11 * len(draws))
        return ops.sin(ops.reshape(places + ops.cast(gan.step, "float32"), (n, width)))

    gan._draw_latents = lambda rows: rows.own(lambda n: waves(n, gan.latent_dim))
    if gan.augment:
        names = list(gan.augment.draw(1))

        def draw(n):
            numbers = 0.5 + 0.499 * waves(n, 7)
            columns = [numbers[:, 0], 2 * numbers[:, 1], numbers[:, 2], numbers[:, 3:5]]
            return dict(zip(names, [*columns, numbers[:, 5:]], strict=True))

        gan.augment.draw = draw
    return gan


def trained(build, compiled, batch=8, optimizer=sgd, **arguments):
    """Return a GAN after 20 steps; every fifth has a smaller batch."""
    keras.utils.set_random_seed(0)
    random.seed(0)
    gan = fixed(build())
    gan.compile(optimizer(), optimizer(), jit_compile=compiled, **arguments)
    assert gan.jit_compile == compiled
    images = float_images(4 * batch + 3, gan.image_shape)
    gan.fit(given(gan, images), batch_size=batch, epochs=4, shuffle=False, verbose=0)
    return gan


def check_same(build, **arguments):
    one, other = (trained(build, compiled, **arguments) for compiled in (False, True))
    for variable, a, b in zip(one.variables, state(one), state(other), strict=False):
        if a.dtype.kind in "iu":
            np.testing.assert_array_equal(a, b, variable.path)
        else:
            scale = max(1e-3, np.abs(np.where(np.isfinite(a), a, 0)).max(initial=0))
            np.testing.assert_allclose(a / scale, b / scale, atol=1e-4, err_msg=variable.path)


UPDATES = ("alternating", "simultaneous", "one_pass")


def some(case, index):
    marks = () if index < 3 else pytest.mark.nightly
    return pytest.param(
        case, UPDATES[index % 3], marks=marks, id=f"{case.name}-{UPDATES[index % 3]}"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case", "updates"), [some(case, i) for i, case in enumerate([*CASES, *CONDITIONAL])]
)
def test_a_compiled_training_is_the_one_that_is_not(case, updates):
    check_same(lambda: case.build(updates=updates))


VARIATIONS = {
    "several steps and an average": ("began", {"d_steps": 2, "generator_average": 0.9}),
    "augmented": ("began", {"augment": "color,translation,cutout"}),
    "augmented in one pass": (
        "ebgan",
        {"augment": "color,translation,cutout", "updates": "one_pass"},
    ),
    "penalties in a branch": ("relativistic", {"updates": "one_pass", "augment": "translation"}),
    "clipped": ("ls_gan", {"gradient_penalty": 0.0, "weight_clip": 0.05}),
    "phases": ("magan", {"pretrain_epochs": 1}),
}


@pytest.mark.nightly
@pytest.mark.parametrize("name", VARIATIONS)
def test_so_is_a_compiled_training_of_any_settings(name):
    case, arguments = VARIATIONS[name]
    case = BY_NAME[case]
    if name == "phases":
        case = replace(case, state={})
    check_same(lambda: case.build(**arguments))


@pytest.mark.nightly
def test_so_are_several_compiled_steps_per_execution():
    check_same(BY_NAME["began"].build, steps_per_execution=2)


IMAGE = (16, 16, 1)
NETWORKS = {
    "began": lambda: keras_egan.BEGAN(
        *networks.began(IMAGE, filters=4, latent_dim=4, skips=True, vanishing_residuals=True)
    ),
    "convnet": lambda: keras_egan.BEGAN(
        *networks.convnet(IMAGE, filters=2, latent_dim=4, embedding_dim=4)
    ),
    "dcgan_autoencoder": lambda: keras_egan.BEGAN(
        *networks.dcgan_autoencoder(IMAGE, filters=4, embedding_dim=4, latent_dim=4, num_classes=3),
        num_classes=3,
    ),
    "ebgan_small": lambda: keras_egan.EBGAN(
        *networks.ebgan_small(IMAGE, filters=4, latent_dim=4, embedding_dim=4),
        margin=1.0,
        pt_weight=0.1,
    ),
    "ebgan_mlp": lambda: keras_egan.EBGAN(
        *networks.ebgan_mlp((8, 8, 1), size_g=16, size_d=16, latent_dim=4), margin=1.0
    ),
    "least_squares_dcgan": lambda: keras_egan.LeastSquaresGAN(
        *networks.least_squares_dcgan(IMAGE, filters=4, latent_dim=4)
    ),
    "least_squares_vgg": lambda: keras_egan.LeastSquaresGAN(
        *networks.least_squares_vgg(IMAGE, filters=4, latent_dim=4)
    ),
    "loss_sensitive": lambda: keras_egan.LossSensitiveGAN(
        *networks.loss_sensitive(IMAGE, filters=4, latent_dim=4), gradient_penalty=1.0, slope=0.2
    ),
    "magan_mnist": lambda: keras_egan.MAGAN(
        *networks.magan_mnist(filters=4, units=8, latent_dim=4), pretrain_epochs=1
    ),
}


@pytest.mark.nightly
@pytest.mark.parametrize("name", NETWORKS)
def test_so_is_a_compiled_training_of_any_networks(name):
    def slow():
        return keras.optimizers.SGD(1e-4)

    check_same(NETWORKS[name], batch=4, optimizer=slow)


def unknown(images, size):
    """Return batches whose sizes TensorFlow learns only at run time."""
    import tensorflow as tf

    dataset = tf.data.Dataset.from_generator(
        lambda: (images[i : i + size] for i in range(0, len(images), size)),
        output_signature=tf.TensorSpec((None, *images.shape[1:])),
    )
    return dataset.apply(tf.data.experimental.assert_cardinality(-(-len(images) // size)))


def test_a_batch_too_small_is_found_after_a_compiled_epoch():
    gan = BY_NAME["ebgan"].build()
    gan.compile(sgd(), sgd(), jit_compile=True)
    with pytest.raises(ValueError, match="1 batches had fewer than 2 images"):
        gan.fit(unknown(float_images(9), 8), verbose=0)
    gan.fit(unknown(float_images(8), 8), verbose=0)  # no error names it


def test_an_empty_batch_is_found_after_a_compiled_epoch():
    import tensorflow as tf

    images = float_images(8)
    batches = unknown(images, 8).concatenate(tf.data.Dataset.from_tensors(images[:0]))
    batches = batches.apply(tf.data.experimental.assert_cardinality(2))
    gan = BY_NAME["began"].build()
    gan.compile(sgd(), sgd(), jit_compile=True)
    for method in (gan.fit, gan.evaluate):
        with pytest.raises(ValueError, match="1 batches had fewer than 1 images"):
            method(batches, verbose=0)


@pytest.mark.slow
def test_a_compiled_training_is_resumed_exactly(tmp_path):
    images = float_images(40)

    def train(folder, *more):
        gan = BY_NAME["began"].build()
        gan.compile(adam(), adam(), jit_compile=True)
        backup = callbacks.Backup(tmp_path / folder, every=3)
        gan.fit(images, batch_size=8, epochs=2, verbose=0, callbacks=[backup, *more])
        return state(gan)

    expected = train("whole")
    with pytest.raises(KeyboardInterrupt):
        train("cut", Stop(7))
    assert all(map(np.array_equal, train("cut"), expected))


SEPARATE_DEVICES = """
import tensorflow as tf
(cpu,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras

Variable = keras.Variable
initialize = Variable._initialize
def placed(self, value):  # as TensorFlow does, which has no kernel for int32 variables on a GPU
    with tf.device("CPU:1" if self._dtype == "int32" else "CPU:0"):
        return initialize(self, value)
Variable._initialize = placed

from tests.registry import CASES, CONDITIONAL, given, float_images, sgd
import keras_egan

@keras.saving.register_keras_serializable("tests")
class Counting(keras_egan.BEGAN):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.done = self.add_state("done", "int32")
    def control(self, logs):
        super().control(logs)
        self.done.assign_add(1)

import sys
for case in (case for case in [*CASES, *CONDITIONAL] if case.name in sys.argv[1:]):
    gan = case.build()
    if case.name == "began":
        gan = Counting(gan.generator, gan.discriminator)
    gan.compile(sgd(), sgd(), jit_compile=True)
    with tf.device("CPU:0"):
        gan.fit(given(gan, float_images(16)), batch_size=8, verbose=0)
        gan.evaluate(given(gan, float_images(16)), verbose=0)
    print(case.name, int(gan.step))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "names",
    [
        "began cls_gan",
        pytest.param("ebgan magan lsgan ls_gan ls_gan_classes", marks=pytest.mark.nightly),
    ],
)
def test_every_variable_of_a_step_lies_where_a_gpu_computes(names):
    """CPU:0 plays the GPU and CPU:1 the host: XLA refuses variables of another device."""
    process = subprocess.run(
        [sys.executable, "-c", SEPARATE_DEVICES, *names.split()],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr[-3000:]
    trained = [line.split() for line in process.stdout.splitlines()]
    assert trained == [[name, "2"] for name in names.split()]
