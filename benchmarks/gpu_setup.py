"""The parts of `gpu_check.py`: its arguments, the device, and small GANs."""

import argparse
import os
import time
from contextlib import contextmanager
from pathlib import Path

parser = argparse.ArgumentParser(description="Does everything work on this machine's GPU?")
parser.add_argument("--device", choices=["gpu", "cpu", "simulated"], default="gpu")
parser.add_argument("--only", nargs="+", metavar="CHECK", help="run these checks alone, by name")
parser.add_argument("--weights", type=Path, help=argparse.SUPPRESS)  # for `near_the_cpu`
arguments = parser.parse_args()
HIDDEN = {"CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu", "KERAS_TORCH_DEVICE": "cpu"}
if arguments.device == "cpu":
    os.environ.update(HIDDEN)
# The check starts another process, and TensorFlow beside the backend.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
if arguments.device == "simulated":
    import simulated_device  # noqa: F401

import keras
import numpy as np

import keras_egan
from keras_egan import networks

BACKEND = keras.backend.backend()
GPU = arguments.device == "gpu"
# "auto" compiles on TensorFlow only where there is a GPU.
JIT = True if BACKEND == "tensorflow" and arguments.device == "cpu" else "auto"

SIDE, FILTERS, BATCH, STEPS, MATRIX = (64, 64, 64, 50, 8192) if GPU else (8, 2, 8, 4, 256)
"""Of the timed trainings: more than a GPU computes while Python prepares the next step."""


class NotApplicableError(Exception):
    """The check has no meaning here."""


def adam():
    return keras.optimizers.Adam(1e-4)


def images(n, side=8, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, side, side, 1), "uint8")


def critic(**options):
    return networks.loss_sensitive((8, 8, 1), filters=2, latent_dim=4, **options)


def classifier(**options):
    return critic(classifier=True, **options)


def auto_encoder(**options):
    return networks.convnet((8, 8, 1), filters=2, latent_dim=4, embedding_dim=4, **options)


def build(cls=keras_egan.BEGAN, pair=None, optimizer=adam, **options):
    """Return a compiled GAN that begins with the same weights at each call."""
    keras.utils.set_random_seed(0)
    gan = cls(*(pair or auto_encoder)(), **{"seed": 1, **options})
    gan.compile(optimizer(), optimizer(), jit_compile=JIT)
    return gan


def weights(gan):
    return [keras.ops.convert_to_numpy(variable) for variable in gan.trainable_variables]


def distance(one, other):
    return max(float(np.abs(a - b).max()) for a, b in zip(one, other, strict=True))


def device(tensor):
    return str(tensor.device).lower()


def expect(condition, message):
    if not condition:
        raise AssertionError(message)


def finite(history):
    wrong = [name for name, values in history.items() if not np.isfinite(values).all()]
    expect(not wrong, f"not finite: {', '.join(wrong)}")


@contextmanager
def precision(policy):
    """Make networks of a dtype policy."""
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy("float32")


@contextmanager
def full_precision():
    """Compute without TensorFloat-32, which rounds to ten bits on a GPU."""
    if BACKEND == "tensorflow":
        from tensorflow.config import experimental

        experimental.enable_tensor_float_32_execution(False)
        yield
        experimental.enable_tensor_float_32_execution(True)
    elif BACKEND == "jax":
        import jax

        with jax.default_matmul_precision("highest"):
            yield
    else:
        import torch

        before, torch.backends.cudnn.allow_tf32 = torch.backends.cudnn.allow_tf32, False
        yield
        torch.backends.cudnn.allow_tf32 = before


def five_steps():
    """Return the weights after five steps of SGD from the same weights everywhere."""
    with full_precision():
        gan = build(optimizer=lambda: keras.optimizers.SGD(0.05))
        for network in (gan.generator, gan.discriminator):
            given = network.get_weights()
            network.set_weights([0.1 * np.cos(np.arange(w.size)).reshape(w.shape) for w in given])
        gan.fit(images(80), batch_size=16, shuffle=False, verbose=0)
        return weights(gan)


@contextmanager
def reported():
    """Fail if no error comes, or an error about something else."""
    try:
        yield
    except Exception as error:  # TensorFlow's graphs raise an error of their own
        if not isinstance(error, ValueError) and "batch" not in str(error):
            raise
    else:
        raise AssertionError("no error")


class Kill(keras.callbacks.Callback):
    """Interrupt a training before its tenth step; has no state for a backup."""

    def get_state(self):
        return {}

    def set_state(self, state):
        pass

    def on_train_batch_begin(self, batch, logs=None):
        if self.model.fit_state.epoch_start + batch == 9:
            raise KeyboardInterrupt


def card():
    """Return the names of the device and of the versions."""
    if BACKEND == "tensorflow":
        import tensorflow as engine

        gpus = engine.config.list_physical_devices("GPU")
        details = engine.config.experimental.get_device_details
        names = [details(gpu).get("device_name", gpu.name) for gpu in gpus]
    elif BACKEND == "jax":
        import jax as engine

        names = [one.device_kind for one in engine.devices()]
    else:
        import torch as engine

        names = [engine.cuda.get_device_name(i) for i in range(engine.cuda.device_count())]
    return (
        f"{', '.join(names) or 'no GPU'}; {BACKEND} {engine.__version__}, Keras {keras.__version__}"
    )


def timed_pair():
    shape = (SIDE, SIDE, 1)
    return networks.convnet(shape, filters=FILTERS, latent_dim=64, embedding_dim=64)


def milliseconds(options=None, **fit):
    gan, fit = build(pair=timed_pair, **(options or {})), {"verbose": 0, **fit}
    data = images(BATCH * STEPS, SIDE)
    gan.fit(data[: 2 * BATCH], batch_size=BATCH, **fit)
    start = time.perf_counter()
    gan.fit(data, batch_size=BATCH, **fit)
    keras.ops.convert_to_numpy(gan.step)
    return 1e3 * (time.perf_counter() - start) / STEPS


def matrix_rate():
    """Return operations per second in float32, from ten products of large matrices."""
    matrix = keras.ops.ones((MATRIX, MATRIX)) / MATRIX
    for count in (1, 10):
        start, product = time.perf_counter(), matrix
        for _ in range(count):
            product = keras.ops.matmul(product, matrix)
        keras.ops.convert_to_numpy(product[0, 0])
    return count * 2 * MATRIX**3 / (time.perf_counter() - start)
