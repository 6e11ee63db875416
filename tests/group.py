"""Train GANs on one device, and on several together, with callbacks that write.

Each process calls `run` first. Its kind is "one", "devices" (two, on JAX and
TensorFlow) or "processes" (on JAX and PyTorch). FOLDER/KIND/<gan> then holds what the callbacks
wrote, and `end<index>.npz` all variables and logs.
"""

import os
import signal
from contextlib import contextmanager, nullcontext
from typing import ClassVar

import keras
import numpy as np

from keras_egan import callbacks, metrics
from keras_egan.training import interruption
from tests.interrupted import Stateless
from tests.registry import CASES, CONDITIONAL, float_images, given, labels_for, state

BATCH, STEPS, EPOCHS, EVERY = 16, 5, 4, 3
NAMES = (
    *("began", "ebgan", "magan", "lsgan", "ls_gan", "ralsgan", "relativistic", "cls_gan"),
    *("began_settling", "ebgan_auto", "ls_gan_auto"),
)
FURTHER = {
    "began": {"augment": "color,translation,cutout", "updates": "one_pass"},
    "lsgan": {"gradient_penalty": 2.0, "perturbation": 0.5, "r1_weight": 1.0, "penalty_stride": 2},
    "ls_gan": {"updates": "one_pass", "weight_clip": 0.2},
    "relativistic": {"augment": "auto", "penalty_stride": 2},
}


class Bytes(Stateless):
    """Count the bytes that PyTorch's processes add up in the third step."""

    sizes: ClassVar[list[int]] = []

    def __init__(self, path):
        super().__init__()
        self.path = path

    def on_train_batch_begin(self, batch, logs=None):
        if self.model.fit_state.epoch_start + batch == 2:
            self.sizes.clear()

    def on_train_batch_end(self, batch, logs=None):
        if self.model.fit_state.epoch_start + batch == 2:
            self.path.write_text(str(sum(self.sizes)))


class Kill(Stateless):
    def __init__(self, at, number):
        super().__init__()
        self.at = at
        self.number = number

    def on_train_batch_begin(self, batch, logs=None):
        if self.model.fit_state.epoch_start + batch == self.at:
            os.kill(os.getpid(), self.number)


def train(name, folder, index=0, *further):
    """Train one GAN. The last batch of an epoch leaves a device without rows, except for EBGAN."""
    (case,) = (case for case in (*CASES, *CONDITIONAL) if case.name == name)
    gan = case.build(**FURTHER.get(name, {}))
    rest = 3 if name == "ebgan" else 1
    images = float_images(BATCH * (STEPS - 1) + rest)
    if name == "magan":  # its margin falls if fakes have more energy than data
        images = 0.02 * images
        gan.fake_energy_before.assign(0.5)
    extractor = keras.Sequential([keras.Input(images.shape[1:]), keras.layers.Flatten()])
    extractor.add(keras.layers.Dense(8, kernel_initializer=keras.initializers.RandomNormal(seed=0)))
    data = given(gan, images)
    logs = gan.fit(
        data,
        batch_size=BATCH,
        epochs=EPOCHS,
        verbose=0,
        validation_data=given(gan, float_images(BATCH + rest, seed=1)),
        callbacks=[
            callbacks.SampleGrid(folder / "samples", every=7, rows=1, columns=3),
            callbacks.EvaluateSamples(images, [metrics.KernelDistance(extractor)], samples=33),
            callbacks.EquilibriumLogger(folder / "log.csv"),
            callbacks.Backup(folder / "backup", every=EVERY),
            *further,
        ],
    ).history
    if name == "magan":
        assert float(keras.ops.convert_to_numpy(gan.margin)) < 1.0 < logs["margin"][0]
    gan.save(folder / "gan.keras")
    logs |= gan.evaluate(data, batch_size=BATCH, verbose=0, return_dict=True)
    extra = {
        "energy": gan.energy(images[:3], labels=labels_for(gan, images[:3])),
        "sample": gan.sample(1, seed=3),
    }
    arrays = {f"v{number}": array for number, array in enumerate(state(gan))}
    np.savez(folder / f"end{index}.npz", **arrays, **extra, **{f"log_{k}": logs[k] for k in logs})


@contextmanager
def scope(kind, index, count, address):
    """Let the devices or processes meet before a GAN is made, and leave together."""
    backend = keras.backend.backend()
    if kind == "processes":
        with _torch(index, count, address) if backend == "torch" else _jax(index, count, address):
            yield
        return
    context = nullcontext()
    if backend == "tensorflow" and kind == "devices":
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        devices = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, devices)
        context = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope()
    elif kind == "devices":
        context = keras.distribution.DataParallel().scope()
    with context:
        yield


@contextmanager
def _torch(index, count, address):
    import torch

    place = f"tcp://{address}"
    torch.distributed.init_process_group("gloo", init_method=place, rank=index, world_size=count)
    add_up = torch.distributed.all_reduce

    def counted(tensor):
        Bytes.sizes.append(tensor.numel() * tensor.element_size())
        add_up(tensor)

    torch.distributed.all_reduce = counted
    yield
    torch.distributed.barrier()  # a process that leaves before the others may be aborted
    torch.distributed.destroy_process_group()


@contextmanager
def _jax(index, count, address):
    import jax

    keras.distribution.initialize(address, count, index)
    with keras.distribution.DataParallel().scope():
        yield
    jax.distributed.shutdown()  # it waits for the others


def run(
    folder,
    kind,
    index,
    count,
    address,
    names=NAMES,
    kill_at=None,
    victims=(),
    number=signal.SIGKILL,
):
    """Train GANs one after another; the victims get a signal before a step."""
    killers = [Kill(kill_at, number)] if index in victims else []
    interruption._SECONDS = 0.0  # so that processes agree at each of their quick steps
    with scope(kind, index, count, address):
        for name in names:
            (folder / kind / name).mkdir(parents=True, exist_ok=True)
            counter = Bytes(folder / kind / f"{name}{index}.txt")
            train(name, folder / kind / name, index, counter, *killers)
