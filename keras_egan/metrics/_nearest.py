"""The real images nearest to samples: are samples new or memorized?"""

from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_egan import checks
from keras_egan.datasets.examples import batches_of
from keras_egan.datasets.inputs import scale
from keras_egan.datasets.loaders import as_numpy
from keras_egan.metrics._generative_metric import GenerativeMetric
from keras_egan.metrics.streams import squared_distances


class Neighbors(NamedTuple):
    """The result of `nearest` for n samples.

    Attributes:
        indices: the images' indices in the data, integers of shape `(n, k)`, nearest first.
        distances: the distances, float64 of shape `(n, k)`.
        rows: samples and their neighbours, float32 of shape `(n, 1 + k, *image_shape)`, for
            `pictures.save_grid`.
    """

    indices: np.ndarray
    distances: np.ndarray
    rows: np.ndarray


def nearest(
    samples: Any,
    images: Any,
    k: int = 5,
    extractor: keras.Model | None = None,
    batch_size: int = 1000,
) -> Neighbors:
    """Find the images of the data that are nearest to each sample.

    If a generator has memorized its data, each sample is much nearer to one image of the data than
    held-out images are.

    Args:
        samples: images of shape `(n, *image_shape)`, uint8 or floats in [-1, 1]; or vectors.
        images: the data, in any form that `fit` takes, read once. If the order changes with each
            pass, `indices` are meaningless.
        k: number of neighbours to find, 1 or more.
        extractor: a Keras model from images to vectors. Distances are Euclidean between these
            vectors, by default between the images' values.
        batch_size: number of images per forward pass of the extractor, and per slice of an array.

    Raises:
        ValueError: if there are fewer than `k` images, or an argument is out of its range; if
            samples or images are NaN, infinite or out of range, or their shapes differ.

    Example:

    ```python
    found = metrics.nearest(gan.sample(8, seed=7), training_images)
    pictures.save_grid("nearest.png", found.rows)
    of_held_out = metrics.nearest(test_images, training_images, k=1).distances
    ```
    """
    checks.whole_number(1, k=k, batch_size=batch_size)
    samples = as_numpy(samples)
    space = GenerativeMetric(extractor or keras.Sequential([keras.layers.Flatten()]))
    vectors = space.extract(samples, batch_size)
    distances = np.zeros((len(samples), 0))
    indices = np.zeros((len(samples), 0), "int64")
    kept: dict[int, np.ndarray] = {}
    seen = 0
    batches = batches_of(images, samples.shape[1:], batch_size, "images")
    for batch in (as_numpy(images) for (images,) in batches):
        blocks = squared_distances(vectors, space.extract(batch, batch_size))
        found = np.concatenate([block for _, block in blocks])
        places = np.broadcast_to(np.arange(seen, seen + len(batch)), found.shape)
        distances = np.concatenate([distances, found], axis=1)
        indices = np.concatenate([indices, places], axis=1)
        order = np.argsort(distances, axis=1, kind="stable")[:, :k]
        distances, indices = (np.take_along_axis(of, order, axis=1) for of in (distances, indices))
        chosen = map(int, np.unique(indices))
        kept = {i: kept[i] if i in kept else _floats(batch[i - seen]) for i in chosen}
        seen += len(batch)
    if seen < k:
        raise ValueError(f"`k` must be at most the number of images, {seen}; got {k}.")
    rows = [[_floats(one), *map(kept.get, own)] for one, own in zip(samples, indices, strict=True)]
    return Neighbors(indices, np.sqrt(distances), np.array(rows))


def _floats(image):
    return ops.convert_to_numpy(scale(image[None], image.shape))[0]
