"""When is a second machine worth it? Computes what a training step exchanges, and how long.

Takes the networks of the papers of BEGAN, EBGAN, MAGAN (for 28x28 only), LSGAN and LS-GAN. Prints
the bytes that devices must add up per step, and the speed-up of several devices over one, for links
of given speeds and a given time of a step on one device:

    python benchmarks/exchange.py --step-seconds 0.2 --batch-size 64

A ring of n devices that adds up S bytes sends and receives 2 (n - 1) / n S on each. Nothing
overlaps with computing, as on PyTorch. `--latency` is the time until a message begins.
"""

import argparse
import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np

LINKS = {"1 Gbit/s": 0.125e9, "10 Gbit/s": 1.25e9, "100 Gbit/s": 12.5e9, "NVLink": 300e9}
DEVICES = (2, 4, 8)
MESSAGES = 5
"""In a step: the sizes of shares, both networks' gradients, statistics, and the figures."""


def exchanged(gan, batch_size, d_steps=1):
    """Return the bytes that a step of `updates="alternating"` adds up over all devices.

    4 (d P_D + P_G + M + F + 1) + 8 N s, where P counts the trainable weights, d is `d_steps`, M
    counts the moving statistics of batch normalisation, and F the logged metrics. For EBGAN's
    pulling-away term, N is the global batch and s the length of an embedding; embeddings go out,
    and their gradients come back. On JAX, batch normalisation exchanges its layers' moments
    instead of M.
    """
    d_weights, g_weights = (
        sum(int(np.prod(v.shape)) for v in network.trainable_variables)
        for network in (gan.discriminator, gan.generator)
    )
    layers = [
        layer
        for layer in gan._flatten_layers()
        if isinstance(layer, keras.layers.BatchNormalization)
    ]
    moving = sum(int(np.prod(v.shape)) for layer in layers for v in layer.non_trainable_variables)
    figures = len(gan._running_means.names)
    numbers = d_steps * d_weights + g_weights + moving + figures + 1
    return 4 * numbers + 8 * batch_size * embedding(gan)


def embedding(gan):
    """Return the length of the embedding that the pulling-away term exchanges per fake."""
    if "pt" not in gan._running_means.names:
        return 0
    return int(np.prod(gan.discriminator.encoder.output_shape[1:]))


def seconds(step, devices, size, speed, latency):
    ring = 2 * (devices - 1) / devices * size / speed
    return step / devices + ring + MESSAGES * latency


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--step-seconds", type=float, default=0.2, help="on one device")
    parser.add_argument("--batch-size", type=int, default=64, help="of all devices")
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--latency", type=float, default=1e-4, help="seconds a message")
    arguments = parser.parse_args()
    from keras_egan import presets

    print("| GAN | MB per step | link | " + " | ".join(f"{n} devices" for n in DEVICES) + " |")
    print("|---|---|---|" + "---|" * len(DEVICES))
    for name in ("began", "ebgan", "magan", "least_squares", "loss_sensitive"):
        side = arguments.image_size
        gan = presets.build(f"{name}/paper", None if name == "magan" else (side, side, 3))
        size = exchanged(gan, arguments.batch_size)
        for link, speed in LINKS.items():
            times = [
                seconds(arguments.step_seconds, n, size, speed, arguments.latency) for n in DEVICES
            ]
            gains = " | ".join(f"{arguments.step_seconds / time:.2f}" for time in times)
            print(f"| {name} | {size / 1e6:.1f} | {link} | {gains} |")


if __name__ == "__main__":
    main()
