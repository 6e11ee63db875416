"""How long is a step of `fit()`, compared with a hand-written loop for the same backend?

All train the same networks on the same batches with Adam, in turns, so that a machine of varying
speed slows all of them: the loops of `native_loops.py`, `fit` with default settings, and `fit` in
one pass.

    KERAS_BACKEND=torch python benchmarks/step_time.py
    KERAS_BACKEND=torch python benchmarks/step_time.py --gan least_squares --network mlp \
        --network-settings '{}' --batch-size 256 --steps 200

It prints a JSON row: the median time of a step in milliseconds, its ratio to that of the loop, the
seconds of the first turn with compilation, and the peak memory that each added. `--callbacks` adds
SampleGrid and EquilibriumLogger to `fit`, and their time to its steps. `--compiled` and `--half`
add loops that are compiled and that compute in bfloat16.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
from memory import peak_memory
from native_loops import GAMMA, LAMBDA_K, LOOPS, LOSSES, MARGIN, RATE

import keras_egan
from keras_egan import callbacks, networks

GANS = {
    "began": (keras_egan.BEGAN, {"gamma": GAMMA, "lambda_k": LAMBDA_K}),
    "ebgan": (keras_egan.EBGAN, {"margin": MARGIN}),
    "least_squares": (keras_egan.LeastSquaresGAN, {}),
}

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
add = parser.add_argument
add("--gan", choices=LOSSES, default="began", help="which GAN")
add("--network", default="began", help="a function of keras_egan.networks")
add("--network-settings", type=json.loads, default={"filters": 32}, help="JSON: its arguments")
add(
    "--image-shape",
    type=int,
    nargs=3,
    default=(32, 32, 3),
    help="in the data format; not for mlp's points",
)
add("--batch-size", type=int, default=16)
add("--rounds", type=int, default=5, help="turns of each loop")
add("--steps", type=int, default=10, help="steps in a turn")
add("--callbacks", action="store_true", help="fit with SampleGrid and EquilibriumLogger")
add("--compiled", action="store_true", help="time loops that are compiled, where they are not")
add("--channels-first", action="store_true", help="images of shape (channels, height, width)")
add("--half", action="store_true", help="time fit by the policy mixed_bfloat16")
arguments = parser.parse_args()

BACKEND = keras.backend.backend()
if arguments.channels_first:
    keras.config.set_image_data_format("channels_first")
points = arguments.network == "mlp"
shape = (2,) if points else tuple(arguments.image_shape)
count = arguments.steps * arguments.batch_size
images = np.random.default_rng(0).uniform(-1, 1, (count, *shape)).astype("float32")
batches = images.reshape(arguments.steps, arguments.batch_size, *shape)


def build():
    keras.utils.set_random_seed(0)
    of_images = {} if points else {"image_shape": shape}
    return getattr(networks, arguments.network)(**of_images, **arguments.network_settings)


class Clock(keras.callbacks.Callback):
    """Time a turn except its first step; wait for the device only at both ends."""

    def on_train_batch_begin(self, batch, logs=None):
        if batch == 1:
            self.start = now(self.model.step)

    def on_epoch_end(self, epoch, logs=None):
        self.seconds = now(self.model.step) - self.start


def now(last):
    """Return the time when a number has been computed."""
    keras.ops.convert_to_numpy(last)
    return time.perf_counter()


def fit(updates, folder, jit_compile="auto", policy="float32"):
    """Return a timed turn of `fit`."""
    kind, own = GANS[arguments.gan]
    keras.config.set_dtype_policy(policy)
    gan = kind(*build(), updates=updates, **own)
    keras.config.set_dtype_policy("float32")
    gan.compile(keras.optimizers.Adam(RATE), keras.optimizers.Adam(RATE), jit_compile=jit_compile)
    clock, path = Clock(), Path(folder)
    further = []
    if arguments.callbacks:
        further.append(callbacks.EquilibriumLogger(path / f"{updates}.csv"))
        further += [] if points else [callbacks.SampleGrid(path / updates)]

    def run():
        gan.fit(
            images,
            batch_size=arguments.batch_size,
            shuffle=False,
            verbose=0,
            callbacks=[clock, *further],
        )
        return clock.seconds / (arguments.steps - 1)

    return run


def native(compiled):
    """Return a turn of the hand-written loop, timed as by `Clock`."""
    step = LOOPS[BACKEND](*build(), arguments.gan, arguments.batch_size, compiled)

    def run():
        for index, batch in enumerate(batches):
            real_energy, _ = step(batch)
            if not index:
                start = now(real_energy)
        return (now(real_energy) - start) / (arguments.steps - 1)

    return run


with tempfile.TemporaryDirectory() as folder:
    loops = {
        "native": native(False),
        "fit": fit("alternating", folder),
        "one_pass": fit("one_pass", folder),
    }
    if arguments.compiled and BACKEND != "jax":
        loops |= {"native_compiled": native(True), "fit_compiled": fit("alternating", folder, True)}
    if arguments.half:
        loops["fit_half"] = fit("alternating", folder, policy="mixed_bfloat16")
    row = {"backend": BACKEND, "gan": arguments.gan, "network": arguments.network}
    row |= {"settings": arguments.network_settings, "shape": shape, "batch": arguments.batch_size}
    for name, loop in loops.items():
        before, start = peak_memory(), time.perf_counter()
        loop()
        first = time.perf_counter() - start
        loop()
        row[name] = {"first_turn_s": round(first, 2), "peak_mib": round(peak_memory() - before)}
    times = {name: [] for name in loops}
    for _ in range(arguments.rounds):
        for name, loop in loops.items():
            times[name].append(loop())
    for name, seconds in times.items():
        row[name]["ms"] = round(1e3 * statistics.median(seconds), 3)
        row[name]["to_native"] = round(row[name]["ms"] / row["native"]["ms"], 3)
print(json.dumps(row))
