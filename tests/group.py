"""Trains the five GANs on one device, and on several together, with callbacks that write.

Run as `python -m tests.group FOLDER KIND [INDEX COUNT ADDRESS]`, for the devices have to be made,
and the processes meet, before anything is computed. KIND is "one", "devices" (two, on JAX and
TensorFlow) or "processes" (on JAX and PyTorch). FOLDER/KIND/<gan> then holds what the callbacks
wrote, and `end<index>.npz` all variables and logs.
"""

import sys
from contextlib import nullcontext
from pathlib import Path

import keras
import numpy as np

from keras_egan import callbacks, metrics
from tests.registry import CASES, EAGERLY, float_images, state

BATCH, STEPS, EPOCHS = 16, 5, 4
NAMES = ("began", "ebgan", "magan", "lsgan", "ls_gan")
FURTHER = {
    "began": {"augment": "color,translation,cutout", "updates": "one_pass"},
    "lsgan": {"gradient_penalty": 2.0, "perturbation": 0.5},
    "ls_gan": {"updates": "one_pass"},
}


def train(name, folder, index=0, *further):
    """Trains one GAN; the last batch of its epochs leaves a device without rows, but of EBGAN."""
    (case,) = (case for case in CASES if case.name == name)
    gan = case.build(**EAGERLY, **FURTHER.get(name, {}))
    rest = 3 if name == "ebgan" else 1
    images = float_images(BATCH * (STEPS - 1) + rest)
    if name == "magan":  # whose margin falls where fakes have more energy than data
        images = 0.02 * images
        gan.fake_energy_before.assign(0.5)
    extractor = keras.Sequential([keras.Input(images.shape[1:]), keras.layers.Flatten()])
    logs = gan.fit(
        images,
        batch_size=BATCH,
        epochs=EPOCHS,
        verbose=0,
        validation_data=float_images(BATCH + rest, seed=1),
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
    logs |= gan.evaluate(images, batch_size=BATCH, verbose=0, return_dict=True)
    extra = {"energy": gan.energy(images[:3]), "sample": gan.sample(1, seed=3)}
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


def run(folder, kind, index=0, count=1, address=None):
    with scope(kind, index, count, address):
        for name in NAMES:
            (Path(folder) / kind / name).mkdir(parents=True, exist_ok=True)
            train(name, Path(folder) / kind / name, index)


if __name__ == "__main__":
    folder, kind, *place = sys.argv[1:]
    run(folder, kind, *map(int, place[:2]), *place[2:])
    print("trained")
