"""Energies: one number per sample, low on data; a float32 tensor of shape `(batch,)`."""

from typing import Any

from keras import ops

_ENERGIES = {
    "mae": lambda difference, pixels: ops.mean(ops.abs(difference), axis=pixels),
    "mse": lambda difference, pixels: ops.mean(ops.square(difference), axis=pixels),
    "norm": lambda difference, pixels: norms(difference),
    "sae": lambda difference, pixels: ops.sum(ops.abs(difference), axis=pixels),
    "sse": lambda difference, pixels: ops.sum(ops.square(difference), axis=pixels),
}

ENERGIES = tuple(_ENERGIES)

NEEDS = {
    **dict.fromkeys(ENERGIES, "an auto-encoder"),
    "output": "a critic, with one score per sample: end it in `keras.layers.Dense(1)`",
    "cross_entropy": "a classifier of images, with a logit for each of `num_classes`",
}
"""All energies that a GAN can have, each with the kind of discriminator that it needs."""


def needed_output(energy: str, shape: tuple[int, ...], classes: int | None) -> tuple:
    """Return the shape that a discriminator's output must have, without the batch axis."""
    return {"output": (1,), "cross_entropy": (classes,)}.get(energy, shape)


def energy_of(energy: str, images: Any, output: Any, labels: Any = None) -> Any:
    """Compute each image's energy, one of `NEEDS`, from the discriminator's output."""
    if energy == "output":
        return ops.cast(output[:, 0], "float32")
    if energy == "cross_entropy":
        return classification_energy(output, labels)
    return reconstruction_energy(images, output, energy=energy)


def reconstruction_energy(images: Any, reconstruction: Any, *, energy: str = "mae") -> Any:
    """Compute each image's reconstruction error, float32 of shape `(batch,)`, at least 0.

    Args:
        images: tensor of shape `(batch, ...)`.
        reconstruction: tensor of the same shape, an auto-encoder's output for `images`.
        energy: the function of one sample's differences. `"mae"`: the mean of their absolute
            values (BEGAN with eta = 1). `"mse"`: the mean of their squares (BEGAN with eta = 2).
            `"norm"`: their Euclidean norm (EBGAN). `"sae"`: the sum of their absolute values
            (LS-GAN's margin function). `"sse"`: the sum of their squares (MAGAN).

    Raises:
        ValueError: if `energy` is none of the above.

    Source: Berthelot et al., BEGAN, https://arxiv.org/abs/1703.10717, section 3.1; Zhao et al.,
    EBGAN, https://arxiv.org/abs/1609.03126, equation 13.

    Example:

    ```python
    reconstruction_energy(ops.ones((2, 4, 4, 1)), ops.zeros((2, 4, 4, 1)))  # [1., 1.]
    ```
    """
    if energy not in _ENERGIES:
        raise ValueError(f"`energy` must be one of {', '.join(ENERGIES)}; got {energy!r}.")
    difference = ops.cast(images, "float32") - ops.cast(reconstruction, "float32")
    return _ENERGIES[energy](difference, tuple(range(1, len(difference.shape))))


def classification_energy(logits: Any, labels: Any) -> Any:
    """CLS-GAN's energy of a labelled image: E(x, y) = -log softmax_y of a classifier's logits.

    The energy of an image without a label is the minimum over all y. The result is float32 of shape
    `(batch,)`, at least 0.

    Args:
        logits: tensor of shape `(batch, num_classes)`.
        labels: whole numbers of shape `(batch,)`, from 0, or -1 for an image without a label.

    Source: Qi, Loss-Sensitive GAN, https://arxiv.org/abs/1701.06264, as in the author's code,
    https://github.com/guojunq/lsgan, clsgan.lua.

    Example:

    ```python
    classification_energy(ops.zeros((2, 4)), ops.array([3, -1]))  # [log 4, log 4]
    ```
    """
    energies = -ops.log_softmax(ops.cast(logits, "float32"), axis=-1)
    labels = ops.expand_dims(ops.convert_to_tensor(labels), 1)
    chosen = labels == ops.arange(energies.shape[1], dtype=labels.dtype)
    of_label = ops.sum(ops.cast(chosen, "float32") * energies, axis=1)
    return ops.where(labels[:, 0] < 0, ops.min(energies, axis=1), of_label)


def overfitting(energy: str, real: Any, held_out: Any, fake: Any) -> Any:
    """Compute how far the discriminator has memorised its training images, a scalar in [-1, 1].

    0 means that it knows them no better than held-out images, and 1 that it knows them alone. From
    mean energies E, it is

        r = (E[held-out] - E[train]) / (E[fake] - E[train])  for a critic, 0 if E[fake] <= E[train];
        r = (E[held-out] - E[train]) / E[held-out]  for other energies, whose least value is 0.

    The energy of fakes is no scale for an auto-encoder, because it may be equilibrium to have as
    much, or less, as BEGAN's fakes do.

    Args:
        energy: the energy's name, one of `NEEDS`.
        real: the mean energy of training images, a scalar.
        held_out: that of held-out images.
        fake: that of generated images.

    Source: Karras et al., https://arxiv.org/abs/2006.06676, equation 1, for critics.

    Example:

    ```python
    overfitting("mae", real=0.05, held_out=0.10, fake=0.05)  # 0.5
    ```
    """
    real, held_out, fake = map(ops.convert_to_tensor, (real, held_out, fake))
    scale = fake - real if energy == "output" else held_out
    one = ops.ones_like(scale)
    r = ops.clip((held_out - real) / ops.maximum(scale, 1e-12 * one), -one, one)
    return ops.where(scale > 0, r, ops.zeros_like(r))


def norms(samples: Any) -> Any:
    """Compute each sample's Euclidean norm, float32 of shape `(batch,)`, at least 1e-6.

    The gradient is 0 where the norm is 0.

    Args:
        samples: tensor of shape `(batch, ...)`.

    Example:

    ```python
    norms(ops.array([[3.0, 4.0], [0.0, 0.0]]))  # [5., 1e-6]
    ```
    """
    squares = ops.square(ops.cast(samples, "float32"))
    sums = ops.sum(squares, axis=tuple(range(1, len(samples.shape))))
    return ops.sqrt(ops.maximum(sums, 1e-12 * ops.ones_like(sums)))
