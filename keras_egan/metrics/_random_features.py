"""Features that need no download."""

import math

import keras
from keras import layers

from keras_egan.networks._layers import split_shape


def random_features(image_shape: tuple[int, ...], cells: int = 4) -> keras.Model:
    """Return a fixed network of random weights, from images to features, for distances.

    Its distances order the generators of one dataset. They have no published values to compare
    with. The weights are the same each time, and differ between backends.

    Args:
        image_shape: the shape of one image, in Keras's image data format.
        cells: a square image has about `cells` by `cells` cells, none smaller than 8 by 8 pixels.
            `keras_egan evaluate` uses 2.

    Returns:
        A model from images of shape `(batch, *image_shape)`, floats in [-1, 1], to features of
        shape `(batch, 128 * number of cells)`.

    Source: our own.

    Example:

    ```python
    distance = keras_egan.metrics.FrechetDistance(random_features((28, 28, 1), cells=2))
    ```
    """
    height, width, _ = split_shape(image_shape)
    side = math.ceil(min(height, width) / 8)
    layer = iter(range(10))

    def convolution(filters):
        kernel = keras.initializers.HeNormal(seed=next(layer))
        return layers.Conv2D(
            filters, 3, strides=2, padding="same", activation="relu", kernel_initializer=kernel
        )

    return keras.Sequential(
        [
            keras.Input(image_shape),
            *map(convolution, (32, 64, 128)),
            layers.AveragePooling2D(max(1, side // cells)),
            layers.Flatten(),
        ],
        name="random_features",
    )
