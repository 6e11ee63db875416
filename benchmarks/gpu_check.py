"""Does everything work on this machine's GPU, and how fast is it?

    KERAS_BACKEND=jax python benchmarks/gpu_check.py

It prints a row per check: passed, FAILED, or not applicable, with details. The exit code
is 1 if a check failed. Without a GPU, `--device cpu` runs the checks on the CPU, compiled as they
are on a GPU; on PyTorch, `--device simulated` on a simulated device that refuses to mix its tensors
with the CPU's. `--only` chooses checks by the names in the table.
"""

import importlib
import os
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import warnings
from contextlib import redirect_stdout
from pathlib import Path

import gpu_setup as setup  # first, because it chooses the device
import keras
import numpy as np
from flops import training_flops
from gpu_setup import (
    BACKEND,
    BATCH,
    GPU,
    HIDDEN,
    Kill,
    NotApplicableError,
    arguments,
    auto_encoder,
    build,
    classifier,
    critic,
    device,
    distance,
    expect,
    finite,
    five_steps,
    images,
    matrix_rate,
    milliseconds,
    precision,
    reported,
    timed_pair,
    weights,
)

import keras_egan
from keras_egan import callbacks, networks


def seen():
    """The backend sees the device, and Keras computes there."""
    where = device(keras.ops.zeros((1,)))
    expect(not GPU or "cpu" not in where, f"Keras computes on {where}: is the backend's CUDA here?")
    return f"{where}; {setup.card()}"


def default_fit():
    """`fit` by its defaults, with an odd last batch and validation."""
    gan = build()
    finite(gan.fit(images(100), epochs=2, validation_data=images(40), verbose=0).history)
    return f"jit_compile is {gan.jit_compile}"


def on_the_device():
    """All variables are on it: XLA refuses a step whose variables are not."""
    gan = build(generator_average=0.99, num_classes=3, pair=lambda: auto_encoder(num_classes=3))
    variables = gan.variables + gan.optimizer.variables
    off = [v.path for v in variables if GPU and "cpu" in device(v.value)]
    expect(not off, f"on the CPU: {', '.join(off)}")
    return f"{len(variables)} variables"


def trains(cls, pair=auto_encoder, classes=None, **options):
    """Return a check that a GAN trains through three epochs, each with an odd batch."""

    kinds = {"num_classes": classes} if classes else {}

    def check():
        gan = build(cls, lambda: pair(**kinds), **kinds, **options)
        data = (images(27), np.arange(27) % classes) if classes else images(27)
        finite(gan.fit(data, batch_size=10, epochs=3, verbose=0).history)
        return ", ".join(f"{name}={value}" for name, value in options.items())

    return check


def near_the_cpu():
    """Five steps of SGD change the weights as they do on the CPU, without TensorFloat-32."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.npz"
        command = [sys.executable, __file__, "--device", "cpu", "--weights", str(path)]
        subprocess.run(command, check=True, env={**os.environ, **HIDDEN})
        with np.load(path) as found:
            expected = [found[name] for name in found.files]
    apart = distance(five_steps(), expected)
    expect(apart < 1e-4, f"weights are {apart:.1e} apart")
    return f"weights are {apart:.1e} apart"


def bad_images():
    """NaN after the first batch is reported."""
    data = images(64).astype("float32") / 127.5 - 1.0
    data[40] = np.nan
    with reported():
        build().fit(data, batch_size=16, shuffle=False, verbose=0)


def too_small():
    """A last batch of one image is reported where a loss needs two."""
    with reported():
        gan = build(keras_egan.EBGAN, margin=1.0, pt_weight=0.1)
        gan.fit([images(16), images(16), images(1)], verbose=0)


def resumed():
    """A training that was killed ends where it would have, with Dropout that has no seed."""

    def pair():
        return networks.ebgan_mlp((8, 8, 1), size_g=8, size_d=8, latent_dim=4, dropout_d=0.5)

    def train(folder, *further):
        gan = build(keras_egan.EBGAN, pair, margin=1.0)
        backup = callbacks.Backup(folder, every=4)
        gan.fit(images(64), batch_size=8, epochs=2, verbose=0, callbacks=[backup, *further])
        return weights(gan)

    with tempfile.TemporaryDirectory() as folder:
        once, again = train(f"{folder}/once"), train(f"{folder}/again")
        try:
            train(f"{folder}/killed", Kill())
        except KeyboardInterrupt:
            keras.random.normal((3,))
        apart, noise = distance(train(f"{folder}/killed"), once), distance(again, once)
    expect(apart <= 10 * noise, f"{apart:.1e} apart; two uninterrupted ones are {noise:.1e} apart")
    return f"{apart:.1e} apart; two uninterrupted ones are {noise:.1e} apart"


def half(policy):
    """Return a check that a GAN trains under a policy of half precision."""

    def check():
        if BACKEND == "torch" and policy == "mixed_float16" and not GPU:
            raise NotApplicableError("PyTorch has no gradients of such convolutions on a CPU")
        with precision(policy):
            finite(build().fit(images(60), batch_size=16, epochs=2, verbose=0).history)

    return check


def used():
    """sample, energy, encode and invert, from another thread too; save and load."""
    gan = build(generator_average=0.9)
    expected, found = gan.sample(5, seed=1), []
    gan.energy(images(5)), gan.encode(images(5)), gan.invert(images(2), steps=3)
    thread = threading.Thread(target=lambda: found.append(gan.sample(5, seed=1)))
    if arguments.device != "simulated":  # which belongs to the first thread
        thread.start()
        thread.join()
        expect(found and distance(found, [expected]) < 1e-3, "a thread has other samples, or none")
    with tempfile.TemporaryDirectory() as folder:
        gan.save(f"{folder}/gan.keras")
        apart = distance([keras_egan.load(f"{folder}/gan.keras").sample(5, seed=1)], [expected])
    expect(apart < 1e-3, f"samples of the loaded GAN are {apart:.1e} apart")


def exported():
    """A SavedModel gives the same samples, which `export` compares."""
    try:
        importlib.import_module("tensorflow")
    except ImportError:
        raise NotApplicableError("TensorFlow is not installed") from None
    with tempfile.TemporaryDirectory() as folder:
        build().export(f"{folder}/generator")


def beside():
    """TensorFlow reads images without taking the GPU's memory."""
    if BACKEND == "tensorflow":
        raise NotApplicableError("TensorFlow is the backend")
    try:
        tf = keras_egan.datasets.tfds._tensorflow()  # as `datasets.load` begins, without a data set
    except ImportError:
        raise NotApplicableError("TensorFlow is not installed") from None
    expect(not tf.config.list_logical_devices("GPU"), "TensorFlow has taken the GPU")


def waits():
    """How often Python waits for the device in a step."""
    gan = build()
    gan.fit(images(32), batch_size=8, verbose=0)
    if arguments.device == "simulated":
        counts = importlib.import_module("simulated_device").counts
        counts.clear()
        gan.fit(images(320), batch_size=8, verbose=0)
        return ", ".join(f"{n / 40:.1f} {kind}" for kind, n in counts.items())
    if BACKEND != "torch" or not GPU:
        raise NotApplicableError("counted on PyTorch with CUDA, or simulated")
    import torch

    torch.cuda.set_sync_debug_mode("warn")
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        gan.fit(images(320), batch_size=8, verbose=0)
    torch.cuda.set_sync_debug_mode("default")
    return f"{len(found) / 40:.1f} per step"


def times():
    """Milliseconds per step, and the share of the speed of matrix products that a step reaches."""
    with tempfile.TemporaryDirectory() as folder:
        logger = callbacks.EquilibriumLogger(f"{folder}/log.csv")
        found = {
            "silent": milliseconds(),
            "with the bar": milliseconds(verbose=1),
            "with the logger": milliseconds(callbacks=[logger]),
            "one pass": milliseconds({"updates": "one_pass"}),
        }
    with precision("mixed_bfloat16"):
        found["in bfloat16"] = milliseconds()
    share = training_flops(*timed_pair()) * BATCH / (found["silent"] / 1e3) / matrix_rate()
    rows = ", ".join(f"{name} {ms:.2f} ms" for name, ms in found.items())
    return f"{rows}; silent, {share:.1%} of the rate of float32 matrices"


CHECKS = {
    "seen": seen,
    "default fit": default_fit,
    "on the device": on_the_device,
    "BEGAN": trains(keras_egan.BEGAN, generator_average=0.9, augment="color,translation,cutout"),
    "BEGAN, classes": trains(keras_egan.BEGAN, classes=3),
    "BEGAN-CS": trains(keras_egan.BEGANCS, updates="one_pass"),
    "EBGAN": trains(keras_egan.EBGAN, margin=1.0, pt_weight=0.1),
    "MAGAN": trains(keras_egan.MAGAN, pretrain_epochs=1),
    "LSGAN": trains(
        keras_egan.LeastSquaresGAN,
        lambda: critic(nonnegative=False, normalize_d=False),
        gradient_penalty=1.0,
        d_steps=2,
    ),
    "LS-GAN": trains(
        keras_egan.LossSensitiveGAN, critic, classes=3, slope=0.2, gradient_penalty=1.0
    ),
    "CLS-GAN": trains(keras_egan.LossSensitiveGAN, classifier, classes=3, energy="cross_entropy"),
    "near the CPU": near_the_cpu,
    "NaN": bad_images,
    "too small": too_small,
    "resumed": resumed,
    "float16": half("mixed_float16"),
    "bfloat16": half("mixed_bfloat16"),
    "used": used,
    "exported": exported,
    "beside": beside,
    "waits": waits,
    "times": times,
}


def result_of(check):
    """Return the outcome of a check, and its details."""
    try:
        with redirect_stdout(sys.stderr):  # where bars do not mix with the table
            return "passed", check() or ""
    except NotApplicableError as reason:
        return "not applicable", str(reason)
    except Exception as error:
        traceback.print_exc()
        return "FAILED", f"{type(error).__name__}: {error}".replace("\n", " ")[:300]


def main():
    if arguments.weights:
        np.savez(arguments.weights, *five_steps())
        return
    rows = []
    for name in arguments.only or CHECKS:
        start = time.perf_counter()
        result, detail = result_of(CHECKS[name])
        seconds = time.perf_counter() - start
        print(f"{name}: {result} after {seconds:.0f} s", file=sys.stderr, flush=True)
        rows.append((name, result, detail))
    print(f"\n{setup.card()}\n\n| check | result | detail |\n|---|---|---|")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    failed = [name for name, result, _ in rows if result == "FAILED"]
    if failed:
        print(f"\nFailed: {', '.join(failed)}. Report the table and the errors above it.")
        sys.exit(1)
    print("\nNo check failed. Report the table, so that docs/results can have this card.")


if __name__ == "__main__":
    main()
