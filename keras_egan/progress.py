"""How far a GAN's training has come, and where its random numbers are."""

import random
import warnings
from typing import Any

import keras
from keras import ops

from keras_egan import backend, inputs

__all__ = ["Progress"]


class Progress(keras.layers.Layer):
    """The part of a GAN that knows its step, the order of its images, and its seeds.

    Args:
        seed: an integer from which the latents and the order of the images are drawn; None for
            another one each time.

    Example:

    ```python
    progress = Progress(seed=0)
    progress.advance()
    progress.step  # a variable, now 1
    ```
    """

    def __init__(self, seed: int | None = None):
        super().__init__(name="progress", dtype="float32")
        order = random.randrange(2**31) if seed is None else seed % 2**31
        self.latents = keras.random.SeedGenerator(seed)
        # Evaluation draws from a generator of its own, or validation would change training.
        self.evaluation = keras.random.SeedGenerator(0)
        self.evaluation_start = ops.convert_to_numpy(self.evaluation.state)
        self.step = self._count("step")
        self.order_seed = self._count("order_seed", order)
        self.unfit = self._count("unfit")
        self.random_state = None
        self.built = True

    def _count(self, name, initial=0):
        return self.add_weight(
            name=name,
            shape=(),
            initializer=keras.initializers.Constant(initial),
            dtype="int32",
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
        )

    @property
    def steps_done(self) -> int:
        """How many training steps were done."""
        return int(ops.convert_to_numpy(self.step))

    def advance(self) -> None:
        """Counts a training step."""
        self.step.assign_add(1)

    def count_unfit(self, number: Any) -> None:
        """Counts images that should not have come, a scalar; see `batch.unfit_rows`."""
        self.unfit.assign_add(ops.cast(number, "int32"))

    def refuse_unfit(self, raising: bool = True) -> None:
        """Raises a `ValueError`, or else warns, if images have come that should not have."""
        number = int(ops.convert_to_numpy(self.unfit))
        if not number:
            return
        self.unfit.assign(0)
        message = (
            f"{number} images were NaN, infinite or outside [-1, 1], or their labels of no class, "
            f"in batches after the first, and may have spoilt the weights. Mend the "
            f"data: {inputs.SCALE_HINT}."
        )
        if raising:
            raise ValueError(message)
        warnings.warn(message, stacklevel=2)

    def restart_evaluation(self) -> None:
        """Starts the latents of evaluation anew."""
        self.evaluation.state.assign(self.evaluation_start)

    def continue_random_state(self) -> None:
        """Sets the backend's own random numbers, if a file held where they were."""
        if self.random_state is not None:
            backend.set_random_state(self.random_state)
            self.random_state = None

    def save_own_variables(self, store: Any) -> None:
        for variable in (self.step, self.order_seed):
            store[variable.name] = ops.convert_to_numpy(variable)
        state = backend.random_state()
        if state is not None:
            store["random_state"] = state

    def load_own_variables(self, store: Any) -> None:
        for variable in (self.step, self.order_seed):
            variable.assign(store[variable.name])
        found = "random_state" in set(store.keys())
        self.random_state = store["random_state"][...] if found else None
