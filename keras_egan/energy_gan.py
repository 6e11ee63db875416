"""The one adversarial step, which every energy-based GAN here shares."""

import random
from typing import NamedTuple

import keras
from keras import ops

from keras_egan import backend, inputs, losses
from keras_egan.adversarial_model import AdversarialModel

__all__ = ["EnergyGAN", "Scored"]


class Scored(NamedTuple):
    """A batch, and what the discriminator says of it.

    Attributes:
        images: tensor of shape `(batch, ...)`, in [-1, 1] where they are images.
        energy: float32 tensor of shape `(batch,)`, low on data.
        embedding: the encoder's output, where a GAN asks for it.
    """

    images: object
    energy: object
    embedding: object = None


class _Rows(NamedTuple):
    """Which rows of the global batch this replica holds; all of them, but on several devices."""

    count: object
    start: object
    total: object

    @property
    def weight(self):
        """This replica's part in a mean over the global batch."""
        if self.total is self.count:
            return 1.0
        return ops.cast(self.count, "float32") / ops.cast(self.total, "float32")


class EnergyGAN(AdversarialModel):
    """The base of all GANs here: energies, one adversarial step, one controller.

    A subclass says how the losses follow from the energies (`discriminator_loss`, and
    `generator_loss` if it is not the mean energy) and, if it has one, what its controller does
    (`indicators` and `control`).

    Args:
        generator: a Keras model from latents of shape `(batch, latent_dim)` to samples.
        discriminator: a Keras model of samples: an auto-encoder, which returns a reconstruction of
            the same shape; or, with `energy="output"`, a critic, which returns `(batch, 1)`.
        energy: how the reconstruction's error becomes the energy of a sample, as in
            `losses.reconstruction_energy`; or `"output"`, where the critic's output is the energy.
        d_steps: how many times the discriminator is updated on each batch, with fresh latents
            each time, before the generator is updated once.
        updates: `"alternating"`, the generator learning from the discriminator just updated; or
            `"simultaneous"`, both gradients taken at the same weights.
        **kwargs: `latent_dim`, `latents`, `generator_average`, `seed` and `name`, as in
            `AdversarialModel`.

    Raises:
        ValueError: if an argument is out of its range, or the networks do not fit one another.

    Example: a GAN without a controller, and the linear energy game that BEGAN bounds.

    ```python
    class LinearGAN(EnergyGAN):
        def discriminator_loss(self, real, fake):
            return ops.mean(real.energy) - ops.mean(fake.energy), {}
    ```
    """

    figures = ("d_loss", "g_loss", "real_energy", "fake_energy")
    arguments = (*AdversarialModel.arguments, "d_steps", "updates")

    def __init__(
        self,
        generator,
        discriminator,
        *,
        energy="mae",
        d_steps=1,
        updates="alternating",
        **kwargs,
    ):
        super().__init__(generator, discriminator, **kwargs)
        self.energy_name = energy
        self._check_output()
        if updates not in ("alternating", "simultaneous"):
            raise ValueError(f"`updates` must be 'alternating' or 'simultaneous'; got {updates!r}.")
        if not isinstance(d_steps, int) or d_steps < 1:
            raise ValueError(f"`d_steps` must be a whole number from 1 up; got {d_steps!r}.")
        if d_steps > 1 and updates == "simultaneous":
            raise ValueError(
                f"`updates='simultaneous'` takes one discriminator step; got `d_steps={d_steps}`. "
                "Use `updates='alternating'`."
            )
        self.d_steps = d_steps
        self.updates = updates
        self.step = self._add_state("step", dtype="int")
        seed = random.randrange(2**31) if self.seed is None else self.seed % 2**31
        self.order_seed = self._add_state("order_seed", dtype="int", initial=seed)

    def discriminator_loss(self, real, fake):
        """Returns the discriminator's loss, a scalar, and a dict of further figures.

        Args:
            real: the batch of data, a `Scored`.
            fake: as many generated samples, a `Scored`; no gradient reaches the generator.
        """
        raise NotImplementedError

    def generator_loss(self, fake):
        """Returns the generator's loss, a scalar, and a dict of further figures.

        Unless a subclass says otherwise, the loss is the mean energy.

        Args:
            fake: a batch of generated samples, a `Scored`.
        """
        return ops.mean(fake.energy), {}

    def control(self, logs):
        """Moves the controller's variables at the end of a training step.

        Args:
            logs: a dict of this step's figures and indicators, the same on every replica.
        """

    def penalty(self, images):
        """Returns what training adds to the discriminator's loss, a scalar; evaluation does not.

        Args:
            images: a batch of data, float tensor of shape `(batch, *image_shape)`.
        """
        return 0.0

    def learners(self):
        """Returns the networks that a training step updates, read when a step is compiled."""
        return self.discriminator, self.generator

    def score(self, images, training=False):
        """Returns images with their energies, a `Scored`.

        Args:
            images: float tensor of shape `(batch, *image_shape)`.
            training: whether the discriminator runs in training mode.
        """
        output = self.discriminator(images, training=training)
        if self.energy_name == "output":
            return Scored(images, ops.cast(output[:, 0], "float32"))
        return Scored(images, losses.reconstruction_energy(images, output, energy=self.energy_name))

    def gradient_norms(self, images):
        """Returns the norm of the energy's gradient at each image, for a penalty on it.

        Args:
            images: float tensor of shape `(batch, *image_shape)`.

        Returns:
            float32 tensor of shape `(batch,)`.
        """
        gradient = backend.input_gradient(
            lambda images: self.score(images, training=True).energy, images, self
        )
        return losses.norms(gradient)

    def training_step(self, data):
        """Updates the discriminator, the generator and the controller on one batch.

        Args:
            data: images of shape `(batch, *image_shape)`, or a tuple that begins with them.

        Returns:
            A dict of this step's figures and indicators, scalars.
        """
        real, rows = self._receive(data)
        if self.smallest_batch > 1:
            backend.require(rows.count >= self.smallest_batch, self._too_small(rows.count))
        for _ in range(self.d_steps):
            d_figures, update_discriminator = self._discriminator_step(real, rows)
            if self.updates == "alternating":
                update_discriminator()
        g_figures, update_generator = self._generator_step(rows)
        if self.updates == "simultaneous":
            update_discriminator()
        update_generator()
        self._update_average()
        logs = self._log({**d_figures, **g_figures}, rows)
        self.control(logs)
        self.step.assign_add(1)
        for layer in self._flatten_layers():
            if hasattr(layer, "advance"):
                layer.advance()
        return logs

    def evaluation_step(self, data):
        """Computes the figures of held-out images; changes neither weights nor controller.

        Args:
            data: images of shape `(batch, *image_shape)`, or a tuple that begins with them.

        Returns:
            A dict of the figures and indicators, scalars.
        """
        real, rows = self._receive(data)
        latents = self._draw_latents(rows, self.evaluation_seed_generator)
        real, fake = self.score(real), self.score(self.generator(latents, training=False))
        _, d_figures = self._discriminator_objective(real, fake)
        _, g_figures = self._generator_objective(fake)
        return self._log({**d_figures, **g_figures}, rows)

    def _receive(self, data):
        images = inputs.scale(inputs.images_of(data), self.image_shape)
        count = ops.shape(images)[0]
        return images, _Rows(count, *backend.replica_share(count))

    def _draw_latents(self, rows, seed):
        # The seed's state is the same on every replica: each draws the latents of the whole batch
        # and keeps its own rows.
        shape = rows.total, self.latent_dim
        if self.latents == "uniform":
            latents = keras.random.uniform(shape, -1.0, 1.0, seed=seed)
        else:
            latents = keras.random.normal(shape, seed=seed)
        if rows.total is rows.count:
            return latents
        return latents[rows.start : rows.start + rows.count]

    def _discriminator_step(self, real, rows):
        latents = self._draw_latents(rows, self.seed_generator)
        fake = self.generator(latents, training=True)

        def objective():
            loss, figures = self._discriminator_objective(
                self.score(real, training=True), self.score(fake, training=True)
            )
            return loss + self.penalty(real), figures

        return self._differentiate(objective, self.discriminator, self.d_optimizer, rows)

    def _generator_step(self, rows):
        latents = self._draw_latents(rows, self.seed_generator)

        def objective():
            fake = self.generator(latents, training=True)
            return self._generator_objective(self.score(fake, training=True))

        return self._differentiate(objective, self.generator, self.g_optimizer, rows)

    def _discriminator_objective(self, real, fake):
        loss, further = self.discriminator_loss(real, fake)
        return loss, {"d_loss": loss, "real_energy": ops.mean(real.energy), **further}

    def _generator_objective(self, fake):
        loss, further = self.generator_loss(fake)
        return loss, {"g_loss": loss, "fake_energy": ops.mean(fake.energy), **further}

    def _differentiate(self, objective, network, optimizer, rows):
        if network not in self.learners():
            return objective()[1], lambda: None
        variables = network.trainable_variables

        def scaled_objective():
            loss, figures = objective()
            for variable in variables:
                if variable.regularizer is not None:
                    loss = loss + variable.regularizer(variable)
            return optimizer.scale_loss(loss * rows.weight), figures

        figures, grads = backend.value_and_grad(scaled_objective, variables, self)
        return figures, lambda: self.optimizer.apply(grads, variables)

    def _log(self, figures, rows):
        values = ops.stack([ops.cast(figures[name], "float32") for name in self.figures])
        values = backend.replica_sum(values * rows.weight)
        self.running_means.update_state(values, sample_weight=rows.total)
        figures = dict(zip(self.figures, ops.unstack(values, len(self.figures)), strict=True))
        return {**figures, **self.indicators(figures)}

    def _add_state(self, name, dtype="float32", initial=0):
        return self.add_weight(
            name=name,
            shape=(),
            initializer=keras.initializers.Constant(initial),
            dtype=dtype,
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
        )

    def _check_output(self):
        energy, shape = self.energy_name, self.image_shape
        if energy not in (*losses.ENERGIES, "output"):
            raise ValueError(
                f"`energy` must be 'output' or one of {', '.join(losses.ENERGIES)}; got {energy!r}."
            )
        output = tuple(self.discriminator(keras.Input(shape)).shape[1:])
        if energy == "output" and output != (1,):
            raise ValueError(
                f"`discriminator` must be a critic, with one score a sample, of shape (1,); it "
                f"returns {output}. End it in `keras.layers.Dense(1)`."
            )
        if energy != "output" and output != shape:
            raise ValueError(
                f"`discriminator` must be an auto-encoder: for samples of shape {shape} it "
                f"returns {output} instead of a reconstruction."
            )
