"""Layers and shapes that several networks share."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_egan.image_format import channel_axis

__all__ = [
    "BY_TWO",
    "VanishingResidual",
    "WithinClassNormalization",
    "batch_normalised",
    "critic",
    "feature_shape",
    "normal",
    "split_divisible",
    "split_shape",
    "with_label",
]

LABEL_DIM = 16
"""How many numbers stand for a label beside a vector."""

BY_TWO = {"kernel_size": 4, "strides": 2, "padding": "same"}
"""Of a convolution that halves the sides, or of a transposed one that doubles them."""


@keras.saving.register_keras_serializable("keras_egan")
class VanishingResidual(keras.layers.Layer):
    """BEGAN's vanishing residual: carry * inputs + (1 - carry) * outputs.

    The carry, a saved variable, goes from 1 to 0 in equal steps. A GAN's training step advances
    it; an exported network keeps it as it is.

    Args:
        steps: how many training steps the carry takes from 1 to 0.
        **kwargs: as in `keras.layers.Layer`.

    Raises:
        ValueError: if `steps` is not above 0.

    Source: Berthelot et al., BEGAN, https://arxiv.org/abs/1703.10717, section 3.5.1.

    Example:

    ```python
    x = VanishingResidual(steps=16000)(x, keras.layers.Conv2D(64, 3, padding="same")(x))
    ```
    """

    def __init__(self, steps: float = 16000, **kwargs: Any):
        super().__init__(**kwargs)
        if not steps > 0:
            raise ValueError(f"`steps` must be above 0; got {steps!r}. The paper uses 16000.")
        self.steps = steps
        self.carry = self.add_weight(
            name="carry",
            shape=(),
            initializer="ones",
            dtype="float32",
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
        )
        self.built = True

    def call(self, inputs: Any, outputs: Any) -> Any:
        """Returns the mixture of a block's inputs and outputs, two tensors of one shape."""
        carry = ops.cast(self.carry, outputs.dtype)
        return carry * inputs + (1.0 - carry) * outputs

    def compute_output_shape(
        self, inputs_shape: Sequence[int | None], outputs_shape: Sequence[int | None]
    ) -> Sequence[int | None]:
        """Returns the shape of the outputs."""
        return outputs_shape

    def advance(self) -> None:
        """Moves the carry one training step towards 0."""
        self.carry.assign(ops.maximum(self.carry - 1.0 / self.steps, 0.0))

    def get_config(self) -> dict[str, Any]:
        """Returns the layer's arguments."""
        return {**super().get_config(), "steps": self.steps}


@keras.saving.register_keras_serializable("keras_egan")
class WithinClassNormalization(keras.layers.BatchNormalization):
    """Batch normalisation of how features differ from the mean of their class.

    In training the mean is that of the class in the batch, at inference a moving one. Samples of a
    class that are all alike differ by nothing, or by noise that is made as large as data's
    differences: either shows.

    Args:
        num_classes: how many classes there are.
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
        """Makes the weights, for features of shape `(batch, n)` and labels of shape `(batch,)`."""
        features, _ = input_shape
        super().build(features)
        self.input_spec = None  # which is of features alone
        self.class_means = self.add_weight(
            name="class_means",
            shape=(self.num_classes, features[-1]),
            initializer="zeros",
            trainable=False,
            autocast=False,
        )

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Returns the normalised differences, a tensor like the features."""
        features, labels = inputs
        if not training:
            means = ops.cast(ops.take(self.class_means, labels, axis=0), features.dtype)
            return super().call(features - means, training=False)
        chosen = ops.expand_dims(labels, 1) == ops.arange(self.num_classes, dtype=labels.dtype)
        chosen = ops.cast(chosen, "float32")
        counts = ops.expand_dims(ops.sum(chosen, axis=0), 1)
        sums = ops.matmul(ops.transpose(chosen), ops.cast(features, "float32"))
        means = sums / ops.maximum(counts, 1.0)
        before = ops.convert_to_tensor(self.class_means)
        moved = self.momentum * before + (1.0 - self.momentum) * means
        self.class_means.assign(ops.where(counts > 0, moved, before))
        own = ops.cast(ops.matmul(chosen, means), features.dtype)
        return super().call(features - own, training=True)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Returns the shape of the features."""
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        """Returns the layer's arguments."""
        return {**super().get_config(), "num_classes": self.num_classes}


def normal(stddev: float = 0.02) -> keras.Initializer:
    """Returns initial weights from N(0, stddev^2), DCGAN's by default."""
    return keras.initializers.RandomNormal(stddev=stddev)


def batch_normalised(x: Any, epsilon: float = 1e-5, **arguments: Any) -> Any:
    """Returns features, a feature map or a vector a sample, batch-normalised by channel."""
    axis = channel_axis() if len(x.shape) == 4 else -1
    arguments = {"momentum": 0.9, "epsilon": epsilon, **arguments}
    return keras.layers.BatchNormalization(axis, **arguments)(x)


def with_label(
    code: Any, x: Any, num_classes: int | None, stddev: float = 1.0, centred: bool = False
) -> tuple[Any, Any]:
    """Returns a network's inputs, and its code joined with what is learnt of a label.

    Args:
        code: the network's first input.
        x: the code, or what became of it: a vector or a feature map a sample.
        num_classes: how many classes there are; None for a network without labels.
        stddev: the size of what stands for a label at first. A generator's is small, that it may
            not take the label for the latents.
        centred: whether the code is normalised within each class.
    """
    if num_classes is None:
        return code, x
    label = keras.Input((), dtype="int32", name="label")
    if centred:
        x = WithinClassNormalization(num_classes, momentum=0.9)([x, label])
    if len(x.shape) == 2:
        return [code, label], keras.layers.Concatenate()([x, _embedded(label, num_classes, stddev)])
    axis = channel_axis()
    height, width = x.shape[2:] if axis == 1 else x.shape[1:3]
    plane = _embedded(label, num_classes, stddev, height * width)
    plane = keras.layers.Reshape(feature_shape(height, width, 1))(plane)
    return [code, label], keras.layers.Concatenate(axis=axis)([x, plane])


def critic(
    image: Any,
    features: Any,
    score: Any,
    num_classes: int | None,
    activation: str | None = None,
) -> keras.Model:
    """Returns a critic, whose score of a labelled image is of the image plus of its class.

    And of how it differs from others of its class.

    Args:
        image: the critic's input.
        features: its last features.
        score: what it makes of them, of shape `(batch, 1)`.
        num_classes: how many classes there are; None for a critic without labels.
        activation: what keeps the score within bounds, if anything.

    Source: Miyato and Koyama, cGANs with projection discriminator,
    https://arxiv.org/abs/1802.05637.
    """
    inputs = image
    if num_classes is not None:
        inputs = [image, keras.Input((), dtype="int32", name="label")]
        features = keras.layers.Flatten()(features)
        of_class = _embedded(inputs[1], num_classes, 0.02, features.shape[-1])
        of_class = keras.layers.Dot(1)([features, of_class])
        # Without this the generator makes one image a class: nothing sees that they are alike.
        x = keras.layers.Dense(32, use_bias=False)(features)
        x = WithinClassNormalization(num_classes, momentum=0.9)([x, inputs[1]])
        x = keras.layers.LeakyReLU(0.2)(keras.layers.Dense(64)(x))
        score = keras.layers.Add()([score, of_class, keras.layers.Dense(1)(x)])
    if activation:
        score = keras.layers.Activation(activation)(score)
    return keras.Model(inputs, score, name="discriminator")


def _embedded(label, num_classes, stddev, size=LABEL_DIM):
    return keras.layers.Embedding(num_classes, size, embeddings_initializer=normal(stddev))(label)


def split_shape(image_shape: Sequence[int]) -> tuple[int, int, int]:
    """Returns (height, width, channels) of an image shape in Keras's image data format.

    Raises:
        ValueError: if it has not three entries.
    """
    if len(image_shape) != 3:
        raise ValueError(
            f"`image_shape` must have three entries, such as (64, 64, 3); got {image_shape!r}. "
            "A grey image has one channel."
        )
    if channel_axis() == 1:
        channels, height, width = image_shape
    else:
        height, width, channels = image_shape
    return height, width, channels


def split_divisible(image_shape: Sequence[int], divisor: int) -> tuple[int, int, int]:
    """Returns what `split_shape` does, of sides that are divisible.

    Raises:
        ValueError: if a side is not divisible by `divisor`; as in `split_shape`.
    """
    height, width, channels = split_shape(image_shape)
    if height % divisor or width % divisor:
        larger = [-(-side // divisor) * divisor for side in (height, width)]
        raise ValueError(
            f"`image_shape` must have sides divisible by {divisor}; got {height} and {width}. "
            f"Resize or pad the images, to {larger[0]} and {larger[1]} for example."
        )
    return height, width, channels


def feature_shape(height: int, width: int, channels: int) -> tuple[int, int, int]:
    """Returns the shape of a feature map in Keras's image data format."""
    return (channels, height, width) if channel_axis() == 1 else (height, width, channels)
