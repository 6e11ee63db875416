"""The usual extractor for colour images."""

import keras

from keras_egan.image_format import feature_shape


def inception_v3(include_top: bool = False, weights: str | None = "imagenet") -> keras.Model:
    """Returns InceptionV3 as an extractor for colour images in [-1, 1], of any size.

    Its first layer resizes the images to 299x299, bilinearly; InceptionV3's own range is [-1, 1].
    The weights, of some 90 MB, are downloaded at the first call and kept in Keras's cache.

    Distances of these features are not comparable with published FIDs and KIDs, whose network is
    `inception_2015`.

    Args:
        include_top: whether to return the 1,000 classes' probabilities, for `InceptionScore`,
            instead of the 2,048 features.
        weights: `"imagenet"`, a path to a file of weights, or None for random ones.

    Returns:
        A Keras model from images in Keras's image data format, `(batch, height, width, 3)` or with
        the channels first, to features `(batch, 2048)` or probabilities `(batch, 1000)`.

    Source: Szegedy et al., Rethinking the Inception architecture for computer vision,
    https://arxiv.org/abs/1512.00567.

    Example:

    ```python
    extractor = inception_v3()
    metrics = [FrechetDistance(extractor), KernelDistance(extractor)]
    ```
    """
    network = keras.applications.InceptionV3(
        include_top=include_top,
        weights=weights,
        input_shape=feature_shape(299, 299, 3),
        pooling="avg",
    )
    images = keras.Input(feature_shape(None, None, 3), name="images")
    return keras.Model(images, network(keras.layers.Resizing(299, 299)(images)))
