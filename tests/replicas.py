"""Trains on two devices and on one, and prints 'equal' if weights, k_t and logs agree.

Run as `python -m tests.replicas`: the devices have to be made before the backend starts.
"""

import os

import keras
import numpy as np

from tests.registry import CASES, CONDITIONAL, float_images, given, weights

BATCH, STEPS = 16, 5
MEASURED = [case for case in CASES if case.name in ("began", "ebgan", "magan", "lsgan", "ls_gan")]
MEASURED += [CONDITIONAL[0], CONDITIONAL[-1]]
FURTHER = {
    "began": {"augment": "color,translation,cutout", "updates": "one_pass"},
    "lsgan": {"gradient_penalty": 2.0, "perturbation": 0.5},
    "ls_gan": {"updates": "one_pass"},
}


def train(case, images, batch_size, **arguments):
    further = FURTHER.get(case.name, {})
    if case.name == "ebgan" and keras.backend.backend() != "jax":
        further = {"pt_weight": 0.0}  # which is taken over each device's own samples
    gan = case.build(**further)
    if case.name == "magan":  # whose margin falls where fakes have more energy than data
        images = 0.02 * images
        gan.fake_energy_before.assign(0.5)
    logs = gan.fit(
        given(gan, images), batch_size=batch_size, shuffle=False, verbose=0, **arguments
    ).history
    if case.name == "magan":
        assert float(keras.ops.convert_to_numpy(gan.margin)) < 1.0 < logs["margin"][0]
    return weights(gan), logs


def compare(case, one, other):
    (weights_one, logs_one), (weights_other, logs_other) = one, other
    for a, b in zip(weights_one, weights_other, strict=True):
        if a.shape == b.shape and np.issubdtype(a.dtype, np.floating):
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-6, err_msg=case.name)
    for name in logs_one.keys() - {"pt"}:  # each device's own, but on JAX
        values = logs_one[name]
        np.testing.assert_allclose(values, logs_other[name], rtol=2e-5, atol=1e-6, err_msg=name)


def on_jax():
    images = float_images(BATCH * STEPS)
    for case in MEASURED:
        keras.distribution.set_distribution(None)
        one = train(case, images, BATCH)
        keras.distribution.set_distribution(keras.distribution.DataParallel())
        compare(case, one, train(case, images, BATCH))


def on_tensorflow():
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    images = float_images(BATCH * STEPS - 4)  # the last batch is smaller
    # One strategy for all: each numbers its collectives anew, and they would meet those before.
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    for case in MEASURED:
        one = train(case, images, BATCH)
        with strategy.scope():
            compare(case, one, train(case, images, BATCH))


def on_torch():
    import tempfile

    import torch

    with tempfile.TemporaryDirectory() as results:
        torch.multiprocessing.spawn(process, (f"{results}/meeting", results), nprocs=2)
        images = float_images(BATCH * STEPS)
        for case in MEASURED:
            one = train(case, images, BATCH)
            for rank in range(2):
                found = np.load(f"{results}/{case.name}{rank}.npz")
                other = [found[f"w{index}"] for index in range(len(one[0]))]
                compare(case, one, (other, {name: found[name] for name in one[1]}))


def process(rank, meeting, results):
    import torch

    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{meeting}", rank=rank, world_size=2
    )
    images = float_images(BATCH * STEPS).reshape(STEPS, 2, BATCH // 2, 8, 8, 1)
    share = images[:, rank].reshape(-1, 8, 8, 1)
    for case in MEASURED:
        kept, logs = train(case, share, BATCH // 2)
        arrays = {f"w{index}": array for index, array in enumerate(kept)}
        np.savez(f"{results}/{case.name}{rank}.npz", **arrays, **logs)
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    {"jax": on_jax, "tensorflow": on_tensorflow, "torch": on_torch}[os.environ["KERAS_BACKEND"]]()
    print("equal")
