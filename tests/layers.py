"""Keras's layers in NumPy: channels last, in inference mode."""

import keras
import numpy as np


class Layers:
    """Apply layers one after the other, each with a network's next weights."""

    def __init__(self, network):
        self._weights = iter([weight.astype("float64") for weight in network.get_weights()])

    def dense(self, x, bias=True):
        y = x.reshape(len(x), -1) @ next(self._weights)
        return y + next(self._weights) if bias else y

    def conv(self, x, strides=1, bias=True, padding="same"):
        """Pad as TensorFlow does: if the padding is odd, the extra pixel comes last."""
        kernel = next(self._weights)
        size = len(kernel)
        if padding == "same":
            totals = [max((-(-n // strides) - 1) * strides + size - n, 0) for n in x.shape[1:3]]
            x = np.pad(x, ((0, 0), *((total // 2, total - total // 2) for total in totals), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))
        y = np.einsum("nhwcij,ijcd->nhwd", windows[:, ::strides, ::strides], kernel, optimize=True)
        return y + next(self._weights) if bias else y

    def transposed(self, x, strides=2, bias=True, padding="same"):
        """Add the kernel at points `strides` apart, and crop the overhang: half of it, rounded
        down, before the first pixel.
        """
        kernel = next(self._weights)
        size, (height, width) = len(kernel), x.shape[1:3]
        sides = [(side - 1) * strides + size for side in (height, width)]
        y = np.zeros((len(x), *sides, kernel.shape[2]))
        for i, j in np.ndindex(size, size):
            y[:, i : i + height * strides : strides, j : j + width * strides : strides] += (
                x @ kernel[i, j].T
            )
        if padding == "same":
            first = (size - strides) // 2
            y = y[:, first : first + height * strides, first : first + width * strides]
        return y + next(self._weights) if bias else y

    def norm(self, x, epsilon=1e-5):
        """Normalise by the moving statistics."""
        gamma, beta, mean, variance = (next(self._weights) for _ in range(4))
        return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta

    def residual(self, inputs, outputs):
        carry = next(self._weights)
        return carry * inputs + (1 - carry) * outputs

    def finished(self):
        """Return whether all weights were used."""
        return next(self._weights, None) is None


def relu(x):
    return np.maximum(x, 0.0)


def leaky(x, slope=0.2):
    return np.where(x > 0.0, x, slope * x)


def elu(x):
    return np.where(x > 0.0, x, np.expm1(np.minimum(x, 0.0)))


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def halved(x):
    """Return images of half the sides, rounded up, with each 2x2 block's pixels as channels."""
    x = np.pad(x, ((0, 0), (0, x.shape[1] % 2), (0, x.shape[2] % 2), (0, 0)))
    return np.concatenate([x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)], axis=-1)


def doubled(x):
    """Return images of twice the sides, by nearest neighbours."""
    return x.repeat(2, axis=1).repeat(2, axis=2)


def interpolated(x):
    """Return images of twice the sides, by bilinear interpolation, with the edges repeated."""
    for axis in (1, 2):
        x = np.moveaxis(x, axis, 0)
        before, after = np.concatenate([x[:1], x[:-1]]), np.concatenate([x[1:], x[-1:]])
        pairs = np.stack([0.25 * before + 0.75 * x, 0.75 * x + 0.25 * after], axis=1)
        x = np.moveaxis(pairs.reshape(-1, *x.shape[1:]), 0, axis)
    return x


def randomise(network, seed=0):
    """Give a network weights that keep activations of the order of 1.

    Moving variances are so small that a normalisation's epsilon matters.
    """
    rng = np.random.default_rng(seed)

    def draw(weight):
        shape = weight.shape
        if weight.name == "kernel":
            fan_in = np.prod(shape[:-1])
            if "transpose" in weight.path:  # of stride 2, with the outputs before the inputs
                fan_in = np.prod(shape) / shape[-2] / 4
            return rng.normal(0.0, (2.0 / fan_in) ** 0.5, shape)
        if weight.name == "gamma":
            return rng.uniform(0.02, 0.05, shape)
        if weight.name == "moving_variance":
            return rng.uniform(5e-4, 2e-3, shape)
        if weight.name == "carry":
            return np.float32(0.3)
        return rng.normal(0.0, 0.1, shape)

    network.set_weights([draw(weight) for weight in network.weights])


def start_from_zeros(monkeypatch):
    """Draw no initial weights, because JAX compiles each initializer for each shape."""
    names = ("GlorotUniform", "HeNormal", "RandomNormal", "TruncatedNormal")
    for initializer in (getattr(keras.initializers, name) for name in names):
        monkeypatch.setattr(initializer, "__call__", lambda self, shape, dtype: np.zeros(shape))


def check_forward(network, forward, tolerance=1e-4):
    """Compare a network with random weights with `forward(layers, inputs)`."""
    randomise(network)
    shape = (3, *network.input_shape[1:])
    inputs = np.random.default_rng(1).normal(size=shape).astype("float32")
    layers = Layers(network)
    expected = forward(layers, inputs.astype("float64"))
    assert layers.finished()
    assert expected.std() > 0.02  # neither dead nor saturated
    found = keras.ops.convert_to_numpy(network(inputs, training=False))
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def dcgan_generator(layers, x, scales, bias=False):
    """From 1x1: to 4x4, then doubled, with batch normalisation and ReLU."""
    x = layers.transposed(x, strides=1, bias=False, padding="valid")
    for _ in range(scales - 1):
        x = layers.transposed(relu(layers.norm(x)), bias=False)
    return np.tanh(layers.transposed(relu(layers.norm(x)), bias=bias))


def small_generator(layers, z, grid):
    """`dcgan_autoencoder`'s: two dense layers, then doubled twice; `grid` is the smallest size."""
    x = small_dense(layers, small_dense(layers, z)).reshape(-1, *grid)
    x = layers.transposed(x, bias=False)
    return small_image(layers, relu(layers.norm(x, epsilon=1e-3)))


def small_dense(layers, x):
    return relu(layers.norm(layers.dense(x, bias=False), epsilon=1e-3))


def small_image(layers, x):
    return 2.0 * sigmoid(layers.transposed(x)) - 1.0


def within_classes(x, labels, state, momentum=0.9, epsilon=1e-3):
    """Return the output of `WithinClassNormalization` in training, sample by sample.

    Also return its class means, moving mean and moving variance; `state` holds those before.
    """
    class_means, mean, variance = state
    moved = class_means.copy()
    apart = np.zeros_like(x)
    for i, label in enumerate(labels):
        own = x[labels == label]
        n = len(own)
        moved[label] = momentum * class_means[label] + (1.0 - momentum) * own.mean(axis=0)
        # x_i has variance 1. Less the mean of n samples and the class mean, it is a sum of n + 1
        # shares: its own of n / (n + 1), and the others of 1 / (n + 1).
        share = (n / (n + 1)) ** 2 + (n - 1) / (n + 1) ** 2
        apart[i] = (x[i] - (own.sum(axis=0) + class_means[label]) / (n + 1)) / np.sqrt(share)
    y = (apart - apart.mean(axis=0)) / np.sqrt(apart.var(axis=0) + epsilon)
    mean = momentum * mean + (1.0 - momentum) * apart.mean(axis=0)
    variance = momentum * variance + (1.0 - momentum) * apart.var(axis=0)
    return y, (moved, mean, variance)
