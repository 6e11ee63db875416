"""Convolutions that are fast on every backend."""

from typing import Any

import keras
from keras import ops

from keras_egan import backend


@keras.saving.register_keras_serializable("keras_egan")
class Conv2D(keras.layers.Conv2D):
    """A `keras.layers.Conv2D` that is fast on every backend, with the same weights and arguments.

    On JAX on a CPU, a strided convolution whose kernel is larger than its output, such as 5x5 from
    8x8 to 4x4, is computed in another form: XLA needs 9 times as long for the gradients of Keras's
    layer. On other devices and backends the computation is that of Keras's layer.

    Source: our own.

    Example:

    ```python
    halved = Conv2D(16, 5, strides=2, padding="same")(features)
    ```
    """

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """Return the features before bias and activation, in the layer's data format."""
        if self.groups > 1 or max(self.dilation_rate) > 1:
            return super().convolution_op(inputs, kernel)
        return backend.conv(
            inputs, kernel, self.strides, self.padding, data_format=self.data_format
        )


@keras.saving.register_keras_serializable("keras_egan")
class Conv2DTranspose(keras.layers.Conv2DTranspose):
    """A fast `keras.layers.Conv2DTranspose`, with the same weights and arguments.

    On JAX on a CPU, its gradient by the kernel is computed in another form: XLA needs 4 to 30 times
    as long for all gradients of Keras's layer at a stride of 2. On other devices and backends the
    computation is that of Keras's layer.

    Source: equinox fixed the same problem in another way,
    https://github.com/patrick-kidger/equinox/pull/1259.

    Example:

    ```python
    doubled = Conv2DTranspose(16, 4, strides=2, padding="same")(features)
    ```
    """

    def call(self, inputs: Any) -> Any:
        """Return the features, in the layer's data format."""
        if self.output_padding is not None or max(self.dilation_rate) > 1:
            return super().call(inputs)
        x = backend.conv_transpose(
            inputs, self.kernel, self.strides, self.padding, data_format=self.data_format
        )
        if self.use_bias:
            shape = (1, -1, 1, 1) if self.data_format == "channels_first" else (1, 1, 1, -1)
            x = x + ops.reshape(self.bias, shape)
        return x if self.activation is None else self.activation(x)
