"""The labels of a conditional GAN: data's are checked and counted, samples' are drawn."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_egan import checks
from keras_egan.backend import distributed
from keras_egan.datasets.loaders import check_labels, described
from keras_egan.saving.state import add_variable

UNLABELED = -1
"""The label of an image whose class is unknown, if a GAN can learn from such images."""


def with_labels(inputs: Any, labels: Any) -> Any:
    """Return a network's argument: its inputs, or a list of its inputs and their labels."""
    return inputs if labels is None else [inputs, labels]


class Labels(keras.layers.Layer):
    """The part of a conditional GAN that knows its classes, and how often each has occurred.

    With `unlabeled`, the label -1 marks an image without one.
    """

    def __init__(self, num_classes: int, unlabeled: bool = False):
        super().__init__(name="labels", dtype="float32")
        self.num_classes = int(num_classes)
        self.classes = range(UNLABELED if unlabeled else 0, self.num_classes)
        self.counts = add_variable(self, "counts", "int", shape=(self.num_classes,))
        self.built = True

    def received(self, data: Any, rows: Any) -> tuple[Any, Any]:
        """Return the `BatchShard` with the labels of data, and a tensor that marks invalid labels.

        The mark is 1 for a label of no class, 0 for others. A fake has the label of data, or a
        drawn one if data has none.
        """
        labels = distributed.nonempty(ops.cast(data[1], "int32"))
        labels = labels[:, 0] if len(labels.shape) == 2 else labels
        fit = ops.logical_and(labels >= self.classes.start, labels < self.num_classes)
        ones = ops.ones_like(labels)
        labels = ops.clip(labels, self.classes.start * ones, (self.num_classes - 1) * ones)
        fake = labels
        if UNLABELED in self.classes:
            count, seed = self.num_classes, rows.seeds
            drawn = rows.own(lambda n: keras.random.randint((n,), 0, count, seed=seed))
            fake = ops.where(labels == UNLABELED, drawn, labels)
        unfit = ops.cast(ops.logical_not(fit), "float32")
        return rows._replace(labels=labels, fake_labels=fake), unfit

    def count(self, rows: Any) -> None:
        known = ops.expand_dims(rows.labels, 1) == ops.arange(self.num_classes, dtype="int32")
        found = ops.sum(ops.cast(known, "float32"), axis=0)
        if not rows.alone:  # a replica's padding row does not count
            found = found * ops.cast(rows.count > 0, "float32")
        found = distributed.replica_sum(found)
        self.counts.assign(self.counts.value + ops.cast(found, self.counts.dtype))

    def drawn(self, n: int, labels: Any, seed: int | None = None) -> np.ndarray:
        """Return the labels of samples, int32 of shape `(n,)`.

        Args:
            n: number of samples.
            labels: one label for all, or a list or array of n. None draws labels with their class
                shares in training, or with equal shares before training.
            seed: an integer that fixes the drawn labels.

        Raises:
            ValueError: if `labels` are none of these.
        """
        if labels is None:
            counts = ops.convert_to_numpy(self.counts).astype("float64")
            counts = counts if counts.any() else counts + 1
            rng = np.random.default_rng(None if seed is None else [seed, self.num_classes])
            return rng.choice(self.num_classes, n, p=counts / counts.sum()).astype("int32")
        if checks.is_whole(labels):
            labels = np.full((n,), labels)
        elif not isinstance(labels, (list, tuple)) and not hasattr(labels, "shape"):
            raise ValueError(
                f"`labels` must be a whole number, a list of {n}, or None; got {described(labels)}."
            )
        return check_labels(labels, n, range(self.num_classes))
