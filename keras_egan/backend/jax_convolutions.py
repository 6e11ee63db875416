"""Two-dimensional convolutions in forms that XLA computes fast on a CPU, with the same results.

XLA uses the smaller of images and kernel as the kernel, and is slow at the resulting convolution.
This happens if a kernel of stride 2 is larger than its images, such as 5x5 on 4x4, and in the
gradient that JAX derives for the kernel of every transposed convolution. See
https://github.com/patrick-kidger/equinox/pull/1259. A GPU is fast at both and uses Keras's own.
"""

from collections.abc import Sequence
from typing import Any

import jax
from jax import lax
from keras import ops


def conv(
    inputs: Any, kernel: Any, strides: Sequence[int], padding: str, data_format: str
) -> jax.Array:
    """`keras.ops.conv` for images and a kernel with the same number of channels.

    If the kernel is larger than the output, it is a product with the pixels in each window.
    """
    inputs, kernel = ops.convert_to_tensor(inputs), ops.convert_to_tensor(kernel)
    first = data_format == "channels_first"
    axes = (2, 3) if first else (1, 2)
    sides, sizes = [inputs.shape[axis] for axis in axes], kernel.shape[:2]
    pads = lax.padtype_to_pads(sides, sizes, strides, padding.upper())
    lengths = [
        (side + sum(pad) - size) // stride + 1
        for side, pad, size, stride in zip(sides, pads, sizes, strides, strict=True)
    ]
    if not (_is_slow(strides) and any(a > b for a, b in zip(sizes, lengths, strict=True))):
        return ops.conv(inputs, kernel, strides, padding, data_format)
    inputs = jax.numpy.pad(inputs, _on_axes(axes, pads))

    def pixels(first_ones):
        x = inputs
        for axis, start, n, by in zip(axes, first_ones, lengths, strides, strict=True):
            x = lax.slice_in_dim(x, start, start + (n - 1) * by + 1, by, axis)
        return x

    windows = [pixels((i, j)) for i in range(sizes[0]) for j in range(sizes[1])]
    kernel = jax.numpy.reshape(kernel, (len(windows), *kernel.shape[2:]))
    formula = "pbihw,pio->bohw" if first else "pbhwi,pio->bhwo"
    return jax.numpy.einsum(formula, jax.numpy.stack(windows), kernel)


def conv_transpose(
    inputs: Any, kernel: Any, strides: Sequence[int], padding: str, data_format: str
) -> jax.Array:
    """`keras.ops.conv_transpose` for images.

    Images smaller than the kernel are padded with zeros.
    """
    inputs, kernel = ops.convert_to_tensor(inputs), ops.convert_to_tensor(kernel)
    first = data_format == "channels_first"
    axes, sizes = (2, 3) if first else (1, 2), kernel.shape[:2]
    if not _is_slow(strides):
        return ops.conv_transpose(inputs, kernel, strides, padding, data_format=data_format)
    sides = [inputs.shape[axis] for axis in axes]
    lengths = [
        side * stride if padding == "same" else (side - 1) * stride + max(size, stride)
        for side, size, stride in zip(sides, sizes, strides, strict=True)
    ]
    missing = [(0, max(0, a - b)) for a, b in zip(sizes, sides, strict=True)]

    @jax.custom_jvp
    def convolved(inputs, kernel):
        if any(n for _, n in missing):
            inputs = jax.numpy.pad(inputs, _on_axes(axes, missing))
        x = ops.conv_transpose(inputs, kernel, strides, padding, data_format=data_format)
        for axis, n in zip(axes, lengths, strict=True):
            x = lax.slice_in_dim(x, 0, n, axis=axis)
        return x

    # The same result with the kernel in the place of the images. From it JAX derives another
    # gradient by the kernel: that of the transposed convolution here. Reverse mode computes only
    # this gradient.
    def by_kernel(inputs, kernel):
        pads = []
        for side, size, n, by in zip(sides, sizes, lengths, strides, strict=True):
            cut = max(size - by, 0) // 2 if padding == "same" else 0
            pads.append((by * (side - 1) - cut, n - size + cut))
        specs = ("HWNC", "OIHW", "CNHW") if first else ("HWNC", "OHWI", "CHWN")
        flipped = lax.rev(inputs, axes)
        return lax.conv_general_dilated(
            kernel, flipped, (1, 1), pads, rhs_dilation=strides, dimension_numbers=specs
        )

    @convolved.defjvp
    def tangent(primals, tangents):
        inputs, kernel = primals
        change = convolved(tangents[0], kernel) + by_kernel(inputs, tangents[1])
        return convolved(inputs, kernel), change

    return convolved(inputs, kernel)


def _is_slow(strides):
    return max(strides) > 1 and jax.default_backend() == "cpu"


def _on_axes(axes, pairs):
    """Return one pair per axis of the images: those of `axes`, and (0, 0) for the others."""
    return [dict(zip(axes, pairs, strict=True)).get(axis, (0, 0)) for axis in range(4)]
