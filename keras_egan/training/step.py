"""The adversarial step that every GAN here shares."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_egan import backend, checks
from keras_egan.backend import distributed
from keras_egan.backend.keras_internals import call_losses
from keras_egan.datasets import inputs
from keras_egan.datasets.loaders import images_of
from keras_egan.datasets.sharing import too_small
from keras_egan.training.batch import BatchShard, DiscriminatorOutput, unfit_rows
from keras_egan.training.labels import with_labels


def train(gan: Any, data: Any) -> dict[str, Any]:
    """Update a GAN on one batch, images or a tuple that begins with them; return its logs."""
    images, rows, unfit = _receive(gan, data, gan._training_state.seeds)
    passes = _one_pass if gan.updates == "one_pass" else _two_passes
    learners = [_Learner.of(gan, name) for name in ("discriminator", "generator")]
    held_out = _held_out_energy(gan, rows)
    metrics = passes(gan, images, rows, *learners)
    distributed.merge_statistics(gan, rows.count, rows.total)
    gan._weight_average.update(gan.step)
    if gan.labels:
        gan.labels.count(rows)
    logs, means = _logged(gan, metrics, rows, unfit, held_out)
    _control(gan, logs, means)
    for layer in gan._flat_layers(gan):
        # The type, because on PyTorch a layer is slow to report that it has no attribute.
        if hasattr(type(layer), "advance"):
            layer.advance()
    return logs


def evaluate(gan: Any, data: Any) -> dict[str, Any]:
    """Return the metrics and indicators of held-out images; the GAN does not change."""
    images, rows, unfit = _receive(gan, data, gan._training_state.evaluation_seeds)
    z = gan._draw_latents(rows)
    fakes = gan.generator(with_labels(z, rows.fake_labels), training=False)
    real, fake = _scored(gan, images, rows, training=False), _scored(gan, fakes, rows, z, False)
    with in_inference(gan):
        metrics = d_metrics(gan, real, fake) | g_metrics(gan, fake, real)
    return _logged(gan, metrics, rows, unfit)[0]


@contextmanager
def in_inference(gan: Any) -> Iterator[None]:
    """A context in which losses that score images do so in inference mode."""
    gan._learns = False
    try:
        yield
    finally:
        gan._learns = True


def _two_passes(gan, images, rows, discriminator, generator):
    for _ in range(gan.d_steps):
        d_metrics, d_grads = _discriminator_pass(gan, images, rows, discriminator)
        if gan.updates == "alternating":
            discriminator.update(d_grads)
    g_metrics, g_grads = _generator_pass(gan, images, rows, generator)
    if gan.updates == "simultaneous":
        discriminator.update(d_grads)
    generator.update(g_grads)
    return d_metrics | g_metrics


def _discriminator_pass(gan, images, rows, learner):
    z = gan._draw_latents(rows)
    images = _augmented(gan, images, rows)
    fakes = _generated(gan, z, rows)

    def objective():
        real, fake = _scored(gan, images, rows), _scored(gan, fakes, rows, z)
        metrics = d_metrics(gan, real, fake)
        terms = real.added + fake.added, gan.penalty(real, fake)
        return learner.total(metrics["d_loss"], terms, rows), metrics

    return _differentiated(gan, objective, learner)


def _generator_pass(gan, images, rows, learner):
    z = gan._draw_latents(rows)
    real = _scored(gan, _augmented(gan, images, rows), rows) if _compares(gan) else None

    def objective():
        fakes = _generated(gan, z, rows)
        added = added_losses(gan, gan.generator)
        metrics = g_metrics(gan, _scored(gan, fakes, rows, z), real)
        return learner.total(metrics["g_loss"], (added,), rows), metrics

    return _differentiated(gan, objective, learner)


def _differentiated(gan, objective, learner):
    """Return the objective's metrics and its gradients, a list that may be empty."""
    if not learner.variables:
        return objective()[1], []
    grads, metrics = backend.gradients(objective, learner.variables, gan)
    return metrics, grads


def _one_pass(gan, images, rows, discriminator, generator):
    """Update both networks by gradients of one computation.

    If the fakes' part of the discriminator's loss is a multiple of the generator's loss
    (`_fakes_weight`), one gradient of the latter serves both.
    """
    images = _augmented(gan, images, rows)
    z = gan._draw_latents(rows)
    learners = [learner for learner in (discriminator, generator) if learner.variables]
    weight = gan._fakes_weight() if len(learners) == 2 else None

    def objective():
        fakes = _generated(gan, z, rows)
        added = added_losses(gan, gan.generator)
        real, fake = _scored(gan, images, rows), _scored(gan, fakes, rows, z)
        d_fake = fake if weight is None else fake._replace(energy=ops.stop_gradient(fake.energy))
        metrics = d_metrics(gan, real, d_fake) | g_metrics(gan, fake, real)
        d_terms = real.added + fake.added, gan.penalty(real, fake)
        losses = (discriminator, "d_loss", d_terms), (generator, "g_loss", (added,))
        totals = [one.total(metrics[of], terms, rows) for one, of, terms in losses if one.variables]
        return totals, metrics

    variables = [learner.variables for learner in learners]
    if weight is not None:
        variables[1] = generator.variables + discriminator.variables
    grads, metrics = backend.joint_gradients(objective, variables, gan)
    if weight is not None:
        n = len(generator.variables)
        scale = discriminator.optimizer.scale_loss(1.0) / generator.optimizer.scale_loss(1.0)
        pairs = zip(grads[0], grads[1][n:], strict=True)
        grads = [[_combined(*pair, weight * scale) for pair in pairs], grads[1][:n]]
    for learner, found in zip(learners, grads, strict=True):
        learner.update(found)
    return metrics


def _combined(grad, other, weight):
    """Return a gradient plus `weight` times another, or None if both are None."""
    if other is None:
        return grad
    return weight * other if grad is None else grad + weight * other


class _Learner(NamedTuple):
    """The variables of a network that learn in the present phase, and how they are updated."""

    variables: list[Any]
    optimizer: Any
    constrain: Any

    @classmethod
    def of(cls, gan, name):
        learns = name in gan.phases[gan.fit_state.phase]
        variables = getattr(gan, name).trainable_variables if learns else []
        constrain = gan.constrain_discriminator if name == "discriminator" else None
        return cls(variables, getattr(gan, f"{name[0]}_optimizer"), constrain)

    def total(self, loss, terms, rows):
        """Return the scaled sum of a loss and terms, each one number per row or a scalar."""
        loss = rows.mean(loss)
        for term in terms:
            if isinstance(term, (dict, tuple)):
                raise TypeError(
                    "`penalty` must return one number per sample, or a scalar; got a "
                    f"{type(term).__name__}. Metrics to log come from `discriminator_loss`."
                )
            if not isinstance(term, (int, float)) or term:  # most networks add nothing
                loss = loss + rows.mean(term)
        for variable in self.variables:
            if variable.regularizer is not None:
                loss = loss + rows.mean(variable.regularizer(variable))
        return self.optimizer.scale_loss(loss)

    def update(self, grads):
        if self.variables:
            backend.apply(self.optimizer, grads, self.variables)
            if self.constrain:
                self.constrain()


def _receive(gan, data, seeds):
    data = distributed.received(data)
    images = images_of(data)
    count = ops.shape(images)[0]
    share = distributed.replica_share(count)
    images = distributed.nonempty(images)
    rows = BatchShard(count, *share, ops.shape(images)[0], seeds=seeds)
    small = backend.require(rows.total >= gan.smallest_batch, too_small(gan, rows.total))
    unfit = unfit_rows(images)
    if gan.labels:
        rows, of_no_class = gan.labels.received(data, rows)
        unfit = unfit + of_no_class
    return inputs.scale(images, gan.image_shape), rows, (unfit, small)


def _generated(gan, z, rows):
    return _augmented(gan, gan.generator(with_labels(z, rows.fake_labels), training=True), rows)


def _augmented(gan, images, rows):
    if gan.augment is None:
        return images
    if hasattr(gan.augment, "draw"):  # drawn for the global batch, and so alike on devices
        return gan.augment.apply(images, rows.own(gan.augment.draw))
    return gan.augment(images, training=True)


def _held_out_energy(gan, rows):
    """Return a list of the mean energy of held-out images, empty if the GAN knows none."""
    if not gan._overfitting.held:
        return []

    def score(images, of_images):
        return _scored(gan, _augmented(gan, images, rows), of_images).energy

    return [gan._overfitting.energy(rows, score)]


def _scored(gan, images, rows, latents=None, training=True):
    labels = rows.labels if latents is None else rows.fake_labels
    scored = gan.score(images, training=training, latents=latents, labels=labels)
    return scored._replace(rows=rows)


def d_metrics(gan: Any, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> dict[str, Any]:
    """Return the discriminator's loss, per sample, and the metrics beside it, by name."""
    return _named("d_loss", gan.discriminator_loss(real, fake), real_energy=real.energy)


def g_metrics(
    gan: Any, fake: DiscriminatorOutput, real: DiscriminatorOutput | None
) -> dict[str, Any]:
    """Return the generator's loss, likewise; `real` is None unless the loss compares."""
    loss = gan.generator_loss(fake, real) if _compares(gan) else gan.generator_loss(fake)
    return _named("g_loss", loss, fake_energy=fake.energy)


def _compares(gan):
    """Return whether the generator's loss compares fakes with data."""
    names = list(inspect.signature(gan.generator_loss).parameters)
    if names[1:] and "real" not in names:
        raise TypeError(
            f"The second argument of `generator_loss` must be named `real`; got `{names[1]}`."
        )
    return "real" in names


def _named(name, returned, **energy):
    loss, further = returned if isinstance(returned, tuple) else (returned, {})
    if not isinstance(further, dict):
        raise TypeError(
            "A loss must be a tensor, or a pair of it and a dict of metrics; got a pair with a "
            f"{type(further).__name__}. Name the metrics: `return loss, {{'norms': norms}}`."
        )
    metrics = {name: loss, **energy}
    checks.distinct_names([*metrics, *further])
    return metrics | further


def _logged(gan, metrics, rows, unfit, held_out=()):
    """Count a batch; return its logs, and the means of its metrics as one tensor.

    The tensor ends with the energy of held-out images, if there is one.
    """
    names = gan._running_means.names
    images, small = unfit
    found = [*(metrics[name] for name in names), *held_out, images]
    values = distributed.replica_sum(rows.means(found))
    gan._training_state.count_unfit(ops.round(rows.sums(values[-1])), small)
    means = values[: len(names)]
    gan._running_means.update_state(means, sample_weight=rows.total)
    metrics = dict(zip(names, ops.unstack(means, len(names)), strict=True))
    return gan._with_indicators(metrics), values[:-1]


def _control(gan, logs, means):
    """Move the controller, unless a metric is not finite."""
    before = {name: ops.copy(state) for name, state in gan._states.items()}
    gan.control(logs)
    if gan._overfitting.held:
        gan._overfitting.control(logs, means[-1])
    if gan._states:
        finite = ops.all(ops.isfinite(means))
    for name, state in gan._states.items():
        state.assign(ops.where(finite, ops.convert_to_tensor(state), before[name]))


def takes_labels(gan: Any) -> bool:
    """Return whether the discriminator takes images and labels rather than images alone."""
    return bool(gan.labels) and gan.energy_name != "cross_entropy"


def added_losses(gan: Any, network: keras.Model) -> Any:
    """Return the loss that the layers of a GAN's network added in its last call, a scalar.

    It excludes the regularizers of weights, because they count once per step.
    """
    return sum(ops.cast(term, "float32") for term in call_losses(gan._flat_layers(network)))
