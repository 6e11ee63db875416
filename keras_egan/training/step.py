"""The one adversarial step, which every GAN here shares."""

from typing import Any, NamedTuple

import keras
from keras import ops

from keras_egan import backend, checks
from keras_egan.backend import distributed
from keras_egan.backend.keras_internals import call_losses
from keras_egan.datasets import inputs
from keras_egan.datasets.sharing import too_small
from keras_egan.training import check_networks
from keras_egan.training.batch import BatchShard, DiscriminatorOutput, unfit_rows
from keras_egan.training.labels import with_labels

__all__ = ["added_losses", "evaluate", "metric_names", "takes_labels", "train"]


def train(gan: Any, data: Any) -> dict[str, Any]:
    """Updates a GAN's discriminator, generator and controller on one batch.

    `data` is images of shape `(batch, *image_shape)`, or a tuple that begins with them.

    Returns:
        This step's metrics and indicators, scalars.
    """
    real, rows, unfit = _receive(gan, data, gan._training_state.seeds)
    if gan.updates == "one_pass":
        metrics = _one_pass(gan, real, rows)
    else:
        metrics = _two_passes(gan, real, rows)
    distributed.merge_statistics(gan, rows.count, rows.total)
    gan._weight_average.update(gan.step)
    if gan.labels:
        gan.labels.count(rows)
    means = _means_over_replicas(gan, metrics, rows, unfit)
    logs = _logs(gan, means)
    _control(gan, logs, means)
    for layer in gan._flat_layers(gan):
        if hasattr(type(layer), "advance"):  # layers on PyTorch are slow to say no
            layer.advance()
    return logs


def evaluate(gan: Any, data: Any) -> dict[str, Any]:
    """Returns the metrics and indicators of held-out images, and changes nothing of the GAN."""
    real, rows, unfit = _receive(gan, data, gan._training_state.evaluation_seeds)
    z = gan._draw_latents(rows)
    generated = gan.generator(with_labels(z, rows.fake_labels), training=False)
    real = gan.score(real, labels=rows.labels)
    fake = gan.score(generated, latents=z, labels=rows.fake_labels)._replace(rows=rows)
    metrics = discriminator_metrics(gan, real, fake) | generator_metrics(gan, fake)
    return _logs(gan, _means_over_replicas(gan, metrics, rows, unfit))


def metric_names(gan: Any) -> list[str]:
    """Returns the names of what each step logs, as the losses of a made-up batch give them."""
    images = ops.ones((2, *gan.image_shape))
    labels = ops.zeros((2,), "int32") if gan.labels else None
    output = gan.discriminator(check_networks.symbols(gan.image_shape, takes_labels(gan)))
    output = ops.ones((2, *output.shape[1:]))
    embedding = None
    if gan.uses_embedding and checks.has_encoder(gan.discriminator):
        embedding = gan.discriminator.encoder(keras.Input(gan.image_shape))
        embedding = ops.ones((2, *embedding.shape[1:]))
    real = DiscriminatorOutput(images, output, ops.ones(2, "float32"), embedding, labels=labels)
    with backend.no_grad():
        fake = real._replace(latents=ops.ones((2, gan.latent_dim)))
        found = discriminator_metrics(gan, real, fake) | generator_metrics(gan, fake)
    return list(dict.fromkeys(("d_loss", "g_loss", "real_energy", "fake_energy", *found)))


def discriminator_metrics(gan: Any, real: Any, fake: Any) -> dict[str, Any]:
    """Returns what is logged of the discriminator's step, `d_loss` being what it minimises."""
    loss, further = _with_metrics(gan.discriminator_loss(real, fake))
    return {"d_loss": loss, "real_energy": real.energy, **further}


def generator_metrics(gan: Any, fake: Any) -> dict[str, Any]:
    """Returns what is logged of the generator's step, `g_loss` being what it minimises."""
    loss, further = _with_metrics(gan.generator_loss(fake))
    return {"g_loss": loss, "fake_energy": fake.energy, **further}


def _with_metrics(returned):
    return returned if isinstance(returned, tuple) else (returned, {})


def _receive(gan, data, seeds):
    data = distributed.received(data)
    images = inputs.images_of(data)
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


class _Learner(NamedTuple):
    """A network's variables that learn in the present phase, and what updates them."""

    variables: list[Any]
    optimizer: Any

    def total(self, loss, terms, rows):
        """Returns what the network minimises, as its optimizer scales it.

        That is the loss and what is added to it, each a number a row, or a scalar.
        """
        loss = rows.mean(loss)
        for term in terms:
            if not isinstance(term, (int, float)) or term:  # most networks add nothing
                loss = loss + rows.mean(term)
        for variable in self.variables:
            if variable.regularizer is not None:
                loss = loss + rows.mean(variable.regularizer(variable))
        return self.optimizer.scale_loss(loss)


def _learner(gan, name):
    learns = name in gan.phases[gan.fit_state.phase]
    variables = getattr(gan, name).trainable_variables if learns else []
    return _Learner(variables, getattr(gan, f"{name[0]}_optimizer"))


def _two_passes(gan, images, rows):
    discriminator, generator = (_learner(gan, name) for name in ("discriminator", "generator"))
    for _ in range(gan.d_steps):
        z = gan._draw_latents(rows)
        d_metrics, d_grads = _discriminator_step(gan, discriminator, images, z, rows)
        if gan.updates == "alternating":
            _update(discriminator, d_grads)
    z = gan._draw_latents(rows)
    g_metrics, g_grads = _generator_step(gan, generator, z, rows)
    if gan.updates == "simultaneous":
        _update(discriminator, d_grads)
    _update(generator, g_grads)
    return d_metrics | g_metrics


def _discriminator_step(gan, learner, images, z, rows):
    images = _augmented(gan, images, rows)
    generated = gan.generator(with_labels(z, rows.fake_labels), training=True)
    generated = _augmented(gan, generated, rows)

    def objective():
        real = gan.score(images, training=True, labels=rows.labels)
        fake = gan.score(generated, training=True, latents=z, labels=rows.fake_labels)
        metrics = discriminator_metrics(gan, real, fake)
        terms = real.added + fake.added, gan.penalty(images, rows)
        return learner.total(metrics["d_loss"], terms, rows), metrics

    return _differentiate(gan, objective, learner)


def _generator_step(gan, learner, z, rows):
    def objective():
        images, added = _generated(gan, z, rows)
        images = _augmented(gan, images, rows)
        fake = gan.score(images, training=True, latents=z, labels=rows.fake_labels)
        fake = fake._replace(rows=rows)
        metrics = generator_metrics(gan, fake)
        return learner.total(metrics["g_loss"], (added,), rows), metrics

    return _differentiate(gan, objective, learner)


def _differentiate(gan, objective, learner):
    """Returns the objective's metrics and gradients, of which there may be none."""
    if not learner.variables:
        return objective()[1], []
    grads, metrics = backend.gradients(objective, learner.variables, gan)
    return metrics, grads


def _update(learner, grads):
    if learner.variables:
        backend.apply(learner.optimizer, grads, learner.variables)


def _one_pass(gan, images, rows):
    """Updates both networks by gradients of one computation; returns its metrics.

    Where the fakes' part in the discriminator's loss is a multiple of the generator's loss
    (`_fakes_weight`), one gradient of the latter serves both.
    """
    images = _augmented(gan, images, rows)
    z = gan._draw_latents(rows)
    discriminator, generator = (_learner(gan, name) for name in ("discriminator", "generator"))
    learners = [learner for learner in (discriminator, generator) if learner.variables]
    weight = gan._fakes_weight() if len(learners) == 2 else None

    def objective():
        generated, added = _generated(gan, z, rows)
        generated = _augmented(gan, generated, rows)
        real = gan.score(images, training=True, labels=rows.labels)
        fake = gan.score(generated, training=True, latents=z, labels=rows.fake_labels)
        fake = fake._replace(rows=rows)
        d_fake = fake if weight is None else fake._replace(energy=ops.stop_gradient(fake.energy))
        d_metrics = discriminator_metrics(gan, real, d_fake)
        metrics = d_metrics | generator_metrics(gan, fake)
        d_terms = real.added + fake.added, gan.penalty(images, rows)
        losses = (
            (discriminator, metrics["d_loss"], d_terms),
            (generator, metrics["g_loss"], (added,)),
        )
        totals = [one.total(loss, terms, rows) for one, loss, terms in losses if one.variables]
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
        _update(learner, found)
    return metrics


def _combined(grad, other, weight):
    """Returns a gradient plus `weight` times another, None where neither is one."""
    if other is None:
        return grad
    return weight * other if grad is None else grad + weight * other


def _augmented(gan, images, rows):
    """Returns a batch of data or of fakes as `augment` changes it, each image anew."""
    if gan.augment is None:
        return images
    if hasattr(gan.augment, "draw"):  # numbers for the global batch, and so alike on devices
        return gan.augment.apply(images, rows.own(gan.augment.draw))
    return gan.augment(images, training=True)


def _generated(gan, z, rows):
    images = gan.generator(with_labels(z, rows.fake_labels), training=True)
    return images, added_losses(gan, gan.generator)


def takes_labels(gan: Any) -> bool:
    """Returns whether the discriminator is called with images and labels, not images alone."""
    return bool(gan.labels) and gan.energy_name != "cross_entropy"


def added_losses(gan: Any, network: keras.Model) -> Any:
    """Returns what the layers of a GAN's network added in its last call, a scalar.

    That is by `add_loss` and `activity_regularizer`; the regularizers of weights do not depend on
    the call, and count once a step.
    """
    return sum(ops.cast(term, "float32") for term in call_losses(gan._flat_layers(network)))


def _means_over_replicas(gan, metrics, rows, unfit):
    """Returns the metrics' means as one tensor, and counts them in."""
    metrics = [metrics[name] for name in gan._running_means.figures]
    images, small = unfit
    values = distributed.replica_sum(rows.means([*metrics, images]))
    gan._training_state.count_unfit(ops.round(rows.sums(values[-1])), small)
    gan._running_means.update_state(values[:-1], sample_weight=rows.total)
    return values[:-1]


def _logs(gan, means):
    names = gan._running_means.figures
    metrics = dict(zip(names, ops.unstack(means, len(names)), strict=True))
    return {**metrics, **gan.indicators(metrics)}


def _control(gan, logs, means):
    before = {name: ops.copy(state) for name, state in gan._states.items()}
    gan.control(logs)
    if gan._states:
        finite = ops.all(ops.isfinite(means))
    for name, state in gan._states.items():
        state.assign(ops.where(finite, ops.convert_to_tensor(state), before[name]))
