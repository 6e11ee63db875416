"""Convolutions on JAX, written so that XLA computes them quickly on a CPU: the same numbers."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax

__all__ = ["quick_convolutions"]

_BY_KERAS = {"rhs_dilation", "dimension_numbers", "feature_group_count"}
_one_thread = threading.RLock()
"""Held while functions of JAX are replaced, or two threads would restore each other's."""


@contextmanager
def quick_convolutions() -> Iterator[None]:
    """Has what Keras calls be quick for a while, in whatever is traced.

    XLA exchanges the kernel and the images where the images are the smaller, and has no quick way
    to compute what comes of it on a CPU. That happens where a kernel of stride 2 is larger than the
    images, 5x5 on 4x4 say, and by a form that JAX derives in every gradient of a transposed
    convolution by its kernel. A graphics processor has quick ways, and is left alone.
    """
    with _one_thread:
        originals = jax.lax.conv_general_dilated, jax.lax.conv_transpose
        if jax.default_backend() == "cpu":
            jax.lax.conv_general_dilated = _convolution(originals[0])
            jax.lax.conv_transpose = _with_gradient_of_kernel(_transposed(originals[1]))
        try:
            yield
        finally:
            jax.lax.conv_general_dilated, jax.lax.conv_transpose = originals


def _convolution(original):
    def conv_general_dilated(lhs, rhs, window_strides, padding, *args, **kwargs):
        strides, numbers = window_strides, kwargs.get("dimension_numbers")
        if args or not kwargs.keys() <= _BY_KERAS or not _has_strides(strides, numbers):
            return original(lhs, rhs, strides, padding, *args, **kwargs)
        axes = numbers.lhs_spec[2:]
        sizes = [rhs.shape[axis] for axis in numbers.rhs_spec[2:]]
        dilation = kwargs.get("rhs_dilation") or [1] * len(sizes)
        windows = [1 + (size - 1) * by for size, by in zip(sizes, dilation, strict=True)]
        if isinstance(padding, str):
            lengths = [lhs.shape[axis] for axis in axes]
            padding = jax.lax.padtype_to_pads(lengths, windows, strides, padding)
        lengths = [
            (lhs.shape[axis] + sum(pads) - window) // stride + 1
            for axis, pads, window, stride in zip(axes, padding, windows, strides, strict=True)
        ]
        missing = _missing(sizes, lengths)
        more = [stride * n for stride, n in zip(strides, missing, strict=True)]
        result = original(_extended(lhs, axes, more), rhs, strides, padding, **kwargs)
        for axis, length in zip(numbers.out_spec[2:], lengths, strict=True):
            result = jax.lax.slice_in_dim(result, 0, length, axis=axis)
        return result

    return conv_general_dilated


def _transposed(original):
    def conv_transpose(lhs, rhs, strides, padding, *args, **kwargs):
        numbers = kwargs.get("dimension_numbers")
        if _has_strides(strides, numbers) and not isinstance(padding, str):
            axes = numbers.lhs_spec[2:]
            sizes = [rhs.shape[axis] for axis in numbers.rhs_spec[2:]]
            missing = _missing(sizes, [lhs.shape[axis] for axis in axes])
            lhs = _extended(lhs, axes, missing)
            padding = [
                (low, high - stride * n)
                for (low, high), stride, n in zip(padding, strides, missing, strict=True)
            ]
        return original(lhs, rhs, strides, padding, *args, **kwargs)

    return conv_transpose


def _has_strides(strides, numbers):
    return isinstance(numbers, jax.lax.ConvDimensionNumbers) and max(strides) > 1


def _missing(sizes, lengths):
    """Returns by how much a kernel is larger than images, on each axis."""
    return [max(0, size - length) for size, length in zip(sizes, lengths, strict=True)]


def _extended(images, axes, more):
    """Returns images with zeros after their ends."""
    widths = [(0, 0, 0)] * images.ndim
    for axis, n in zip(axes, more, strict=True):
        widths[axis] = (0, n, 0)
    return jax.lax.pad(images, jax.numpy.zeros((), images.dtype), widths) if any(more) else images


def _with_gradient_of_kernel(original: Callable[..., Any]) -> Callable[..., Any]:
    """Returns the transposed convolution with another way to its gradient by the kernel.

    It is the gradient by the kernel of the convolution which this one transposes, and which gives
    the gradient by the images.
    """

    def conv_transpose(lhs, rhs, *args, **kwargs):
        def convolve(lhs, rhs):
            return original(lhs, rhs, *args, **kwargs)

        def forward(lhs, rhs):
            return convolve(lhs, rhs), (lhs, rhs)

        def backward(kept, gradient):
            lhs, rhs = kept

            def transposed(rhs):
                (result,) = jax.linear_transpose(lambda x: convolve(x, rhs), lhs)(gradient)
                return result

            of_lhs, pull_back = jax.vjp(transposed, rhs)
            return of_lhs, *pull_back(lhs)

        convolution = jax.custom_vjp(convolve)
        convolution.defvjp(forward, backward)
        return convolution(lhs, rhs)

    return conv_transpose
