"""BEGAN's vanishing residual."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_egan")
class VanishingResidual(keras.layers.Layer):
    """BEGAN's vanishing residual: carry * inputs + (1 - carry) * outputs.

    The carry, a saved variable, goes from 1 to 0 in equal steps. A GAN's training step advances
    it; in an exported network it is constant.

    Args:
        steps: the number of training steps in which the carry goes from 1 to 0.
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
        """Mix a block's inputs and outputs, two tensors of one shape."""
        carry = ops.cast(self.carry, outputs.dtype)
        return carry * inputs + (1.0 - carry) * outputs

    def compute_output_shape(
        self, inputs_shape: Sequence[int | None], outputs_shape: Sequence[int | None]
    ) -> Sequence[int | None]:
        return outputs_shape

    def advance(self) -> None:
        """Move the carry one training step towards 0."""
        # `carry.value` and `relu`, because on PyTorch `carry - 1 / steps` and `maximum(..., 0)`
        # would send their numbers to the device.
        self.carry.assign(ops.relu(self.carry.value - 1.0 / self.steps))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "steps": self.steps}
