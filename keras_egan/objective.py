"""What a GAN computes: energies, the losses that follow from them, and its controller."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, ClassVar

import keras
import numpy as np
from keras import ops

from keras_egan import backend, checks, inputs, losses, step
from keras_egan.batch import Rows, Scored
from keras_egan.sampler import Sampler
from keras_egan.weight_average import WeightAverage

__all__ = ["Objective"]


class Objective:
    """The methods in which GANs differ: what a subclass of `EnergyGAN` gives, if it needs to."""

    # What `EnergyGAN` and Keras's model give to these methods.
    generator: keras.Model
    discriminator: keras.Model
    augment: Any
    energy_name: str
    image_shape: tuple[int, ...]
    latent_dim: int
    latents: Any
    sampler: Sampler
    states: dict[str, Any]
    weight_average: WeightAverage
    add_weight: Callable[..., Any]
    synchronize: Callable[[], None]

    uses_embedding = False
    """Whether the losses look at an auto-encoder's embedding."""

    smallest_batch = 1
    """The smallest batch, over all devices, for which the losses are defined."""

    phases: ClassVar[dict[str, tuple[str, ...]]] = {"adversarial": ("discriminator", "generator")}
    """The networks that learn in each phase of a training."""

    def discriminator_loss(self, real: Scored, fake: Scored) -> Any:
        """Returns the discriminator's loss of each sample; if need be, with further figures.

        Args:
            real: the batch of data.
            fake: as many generated samples; no gradient reaches the generator.

        Returns:
            A tensor of shape `(batch,)`, or it and a dict of such tensors, by the names under which
            their means are logged. Scalars stand for means over the batch.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method `discriminator_loss`.")

    def generator_loss(self, fake: Scored) -> Any:
        """Returns the generator's loss of each sample, in the forms of `discriminator_loss`.

        Unless a subclass says otherwise, the loss is the energy.

        Args:
            fake: a batch of generated samples.
        """
        return fake.energy

    def fakes_weight(self) -> Any:
        """Returns w, where the discriminator's loss is one of data plus w times the generator's.

        A scalar, the same for the whole batch, with which `updates="one_pass"` takes one gradient
        less; or None, which is always right.
        """
        return None

    def penalty(self, images: Any, rows: Rows) -> Any:
        """Returns what training adds to the discriminator's loss of each sample.

        Args:
            images: a batch of data, float tensor of shape `(batch, *image_shape)`.
            rows: draws random numbers that are right on several devices (`rows.own`).
        """
        return 0.0

    def indicators(self, figures: dict[str, Any]) -> dict[str, Any]:
        """Returns what else to log, scalars computed from the means of the figures.

        Args:
            figures: the figures' means, over a batch or an epoch.
        """
        return {}

    def control(self, logs: dict[str, Any]) -> None:
        """Moves the controller's variables at the end of a training step.

        Args:
            logs: this step's figures and indicators, the same on every replica.
        """

    def end_epoch(self, logs: dict[str, float]) -> None:
        """Moves what changes once an epoch. `fit` calls it, before any callback.

        Args:
            logs: the epoch's figures and indicators.
        """

    def add_state(self, name: str, dtype: str = "float32", initial: float = 0) -> Any:
        """Returns a new scalar variable that training changes, and files keep under its name."""
        self.states[name] = self.scalar(name, dtype, initial)
        return self.states[name]

    def scalar(self, name: str, dtype: str = "float32", initial: float = 0) -> Any:
        """Returns a new scalar variable that no gradient changes, the same on every replica."""
        return self.add_weight(
            name=name,
            shape=(),
            initializer=keras.initializers.Constant(initial),
            dtype=dtype,
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
        )

    def too_small(self, count: Any) -> str:
        """Returns the error for a batch below `smallest_batch`."""
        return (
            f"{type(self).__name__} takes batches of {self.smallest_batch} samples or more; got "
            f"{count}. If it is the last batch of an epoch, drop it: `drop_remainder=True`."
        )

    def present_phase(self) -> str:
        """Returns which of `phases` the training is in; asked for before each epoch."""
        return next(iter(self.phases))

    def call(self, latents: Any, training: bool = False) -> Any:
        """Returns the generator's output for latents of shape `(batch, latent_dim)`."""
        return self.generator(latents, training=training)

    def draw_latents(self, rows: Rows, seed: keras.random.SeedGenerator) -> Any:
        """Returns this replica's latents, a tensor of shape `(batch, latent_dim)`.

        Args:
            rows: which rows of the global batch they are for (`rows.own`).
            seed: training's seed generator, or evaluation's.
        """
        if self.latents == "uniform":
            return rows.own(
                lambda n: keras.random.uniform((n, self.latent_dim), -1.0, 1.0, seed=seed)
            )
        return rows.own(lambda n: keras.random.normal((n, self.latent_dim), seed=seed))

    def augmented(self, images: Any, rows: Rows) -> Any:
        """Returns a batch of data or of fakes as `augment` changes it, each image anew.

        Args:
            images: float tensor of shape `(batch, *image_shape)`.
            rows: which rows of the global batch they are.
        """
        if self.augment is None:
            return images
        if hasattr(self.augment, "draw"):  # numbers for the global batch, and so alike on devices
            return self.augment.apply(images, rows.own(self.augment.draw))
        return self.augment(images, training=True)

    def score(self, images: Any, training: bool = False, latents: Any = None) -> Scored:
        """Returns images, a float tensor of shape `(batch, *image_shape)`, with their energies."""
        network, embedding = self.discriminator, None
        if self.uses_embedding and self.has_embedding:
            embedding = network.encoder(images, training=training)
            output = network.decoder(embedding, training=training)
        else:
            output = network(images, training=training)
        if self.energy_name == "output":
            energy = ops.cast(output[:, 0], "float32")
        else:
            energy = losses.reconstruction_energy(images, output, energy=self.energy_name)
        return Scored(images, output, energy, embedding, latents, step.added_losses(network))

    @property
    def has_embedding(self) -> bool:
        """Whether the discriminator has an `encoder` and a `decoder`."""
        return hasattr(self.discriminator, "encoder") and hasattr(self.discriminator, "decoder")

    def gradient_norms(self, images: Any) -> Any:
        """Returns the norm of the energy's gradient at each image, float32 of shape `(batch,)`."""
        gradient = backend.input_gradient(
            lambda images: self.score(images, training=True).energy, images, self
        )
        return losses.norms(gradient)

    def sample(self, n: int, seed: int | None = None, average: bool = True) -> np.ndarray:
        """Generates samples; several threads may do so at once.

        Args:
            n: how many, 1 or more.
            seed: an integer that fixes the latents, which are then the same on every backend.
            average: whether to use the generator's averaged weights, where they are kept.

        Returns:
            Array of shape `(n, *image_shape)`, images clipped to [-1, 1]. (`predict` gives the
            generator's output as it is, for latents of your own.)

        Raises:
            ValueError: if `n` is no whole number from 1 up.
        """
        checks.one_or_more(n=n)
        self.synchronize()
        averaged = average and self.weight_average
        weights = self.weight_average.values if averaged else self.generator.weights
        z = self.sampler.latents(n, self.latent_dim, self.latents, seed)
        samples = self.sampler.run(weights, z)
        return samples.clip(-1.0, 1.0) if samples.ndim == 4 else samples

    def averaged(self) -> AbstractContextManager:
        """Gives the generator its averaged weights for a while, as to save it; in no training.

        Raises:
            ValueError: if the model keeps no average.
        """
        return self.weight_average.swapped_in()

    def energy(self, images: Any, batch_size: int = 256) -> np.ndarray:
        """Returns the energy of images: low on data, so that it serves as an anomaly score.

        Args:
            images: array of shape `(n, *image_shape)`, uint8 or floats in [-1, 1].
            batch_size: how many are scored at once.

        Returns:
            float32 array of shape `(n,)`.

        Raises:
            ValueError: if the images have another shape or values out of range, or `batch_size` is
                no whole number from 1 up.
        """
        checks.one_or_more(batch_size=batch_size)
        self.synchronize()
        energies = [np.zeros((0,), "float32")]
        with backend.inference(self):
            for start in range(0, len(images), batch_size):
                batch = images[start : start + batch_size]
                inputs.check_values(batch)
                batch = inputs.scale(ops.convert_to_tensor(batch), self.image_shape)
                energies.append(ops.convert_to_numpy(self.score(batch).energy))
        return np.concatenate(energies)
