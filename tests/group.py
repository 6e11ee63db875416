"""Trains the five GANs on one device, and on several together, with callbacks that write.

Run as `python -m tests.group FOLDER KIND [INDEX COUNT ADDRESS [KILL_AT]]`, for the devices have to
be made, and the processes meet, first of all. KIND is "one", "devices" (two, on JAX and
TensorFlow) or "processes" (on JAX and PyTorch). FOLDER/KIND/<gan> then holds what the callbacks
wrote, and `end<index>.npz` all variables and logs. With KILL_AT, BEGAN alone is trained, and the
last of the processes killed before that step; 0 is never.
"""

import os
import signal
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import ClassVar

import keras
import numpy as np

from keras_egan import callbacks, metrics
from tests.registry import CASES, CONDITIONAL, EAGERLY, float_images, given, labels_for, state

BATCH, STEPS, EPOCHS = 16, 5, 4
NAMES = ("began", "ebgan", "magan", "lsgan", "ls_gan", "cls_gan")
FURTHER = {
    "began": {"augment": "color,translation,cutout", "updates": "one_pass"},
    "lsgan": {"gradient_penalty": 2.0, "perturbation": 0.5},
    "ls_gan": {"updates": "one_pass"},
}


class Bytes(keras.callbacks.Callback):
    """Counts what PyTorch's processes add up in the third step."""

    sizes: ClassVar[list[int]] = []

    def __init__(self, path):
        super().__init__()
        self.path = path

    def on_train_batch_begin(self, batch, logs=None):
        if self.model.epoch_start + batch == 2:
            self.sizes.clear()

    def on_train_batch_end(self, batch, logs=None):
        if self.model.epoch_start + batch == 2:
            self.path.write_text(str(sum(self.sizes)))


class Kill(keras.callbacks.Callback):
    def __init__(self, at):
        super().__init__()
        self.at = at

    def on_train_batch_begin(self, batch, logs=None):
        if self.model.epoch_start + batch == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


def train(name, folder, index=0, *further):
    """Trains one GAN; the last batch of its epochs leaves a device without rows, but of EBGAN."""
    (case,) = (case for case in (*CASES, *CONDITIONAL) if case.name == name)
    gan = case.build(**EAGERLY, **FURTHER.get(name, {}))
    rest = 3 if name == "ebgan" else 1
    images = float_images(BATCH * (STEPS - 1) + rest)
    if name == "magan":  # whose margin falls where fakes have more energy than data
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
            callbacks.GenerativeMetrics(images, [metrics.KernelDistance(extractor)], samples=33),
            callbacks.EquilibriumLogger(folder / "log.csv"),
            callbacks.Backup(folder / "backup", every=3),
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


def scope(kind, index, count, address):
    """Has the devices or processes meet, and returns the context to make a GAN in."""
    backend = keras.backend.backend()
    if backend == "torch" and kind == "processes":
        import torch

        torch.distributed.init_process_group(
            "gloo", init_method=f"tcp://{address}", rank=index, world_size=count
        )
        add_up = torch.distributed.all_reduce

        def counted(tensor):
            Bytes.sizes.append(tensor.numel() * tensor.element_size())
            add_up(tensor)

        torch.distributed.all_reduce = counted
    if backend == "tensorflow" and kind == "devices":
        import tensorflow as tf

        cpu = tf.config.list_physical_devices("CPU")[0]
        devices = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, devices)
        return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope()
    if backend == "jax" and kind != "one":
        if kind == "processes":
            keras.distribution.initialize(address, count, index)
        return keras.distribution.DataParallel().scope()
    return nullcontext()


def run(folder, kind, index=0, count=1, address=None, kill_at=None):
    killers = [Kill(kill_at)] if kill_at and index == count - 1 else []
    with scope(kind, index, count, address):
        for name in NAMES[: 1 if kill_at is not None else None]:
            (Path(folder) / kind / name).mkdir(parents=True, exist_ok=True)
            counter = Bytes(Path(folder) / kind / f"{name}{index}.txt")
            train(name, Path(folder) / kind / name, index, counter, *killers)
    if keras.backend.backend() == "torch" and kind == "processes":
        import torch

        torch.distributed.barrier()  # who leaves before the others may be aborted
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    folder, kind, *place = sys.argv[1:]
    run(folder, kind, *map(int, place[:2]), *place[2:3], *map(int, place[3:]))
    print("trained")
