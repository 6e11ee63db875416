"""The names of what a training step logs."""

from typing import Any

import keras
from keras import ops

from keras_egan import backend, checks
from keras_egan.training import check_networks, step
from keras_egan.training.batch import BatchShard, DiscriminatorOutput


def metric_names(gan: Any) -> list[str]:
    """Return the names of a step's metrics, which the losses give for a made-up batch.

    Raises:
        ValueError: if a loss or metric is neither a scalar nor of shape `(batch,)`, or a name is
            given twice.
    """
    n = 2
    images = ops.ones((n, *gan.image_shape))
    labels = ops.zeros((n,), "int32") if gan.labels else None
    rows = BatchShard(n, 0, n, n, labels, labels, seeds=0, made_up=True)
    output = gan.discriminator(check_networks.symbols(gan.image_shape, step.takes_labels(gan)))
    output = ops.ones((n, *output.shape[1:]))
    embedding = None
    if gan.uses_embedding and checks.has_encoder(gan.discriminator):
        embedding = gan.discriminator.encoder(keras.Input(gan.image_shape))
        embedding = ops.ones((n, *embedding.shape[1:]))
    energy = ops.ones(n, "float32")
    real = DiscriminatorOutput(images, output, energy, embedding, labels=labels, rows=rows)
    with backend.no_grad(), step.in_inference(gan):
        fake = real._replace(latents=ops.ones((n, gan.latent_dim)))
        found = [*step.d_metrics(gan, real, fake).items(), *step.g_metrics(gan, fake, real).items()]
    for name, value in found:
        shape = tuple(getattr(value, "shape", ()))
        if shape not in ((), (n,)):
            raise ValueError(
                f"`{name}` must have one number per sample, or be a scalar; its shape is {shape} "
                f"for a batch of {n}. Reduce it, for example by `ops.mean(..., axis=1)`."
            )
    names = [name for name, _ in found]
    checks.distinct_names(names)
    return list(dict.fromkeys(("d_loss", "g_loss", "real_energy", "fake_energy", *names)))
