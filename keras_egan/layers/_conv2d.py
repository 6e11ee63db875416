"""Convolutions that are quick on each backend."""

from typing import Any

import keras

from keras_egan import backend

__all__ = ["Conv2D"]


@keras.saving.register_keras_serializable("keras_egan")
class Conv2D(keras.layers.Conv2D):
    """Computes what `keras.layers.Conv2D` does, with the same weights and arguments.

    On JAX on a CPU a convolution with strides whose kernel is larger than its output, such as 5x5
    from 8x8 to 4x4, takes another form, because XLA is slow at the gradients of Keras's layer: they
    took 9 times as long. On other devices and backends the computation is that of Keras's layer.

    Args:
        *args: as in `keras.layers.Conv2D`.
        **kwargs: as in `keras.layers.Conv2D`.

    Source: our own.

    Example:

    ```python
    halved = Conv2D(16, 5, strides=2, padding="same")(features)
    ```
    """

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """Returns features without bias and activation, in the layer's data format."""
        if self.groups > 1 or max(self.dilation_rate) > 1:
            return super().convolution_op(inputs, kernel)
        return backend.conv(
            inputs, kernel, self.strides, self.padding, data_format=self.data_format
        )
