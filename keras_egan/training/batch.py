"""The batch that a training step hands to a GAN's losses."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_egan import backend
from keras_egan.backend import distributed
from keras_egan.image_format import is_image


class DiscriminatorOutput(NamedTuple):
    """A batch and the discriminator's output for it.

    Attributes:
        images: tensor of shape `(batch, ...)`, in [-1, 1] if they are images: float32 for data, the
            type of the generator's output for fakes.
        output: the discriminator's output: the reconstructions, in the images' shape, or a critic's
            scores, of shape `(batch, 1)`.
        energy: float32 tensor of shape `(batch,)`, low on data.
        embedding: the encoder's output, if the GAN asks for it (`uses_embedding`).
        latents: the latents of fakes, of shape `(batch, latent_dim)`; None for data.
        labels: the labels given to the discriminator, int32 of shape `(batch,)`, if there are any.
            A fake has the label of the image at its place, or a drawn one if that is unlabelled.
        added: a scalar, which the discriminator's layers added to its loss in this call, by
            `add_loss` or an `activity_regularizer`.
        rows: the `BatchShard` that these samples are.
    """

    images: Any
    output: Any
    energy: Any
    embedding: Any = None
    latents: Any = None
    labels: Any = None
    added: Any = 0.0
    rows: Any = None

    def gathered(self, values: Any) -> Any:
        """Return values of these samples, such as `energy`, for the whole global batch.

        A loss can then compare each sample with the batch, for example with its mean, on several
        devices.
        """
        if self.rows is None or self.rows.made_up:
            return values
        return distributed.replica_gather(values, self.rows.count)

    def within_batch(self, function: Callable[[Any], Any]) -> Any:
        """Return these samples' rows of a function of the global batch's embedding."""
        found = function(self.gathered(self.embedding))
        return found if self.rows is None else self.rows.taken(found)

    @property
    def scores(self) -> Any:
        """A critic's output as one number per sample, float32 of shape `(batch,)`.

        With `energy="output"` it is the energy, and low on data.
        """
        return ops.cast(self.output[:, 0], "float32")


class BatchShard(NamedTuple):
    """The rows of the global batch that this replica holds: all rows, except on several devices.

    Attributes:
        count: number of rows that this replica received.
        start: the index of its first row in the global batch.
        total: the global batch size.
        held: on several devices, the number of rows that it computes with: `count`, or one padding
            row if `count` is 0, because the mean of an empty tensor is NaN.
        labels: the labels of these rows' images, int32 of shape `(held,)`, if the GAN has classes.
        fake_labels: the labels of the fakes, likewise.
        seeds: the `keras.random.SeedGenerator` of the step's random numbers.
        made_up: whether it is the batch that `compile` makes up, of which no replica has a part.
    """

    count: Any
    start: Any
    total: Any
    held: Any = None
    labels: Any = None
    fake_labels: Any = None
    seeds: Any = None
    made_up: bool = False

    @property
    def alone(self) -> bool:
        """Whether this replica holds the whole batch."""
        return self.total is self.count

    def mean(self, values: Any) -> Any:
        """Return this replica's part of a mean over the global batch, a float32 scalar.

        `values` has shape `(held,)`, or is the mean of this replica's rows, a scalar.
        """
        values = ops.cast(values, "float32")
        return self._share_of(ops.mean(values) if len(values.shape) else values)

    def means(self, values: Sequence[Any]) -> Any:
        """Return the `mean` of each of one or more values, of shape `(len(values),)`."""
        held = self.count if self.held is None else self.held
        rows = []
        for value in values:
            value = ops.cast(value, "float32")
            if len(value.shape) != 1:
                value = ops.broadcast_to(ops.mean(value), (held,))
            rows.append(value)
        return self._share_of(ops.mean(ops.stack(rows), axis=1))

    def sums(self, means: Any) -> Any:
        """Return sums over the global batch, given the means over it."""
        # A Python number stays one, because PyTorch would send a tensor to the device.
        total = self.total
        return means * (total if isinstance(total, int) else ops.cast(total, "float32"))

    def _share_of(self, mean: Any) -> Any:
        if self.alone:
            return mean
        return mean * ops.cast(self.count, "float32") / ops.cast(self.total, "float32")

    def own(self, draw: Callable[[Any], Any]) -> Any:
        """Return this replica's rows of random numbers that are drawn for the global batch.

        The seed's state is the same on every replica, so each replica draws all rows. `draw` takes
        the number of rows, and returns a tensor with so many rows, or a dict of such tensors.
        """
        with backend.host():
            drawn = keras.tree.map_structure(self.taken, draw(self.total))
        return backend.sent(drawn)

    def taken(self, values: Any) -> Any:
        """Return this replica's rows of a tensor of shape `(total, ...)`."""
        return values if self.alone else values[self.start : self.start + self.held]


def unfit_rows(images: Any) -> Any:
    """Return 1 for samples that are not finite or are images outside [-1, 1], 0 for others.

    The result is float32 of shape `(batch,)`, or a scalar 0 for uint8.
    """
    if "float" not in keras.backend.standardize_dtype(images.dtype):
        return ops.zeros(())
    bound = 1.001 if is_image(images.shape[1:]) else 3e38
    fit = ops.abs(ops.cast(images, "float32")) <= bound
    fit = ops.all(fit, axis=tuple(range(1, len(images.shape))))  # NaN is below no number
    return 1.0 - ops.cast(fit, "float32")
