"""Batches whose order is a function of the training step."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_egan import checks
from keras_egan.image_format import width_axis


class Ordered(keras.utils.PyDataset):
    """Batches whose order is a function of the seed and of the step at which a pass began.

    A training that is resumed therefore sees what it would have seen. A subclass gives
    `read(step, index)`. A copy (`copy.copy`) shares the samples with the original and has a
    position of its own, which `begin` sets: `fit` moves a copy.

    Args:
        batches: the number of batches in a pass.
        seed: the integer, 0 or more, from which all that is random is drawn.
        mirror: whether each image is mirrored, left to right, in half of the passes.
        workers: threads that read batches ahead, if more than 1.

    Raises:
        ValueError: if `seed` is below 0.
    """

    image_shape: tuple[int | None, ...] | None = None
    """The shape of one image, where it is known beforehand."""

    class_names: tuple[str, ...] | None = None
    """The names of the classes, by their labels, where they are known."""

    def __init__(self, batches: int, *, seed: int = 0, mirror: bool = False, workers: int = 1):
        checks.whole_number(0, seed=seed)
        super().__init__(workers=workers)
        self.batches = batches
        self.seed = seed
        self.mirror = mirror
        self.begin(0)

    def begin(self, step: int, done: int = 0, endless: bool = False) -> None:
        """Chooses what comes next.

        Args:
            step: the number of training steps before the pass.
            done: the number of batches of the pass to leave out.
            endless: whether to go through the samples again and again.

        Raises:
            ValueError: if a pass has fewer than `done` batches.
        """
        if endless:  # passes begin where the number of steps is a multiple of their length
            step, done = step - step % self.batches, done + step % self.batches
        elif done > self.batches:
            raise ValueError(
                f"`done` is {done}, but a pass has {self.batches} batches. Go on with the data, "
                "and the size of batches, that the training began with."
            )
        self.step, self.done, self.endless = step, done, endless

    @property
    def num_batches(self) -> int | None:
        """The number of batches to come, or None if it is endless."""
        return None if self.endless else len(self)

    def __len__(self) -> int:
        return self.batches - self.done

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        return self.share(index, slice)[0]

    def share(self, index: int, rows: Callable[[int], slice]) -> tuple[tuple[Any, ...], int]:
        """Returns some rows of a batch, in a tuple, and how many it has in all.

        `rows` is a function from the number of rows in all to the slice wanted.
        """
        if index < 0 or not (self.endless or index < len(self)):
            raise IndexError(f"batch {index} of {len(self)}")
        passes, index = divmod(self.done + index, self.batches)
        step = self.step + passes * self.batches
        batch, total = self.read_rows(step, index, rows)
        images, *labels = batch if isinstance(batch, tuple) else (batch,)
        if self.mirror:
            # Lists that differ in their zeros at the end alone would seed alike.
            draws = np.random.default_rng([self.seed, step, 1 + index])
            images = _mirrored(images, (draws.random(total) < 0.5)[rows(total)])
        return (images, *labels), total

    def read(self, step: int, index: int) -> Any:
        """Returns a batch: images, or a tuple of images and labels.

        Args:
            step: the number of training steps before the pass.
            index: the batch's number in the pass, from 0.
        """
        raise NotImplementedError

    def read_rows(self, step: int, index: int, rows: Callable[[int], slice]) -> tuple[Any, int]:
        """Returns some rows of a batch, and how many it has in all; see `share` and `read`."""
        batch = self.read(step, index)
        total = len(batch[0] if isinstance(batch, tuple) else batch)
        return keras.tree.map_structure(lambda array: array[rows(total)], batch), total


def _mirrored(images, chosen):
    images = images.copy()
    images[chosen] = np.flip(images[chosen], width_axis())
    return images
