"""Normalisation of features within classes."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_egan")
class WithinClassNormalization(keras.layers.BatchNormalization):
    """Batch normalisation of the differences between features and their class's mean.

    In training, the mean is over the class's n samples in the batch and its moving mean, which
    counts as one more sample. At inference, it is the moving mean. Differences are divided by
    sqrt((n^2 + n - 1) / (n + 1)^2), the ratio of their standard deviation to that within the class,
    so that their size does not depend on n. A class's only sample in a batch keeps its features. If
    a class's samples are all alike, only noise remains, which the batch's variance scales up to the
    size of the data's differences: the noise gives such samples away.

    Args:
        num_classes: the number of classes.
        **kwargs: as in `keras.layers.BatchNormalization`.

    Source: our own.

    Example:

    ```python
    x = WithinClassNormalization(num_classes=10)([x, labels])
    ```
    """

    def __init__(self, num_classes: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.num_classes = num_classes

    def build(self, input_shape: Any) -> None:
        """Create the weights, for features of shape `(batch, n)` and labels of shape `(batch,)`."""
        features, _ = input_shape
        super().build(features)
        self.input_spec = None  # it describes features without labels
        self.class_means = self.add_weight(
            name="class_means",
            shape=(self.num_classes, features[-1]),
            initializer="zeros",
            trainable=False,
            autocast=False,
        )

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the normalised differences, a tensor in the shape and dtype of the features."""
        features, labels = inputs
        if not training:
            means = ops.cast(ops.take(self.class_means, labels, axis=0), features.dtype)
            return super().call(features - means, training=False)
        chosen = ops.expand_dims(labels, 1) == ops.arange(self.num_classes, dtype=labels.dtype)
        chosen = ops.cast(chosen, "float32")
        counts = ops.expand_dims(ops.sum(chosen, axis=0), 1)
        sums = ops.matmul(ops.transpose(chosen), ops.cast(features, "float32"))
        before = ops.convert_to_tensor(self.class_means)
        # The difference between a sample of variance 1 and the mean of n + 1 values has variance
        # (n^2 + n - 1) / (n + 1)^2.
        own = (sums + before) / (counts + 1.0)
        ones = ops.ones_like(counts)  # PyTorch would send the number 1 to the device
        scale = (counts + 1.0) * ops.rsqrt(ops.maximum(counts * (counts + 1.0) - 1.0, ones))
        own, scale = ops.matmul(chosen, own), ops.matmul(chosen, scale)
        apart = (ops.cast(features, "float32") - own) * scale
        # Last, because on PyTorch the assignment changes `before` in place.
        moved = before + (1.0 - self.momentum) * (sums / ops.maximum(counts, ones) - before)
        self.class_means.assign(ops.where(counts > 0, moved, before))
        return super().call(ops.cast(apart, features.dtype), training=True)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_classes": self.num_classes}
