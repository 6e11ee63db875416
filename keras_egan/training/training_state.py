"""The progress of a GAN's training, and the state of its random numbers."""

import random
import warnings
from typing import Any

import keras
from keras import ops

from keras_egan import backend
from keras_egan.datasets import inputs
from keras_egan.saving.state import add_variable


class TrainingState(keras.layers.Layer):
    """The part of a GAN that knows its step, the order of its images, and its seeds."""

    def __init__(self, seed: int | None = None):
        super().__init__(name="training_state", dtype="float32")
        seed = None if seed is None else seed % 2**31  # PyTorch cannot hold a larger one
        order = random.randrange(2**31) if seed is None else seed
        with backend.host():
            self.seeds = keras.random.SeedGenerator(seed)
            # Evaluation has its own seeds, because validation would otherwise change training.
            self.evaluation_seeds = keras.random.SeedGenerator(0)
        self.evaluation_start = ops.convert_to_numpy(self.evaluation_seeds.state)
        self.step = add_variable(self, "step", "int")
        self.order_seed = add_variable(self, "order_seed", "int", order)
        self.unfit = add_variable(self, "unfit", "int")
        self.too_small = add_variable(self, "too_small", "int")
        self.random_state = None
        self.built = True

    @property
    def steps_done(self) -> int:
        return int(ops.convert_to_numpy(self.step))

    def advance(self) -> None:
        _add(self.step, 1)

    def count_unfit(self, images: Any, small: Any) -> None:
        """Count invalid images and too small batches, which a compiled step cannot refuse."""
        _add(self.unfit, ops.cast(images, self.unfit.dtype))
        if ops.is_tensor(small):
            _add(self.too_small, ops.cast(small, self.too_small.dtype))

    def refuse_unfit(self, smallest_batch: int = 1, raising: bool = True) -> None:
        """Raise a `ValueError`, or warn, if invalid images or too small batches were counted."""
        images, small = (int(ops.convert_to_numpy(count)) for count in (self.unfit, self.too_small))
        found = []
        if images:
            self.unfit.assign(0)
            found.append(
                f"{images} images were NaN, infinite or outside [-1, 1], or had labels of no "
                f"class, in batches after the first. Mend the data: {inputs.SCALE_HINT}."
            )
        if small:
            self.too_small.assign(0)
            found.append(
                f"{small} batches had fewer than {smallest_batch} images. Drop them: "
                "`datasets.load(..., drop_remainder=True)`."
            )
        if found and raising:
            raise ValueError(" ".join([*found, "The weights may be damaged."]))
        if found:
            warnings.warn(" ".join(found), stacklevel=2)

    def restart_evaluation(self) -> None:
        self.evaluation_seeds.state.assign(self.evaluation_start)

    def continue_random_state(self) -> None:
        """Restore the backend's own random state, if a file held one."""
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


def _add(variable, number):
    # Uses the value, because PyTorch sends a number that Keras adds to a variable to the device.
    variable.assign(variable.value + number)
