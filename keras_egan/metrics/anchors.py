"""A distance to held-out images, between that of real images and that of a Gaussian."""

import numpy as np

from keras_egan.metrics._sliced_wasserstein_distance import SlicedWassersteinDistance

COMPONENTS = 100
FITTED = 7000
"""The most images from which a Gaussian is computed, because their covariance is exact enough."""


class AnchoredDistance:
    """The sliced Wasserstein distance of samples to held-out images, as a share of a Gaussian's.

    The Gaussian has the mean and the first 100 principal components of the training images. It has
    their colours and their blur, and none of their shapes: a generator that learnt shapes is below
    its figure of 1. As many training images have the lowest figure that samples can be expected to
    reach, `floor`.

    Args:
        training: training images, uint8 or floats in [-1, 1], of shape `(n, *image_shape)`.
        held_out: images that are not among them, likewise; at least as many training images.
        seed: the integer, 0 or more, that fixes the Gaussian's samples and the images of the floor.

    Raises:
        ValueError: if there are fewer training images than held-out ones.
    """

    def __init__(self, training: np.ndarray, held_out: np.ndarray, seed: int = 0):
        if len(training) < len(held_out):
            raise ValueError(
                "`training` must have as many images as `held_out` or more; got "
                f"{len(training)} and {len(held_out)}."
            )
        rng = np.random.default_rng(seed)
        chosen = in_range(training[rng.permutation(len(training))[:FITTED]])
        self.count = len(held_out)
        self.held_out = in_range(held_out)
        self._metric = SlicedWassersteinDistance()
        self._metric.update_real(self.held_out)
        self.gaussian = gaussian(chosen, rng, COMPONENTS, self.count)
        self.real = chosen[: self.count].copy()  # a view would keep all of them
        self.one = self._distance(self.gaussian)
        self.floor = self(self.real)

    def __call__(self, samples: np.ndarray) -> float:
        """Return the figure of samples, floats in [-1, 1], as many as `count`."""
        return self._distance(samples) / self.one

    def _distance(self, samples) -> float:
        self._metric.reset_state()
        self._metric.update_state(samples)
        return self._metric.result()["swd"]


def in_range(images: np.ndarray) -> np.ndarray:
    """Return images as floats in [-1, 1], given uint8 or such floats."""
    return images / np.float32(127.5) - 1 if images.dtype == np.uint8 else images


def gaussian(
    images: np.ndarray, rng: np.random.Generator, components: int, count: int
) -> np.ndarray:
    """Return samples of a Gaussian in the first principal components of images in [-1, 1]."""
    flat = images.reshape(len(images), -1)
    mean = flat.mean(axis=0)
    spread, directions = _principal(flat - mean, components)
    spread = spread / np.sqrt(len(flat) - 1)
    samples = rng.normal(size=(count, len(spread))).astype("float32") * spread
    return np.clip(samples @ directions + mean, -1, 1).reshape(-1, *images.shape[1:])


def _principal(flat, components):
    """Return the first singular values and directions of a matrix, by subspace iteration.

    A whole decomposition of 7,000 images of 64x64 takes minutes, this one seconds.
    Source: Halko et al., https://arxiv.org/abs/0909.4061, algorithm 4.4.
    """
    components = min(components, *flat.shape)
    width = min(components + 20, *flat.shape)
    found = np.random.default_rng(0).normal(size=(flat.shape[1], width)).astype("float32")
    for _ in range(4):
        found, _ = np.linalg.qr(flat.T @ (flat @ found))
    _, spread, turned = np.linalg.svd(flat @ found, full_matrices=False)
    return spread[:components], (turned @ found.T)[:components]
