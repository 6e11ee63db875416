"""Figures of one set of images compared with another."""

import os
from pathlib import Path

import numpy as np

from keras_egan import metrics
from keras_egan.automatic import reading
from keras_egan.automatic.build import laid_out
from keras_egan.automatic.plan import sides_for
from keras_egan.metrics.anchors import AnchoredDistance, in_range, random_features
from keras_egan.networks._layers import split_shape

MOST = 1000


def compare(samples: np.ndarray, real: np.ndarray, seed: int = 0) -> dict[str, float]:
    """Return the figures of samples compared with real images.

    Half of the real images, at most 1,000, are those to compare with; from the others come the
    Gaussian, and the images that may have been copied.

    Args:
        samples: uint8 or floats in [-1, 1], of shape `(n, *image_shape)`.
        real: likewise.
        seed: the integer, 0 or more, that fixes the halves and the random numbers.

    Returns:
        A dict: `distance`, the sliced Wasserstein distance relative to the Gaussian's; `floor`,
        that of real images; `precision` and `recall` in the features of a fixed random network;
        `copies`, the median distance of samples to the nearest of the other images, relative to
        that of real images; and `images`, the number of images compared.

    Raises:
        ValueError: if there are fewer than 8 samples or 16 real images, or their shapes differ.
    """
    if samples.shape[1:] != real.shape[1:]:
        raise ValueError(
            f"Both sets must have images of one shape; got {samples.shape[1:]} and "
            f"{real.shape[1:]}. Convert one of them."
        )
    count = min(len(samples), len(real) // 2, MOST)
    if count < 8:
        raise ValueError(
            f"A comparison needs 8 samples and 16 real images or more; got {len(samples)} and "
            f"{len(real)}."
        )
    rng = np.random.default_rng(seed)
    real = real[rng.permutation(len(real))]
    held, others = in_range(real[:count]), real[count:]
    samples = in_range(samples[rng.permutation(len(samples))[:count]])
    distance = AnchoredDistance(others, held, seed)
    cover = metrics.PrecisionRecall(random_features(samples.shape[1:]))
    cover.update_real(held)
    cover.update_state(samples)
    near, usual = (metrics.nearest(x, others, k=1).distances for x in (samples, held))
    return {
        "distance": distance(samples),
        "floor": distance.floor,
        **cover.result(),
        "copies": float(np.median(near) / max(np.median(usual), 1e-12)),
        "images": count,
    }


def images_of(source: str | os.PathLike, like: tuple[int, ...] | None = None) -> np.ndarray:
    """Return the images of a folder, or of a file of one array, in Keras's image data format.

    Args:
        source: a folder of images; a `.npy` file; or a `.npz` file, whose `images` or only array
            are taken.
        like: the shape of an image to resize a folder's to; by default it follows from them.

    Raises:
        ValueError: if `source` is neither.
    """
    path = Path(source).expanduser()
    if path.suffix in (".npy", ".npz") and path.is_file():
        return _array(np.load(path, allow_pickle=False), path)
    if not reading.is_folder(path):
        raise ValueError(
            f"{source} must be a folder of images, a .npy or .npz file of an array, or a run."
        )
    if like is None:
        return laid_out(reading.read(path, sides_for(reading.sizes_of(path), minutes=30)).images)
    height, width, channels = split_shape(like)
    return laid_out(reading.read(path, (height, width)).images[..., :channels])


def _array(loaded, path):
    if not isinstance(loaded, np.ndarray):
        names = loaded.files
        name = "images" if "images" in names else names[0]
        if name != "images" and len(names) > 1:
            raise ValueError(f"{path} must hold one array, or one named 'images'; got {names}.")
        loaded = loaded[name]
    return loaded[..., None] if loaded.ndim == 3 else loaded
