"""The computations of a GAN: its step, energies, losses and controller."""

from functools import cache
from typing import Any, ClassVar

import keras
from keras import ops

from keras_egan import backend, checks
from keras_egan.backend.keras_internals import flat_layers
from keras_egan.energies import energy_of, norms
from keras_egan.saving import configuration
from keras_egan.saving.state import add_variable
from keras_egan.training import step
from keras_egan.training.batch import DiscriminatorOutput
from keras_egan.training.labels import with_labels


class Objective(keras.Model):
    """The methods in which GANs differ; a subclass of `EnergyGAN` overrides those that it needs."""

    uses_embedding = False
    """Whether the losses use an auto-encoder's embedding."""

    smallest_batch = 1
    """The smallest batch, over all devices, for which the losses are defined."""

    _learns = True  # False while `evaluate` computes the losses

    phases: ClassVar[dict[str, tuple[str, ...]]] = {"adversarial": ("discriminator", "generator")}
    """The networks that learn in each phase of a training."""

    def discriminator_loss(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        """Return the discriminator's loss per sample, and further metrics if there are any.

        Args:
            real: the batch of data.
            fake: as many generated samples; no gradient reaches the generator.

        Returns:
            A tensor of shape `(batch,)`, or a pair of it and a dict of such tensors, whose means
            are logged under their names. A scalar stands for a mean over the batch.

        `compile` also calls it once, with a made-up batch of two, to learn the names of the
        metrics, and refuses other shapes and a name that is given twice. `evaluate` calls it too.
        With `d_steps` above 1, the last update is logged.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method `discriminator_loss`.")

    def generator_loss(self, fake: DiscriminatorOutput) -> Any:
        """Return the generator's loss per sample, in the forms of `discriminator_loss`.

        By default the loss is the energy. A loss that compares fakes with data takes a second
        argument, `def generator_loss(self, fake, real=None)`; only then is data scored for it. No
        gradient flows through `real`.

        Args:
            fake: a batch of generated samples.
        """
        return fake.energy

    def penalty(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        """Return a term that training adds to the discriminator's loss.

        `evaluate` does not call it, and `d_loss` is logged without it. To log a penalty, or to
        steer by it in `control`, add it in `discriminator_loss` instead, which may return metrics.

        `gradient_norms` gives the norms that most penalties use. `real.rows.own` draws random
        numbers that are right on several devices, from `real.rows.seeds`.

        Args:
            real: the batch of data, as in `discriminator_loss`.
            fake: the generated samples, likewise.

        Returns:
            A tensor of shape `(batch,)`, or a scalar.
        """
        return 0.0

    def constrain_discriminator(self) -> None:
        """Change the discriminator's weights after each of its updates; by default, do nothing."""

    def indicators(self, metrics: dict[str, Any]) -> dict[str, Any]:
        """Return further scalars to log, computed from the means of the metrics.

        It is called in each step, before `control`, and again at the end of an epoch and in
        `evaluate`. At the end of an epoch the metrics are means, while a state has its last value.
        A state that is returned is copied.

        Args:
            metrics: the means of `d_loss`, `g_loss`, `real_energy`, `fake_energy`, and of the
                metrics that the losses return, over a batch, an epoch or an evaluation. An
                indicator may not have the name of one.
        """
        return {}

    def control(self, logs: dict[str, Any]) -> None:
        """Move the controller's variables, once at the end of each training step.

        Args:
            logs: this step's metrics, named as in `indicators`, and its indicators: scalar
                tensors, the same on every replica.
        """

    def end_epoch(self, logs: dict[str, float]) -> None:
        """Update the state that changes once per epoch; `fit` calls this before any callback.

        Args:
            logs: the epoch's metrics and indicators, and those of validation data, `val_...`.
        """

    def findings(self, logs: dict[str, float]) -> dict[str, str]:
        """Return the faults that the logs show: one sentence per fault, by its name.

        `fit` asks after each epoch, and warns of each fault once. If there is a
        `callbacks.Diagnosis`, it asks at each of its checks instead, and warns of a fault that
        `patience` checks in a row have shown.

        Args:
            logs: the epoch's metrics and indicators, as in its logs, `val_...` too. A `Diagnosis`
                passes the means of both over the steps since its last check, without `val_...`.

        Example: `return {"far off": "Lower the weight."} if logs["d_loss"] > 100 else {}`.
        """
        return {}

    def add_state(self, name: str, dtype: str = "float32", initial: float = 0) -> Any:
        """Return a new scalar variable that training changes, and that files keep under its name.

        Change it by `assign` only: a compiled step does not see other attributes. Give it to
        `ops.where` and `ops.clip` as `ops.convert_to_tensor(state)`: JAX refuses a variable there.

        Args:
            name: its name, unique within the GAN.
            dtype: `"float32"`, or `"int"` for a count.
            initial: its first value.

        Raises:
            ValueError: if the GAN has a state of this name already.
            RuntimeError: if `super().__init__` was not called before.
        """
        checks.begun(self)
        if name in self._states:
            raise ValueError(
                f"`name` must be new, because files keep the state under it; {name!r} is taken. "
                "Give each state its own name."
            )
        kind = "int" if dtype == "int32" else dtype  # see `add_variable`
        self._states[name] = add_variable(self, name, kind, initial)
        return self._states[name]

    def present_phase(self) -> str:
        """Return the name of the present phase, one of `phases`; asked for before each epoch."""
        return next(iter(self.phases))

    def call(self, latents: Any, training: bool = False) -> Any:
        """Return the generator's output for latents, or for a list of latents and labels."""
        return self.generator(latents, training=training)

    def score(
        self, images: Any, training: bool = False, latents: Any = None, labels: Any = None
    ) -> DiscriminatorOutput:
        """Return images with their energies.

        Args:
            images: floats of shape `(batch, *image_shape)`, a tensor or an array.
            training: whether the discriminator runs in training mode.
            latents: the latents of generated images; None for data.
            labels: the images' classes, int32 of shape `(batch,)`, if the GAN has `num_classes`.
        """
        images = ops.convert_to_tensor(images)
        network, embedding = self.discriminator, None
        given = labels if step.takes_labels(self) else None
        if self.uses_embedding and checks.has_encoder(network):
            embedding, code = self._embed(images, training)
            output = network.decoder(with_labels(code, given), training=training)
        else:
            output = network(with_labels(images, given), training=training)
        energy = energy_of(self.energy_name, images, output, labels)
        added = step.added_losses(self, network)
        return DiscriminatorOutput(images, output, energy, embedding, latents, labels, added)

    def gradient_norms(self, images: Any, labels: Any = None) -> Any:
        """Return the norm of the energy's gradient at each image, float32 of shape `(batch,)`.

        A loss of these norms trains the discriminator, which runs in training mode. In `evaluate`
        it runs in inference mode, and does not change.

        Args:
            images: tensor or array of shape `(batch, *image_shape)`; no gradient flows through it.
            labels: their classes, int32 of shape `(batch,)`, if the GAN has `num_classes`.

        Raises:
            ValueError: if the labels are missing.
        """
        if self.num_classes and labels is None:
            raise ValueError(
                "`labels` must be given, because the GAN has `num_classes`; got None. Pass "
                "those of the images, such as `self.gradient_norms(real.images, real.labels)`."
            )
        images = ops.convert_to_tensor(images)
        gradient = backend.input_gradient(
            lambda images: self.score(images, training=self._learns, labels=labels).energy,
            ops.stop_gradient(images),  # a penalty trains only the discriminator
            self,
        )
        return norms(gradient)

    def zero_centered_penalty(
        self, *weighted: tuple[Any, DiscriminatorOutput], stride: int = 1
    ) -> Any:
        """Return a penalty on the energy's gradient: R1 at data, R2 at fakes.

        It is the sum over batches of weight / 2 times the mean squared norm of the gradient.

        Args:
            weighted: pairs of a weight and a batch. A weight is a number, of which 0 leaves the
                batch out, or a scalar tensor or state.
            stride: the norms are computed at images 0, `stride`, 2 `stride`, ... of a batch. Their
                mean has the same expectation and takes `1 / stride` of the time. On several
                devices, each counts its own part of the batch.

        Returns:
            A scalar tensor, to be returned by `penalty` or added to the discriminator's loss.

        Source: Mescheder et al., https://arxiv.org/abs/1801.04406; `stride` is our own.

        Example: `return self.zero_centered_penalty((1.0, real), (1.0, fake))` in `penalty`.
        """

        def mean_square(x):
            labels = None if x.labels is None else x.labels[::stride]
            return ops.mean(ops.square(self.gradient_norms(x.images[::stride], labels)))

        known = (pair for pair in weighted if not isinstance(pair[0], (int, float)) or pair[0])
        return sum(0.5 * weight * mean_square(x) for weight, x in known)

    def _draw_latents(self, rows):
        size, seed = self.latent_dim, rows.seeds
        if self.latents == "uniform":
            return rows.own(lambda n: keras.random.uniform((n, size), -1.0, 1.0, seed=seed))
        return rows.own(lambda n: keras.random.normal((n, size), seed=seed))

    def _embed(self, images, training):
        """Return the embeddings for the losses, and those for the decoder."""
        embedding = self.discriminator.encoder(images, training=training)
        return embedding, embedding

    def _fakes_weight(self):
        """Return w if the discriminator's loss is a term of data plus w times the generator's loss.

        `updates="one_pass"` then computes one gradient less. None is always right.
        """

    def _energy_weight(self):
        """Return w if the optimal discriminator's energy times w is log(p_G / p_data).

        It holds up to a constant. None means that the loss fixes no such scale. `refine` uses w by
        default.
        """

    _training_step = step.train
    _evaluation_step = step.evaluate
    _flat_layers = staticmethod(flat_layers)

    def make_train_function(self, force: bool = False) -> Any:
        return super().make_train_function(force=self._outdated("training") or force)

    def make_test_function(self, force: bool = False) -> Any:
        return super().make_test_function(force=self._outdated("evaluation") or force)

    def _outdated(self, function):
        """Return whether the step was compiled for another phase or other settings than now."""
        checks.updates(self.updates, self.d_steps)
        self.fit_state.phase = self.present_phase()
        self._flat_layers = cache(flat_layers)  # a walk costs as much as a small layer
        learning = [id(variable) for variable in self.trainable_variables]  # layers may be frozen
        settings = configuration.settings_of(self)
        assumed = self.fit_state.phase, settings, learning, self._overfitting.version
        outdated = assumed != self._assumed.get(function)
        self._assumed[function] = assumed
        return outdated

    @property
    def d_optimizer(self) -> keras.optimizers.Optimizer:
        """The discriminator's optimizer."""
        return self.optimizer.d_optimizer

    @property
    def g_optimizer(self) -> keras.optimizers.Optimizer:
        """The generator's optimizer."""
        return self.optimizer.g_optimizer

    @property
    def step(self) -> Any:
        """The number of training steps done, a variable."""
        return self._training_state.step

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """The running means of the metrics."""
        return [self._running_means] if self._running_means else []

    def get_metrics_result(self) -> dict[str, Any]:
        """Return the means of the metrics so far, and the indicators computed from them."""
        metrics = self._running_means.result()
        return self._with_indicators(metrics)

    def _with_indicators(self, metrics):
        indicators = self.indicators(metrics) | self._overfitting.indicators()
        for name, value in indicators.items():
            if isinstance(value, keras.Variable):  # which `control` changes in place
                indicators[name] = ops.copy(value)
        checks.scalars(indicators)
        checks.distinct_names([*metrics, *indicators])
        return metrics | indicators

    def reset_metrics(self) -> None:
        """Restart the running means and the latents of evaluation."""
        super().reset_metrics()
        self._training_state.restart_evaluation()
