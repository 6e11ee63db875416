"""How much does each network compute for one image?

Prints the parameters of the generator and the discriminator, and the floating-point operations of
one image in a forward pass and in a training step. With d_steps=1, a step runs the generator once
for the discriminator's update and once for its own. It runs the discriminator on data, on fakes,
and once more for the generator's update. A gradient by weights costs as much as the forward pass,
and so does a gradient by inputs.

    python benchmarks/flops.py --image-size 64 --channels 3 --filters 8 16 32
"""

import argparse
import math
import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras

from keras_egan import layers, networks


def flops(model):
    """Return the operations of one image's forward pass; a multiply-add counts as two.

    Dense layers and convolutions count, as if borders were whole. Activations, normalisation and
    biases are few and do not count.
    """
    total = 0
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            total += flops(layer)
            continue
        if isinstance(layer, keras.layers.Dense):
            positions, kernel = layer.output.shape[1:-1], layer.kernel.shape
        elif isinstance(layer, layers.UpsampledConv2D):
            # A 2x2 convolution to four times the channels, with an output around every pixel.
            height, width = _sides(layer.input.shape, layer.data_format)
            positions, kernel = (
                (height + 1, width + 1),
                (2, 2, layer.kernel.shape[2], 4, layer.filters),
            )
        elif isinstance(layer, keras.layers.Conv2DTranspose):
            positions, kernel = _sides(layer.input.shape, layer.data_format), layer.kernel.shape
        elif isinstance(layer, keras.layers.Conv2D):
            positions, kernel = _sides(layer.output.shape, layer.data_format), layer.kernel.shape
        else:
            continue
        total += 2 * math.prod(positions) * math.prod(kernel)
    return total


def training_flops(generator, discriminator):
    """Return the operations of a training step per image of the batch."""
    # D's step: G, and D on two batches with gradients by weights and features, three times as
    # much. G's step: G with its gradients, and D with those by features alone.
    d_step = flops(generator) + 2 * 3 * flops(discriminator)
    return d_step + 3 * flops(generator) + 2 * flops(discriminator)


def _sides(shape, data_format):
    return shape[2:] if data_format == "channels_first" else shape[1:3]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--image-size", type=int, nargs="+", default=[64], help="height and width")
    parser.add_argument("--channels", type=int, default=3)
    parser.add_argument(
        "--filters", type=int, nargs="+", default=[8, 16, 32], help="of convnet and residual"
    )
    arguments = parser.parse_args()
    sides = arguments.image_size[0], arguments.image_size[-1]
    shape = (*sides, arguments.channels)
    rows = {
        "dcgan_autoencoder, 24": networks.dcgan_autoencoder(
            shape, filters=24, latent_dim=64, embedding_dim=64
        )
    }
    for n in arguments.filters:
        rows[f"convnet, {n}"] = networks.convnet(shape, filters=n)
        rows[f"convnet, {n}, critic"] = networks.convnet(shape, filters=n, embedding_dim=None)
        rows[f"residual, {n}"] = networks.residual(shape, filters=n)
    print("| | G: parameters | MFLOPs | D: parameters | MFLOPs | MFLOPs an image in training |")
    print("|---|---|---|---|---|---|")
    for name, (generator, discriminator) in rows.items():
        figures = [
            f"{network.count_params():,} | {flops(network) / 1e6:.1f}"
            for network in (generator, discriminator)
        ]
        training = training_flops(generator, discriminator) / 1e6
        print(f"| {name} | {' | '.join(figures)} | {training:.0f} |")


if __name__ == "__main__":
    main()
