"""Moving latents to lower energy: a method of every GAN."""

import random
from typing import Any

import numpy as np

from keras_egan import backend, checks
from keras_egan.gans.blocks import BATCH, in_blocks
from keras_egan.gans.latent_space import checked
from keras_egan.training.labels import with_labels


def refine(
    gan: Any,
    latents: Any,
    steps: int = 10,
    step_size: float = 0.1,
    weight: float | None = None,
    truncation: float = 1.0,
    seed: int | None = None,
    average: bool = True,
    labels: Any = None,
    batch_size: int = BATCH,
) -> np.ndarray:
    """Move latents to where their samples have lower energy, by Langevin dynamics.

    In the limit, the latents are draws from the density p(z) exp(-w E(G(z))). Here p is the
    latents' distribution, E the discriminator's energy in inference mode without augmentation, and
    w the `weight`. For normal latents a step is

        z <- z - h (z + w grad E(G(z))) + sqrt(1 - (1 - h)^2) n

    with n normal and h the `step_size`. Without an energy, any h leaves p as it is. For uniform
    latents the gradient and the noise's variance are multiplied by 1 / 3, the variance of p.
    Latents are reflected at -1 and 1.

    Args:
        gan: the GAN, whose method this is.
        latents: the initial latents, of shape `(n, latent_dim)`, such as `gan.draw_latents(n)`.
        steps: number of steps. Each costs about two passes through both networks.
        step_size: h, above 0 and at most 1. After 1 / h steps latents have moved about as far as
            they can. With larger steps fewer are needed, but they follow the density less exactly.
        weight: w, above 0. By default, the weight that makes the optimal discriminator's energy
            log(p_G / p_data): 1 for `RelativisticGAN` with `form="logistic"`, as in the paper; 4
            over the difference of the labels for `LeastSquaresGAN`, to first order. Other energies
            have a scale of their own. Their default is one over the energy's standard deviation
            over 256 samples, which lowers the mean of a normal energy by one standard deviation.
        truncation: as in `sample`, if the latents were drawn with one: it narrows p.
        seed: an integer that fixes the noise, which is then the same on every backend.
        average: as in `sample`.
        labels: the classes, as in `energy`, if the GAN has `num_classes`.
        batch_size: number of latents that move at once. A smaller number takes less memory.

    Returns:
        float32 array of shape `(n, latent_dim)`.

    Raises:
        ValueError: if an argument is out of its range, or `labels` are missing.

    Source: Che et al., Your GAN is secretly an energy-based model,
    https://arxiv.org/abs/2003.06060, algorithm 1. The steps are those of Cotter et al.,
    https://arxiv.org/abs/1202.0709, without an acceptance test.

    Example:

    ```python
    z = gan.draw_latents(64, seed=7)
    refined = gan.generate(gan.refine(z, steps=10, seed=7))  # gan.sample(64, seed=7, refine=10)
    ```
    """
    checks.whole_number(1, steps=steps)
    checks.share(step_size=step_size, truncation=truncation)
    checks.above_zero(weight=1.0 if weight is None else weight)
    z = checked(gan, latents, "latents") / truncation
    labels = gan._needed_labels(labels, len(z))
    backend.synchronize(gan)
    weight = weight or gan._energy_weight() or 1.0 / _spread(gan, truncation, average, batch_size)
    values = gan._sampled_variables(average)
    rng = np.random.default_rng([random.randrange(2**31) if seed is None else seed, 0, 1])
    variance = 1.0 / 3.0 if gan.latents == "uniform" else 1.0
    scale = np.sqrt(variance * (1.0 - (1.0 - step_size) ** 2))

    def slopes(z, *given):
        return gan._energy_gradient(values, z, *given)

    with backend.device_of(values):
        for _ in range(steps):
            given = truncation * z, *(() if labels is None else (labels,))
            slope = weight * truncation * in_blocks(slopes, batch_size, z.shape[1:], *given)
            drift = variance * slope + (z if gan.latents == "normal" else 0.0)
            z = z - step_size * drift + scale * rng.normal(size=z.shape)
            z = z if gan.latents == "normal" else 1.0 - np.abs((z + 1.0) % 4.0 - 2.0)
            z = z.astype("float32")
    return truncation * z


def compiled_gradient(gan: Any) -> Any:
    """Return a function of variables, latents and any labels: the gradient of the energies."""

    def energies(z, labels=None):
        samples = gan.generator(with_labels(z, labels), training=False)
        return gan.score(samples, latents=z, labels=labels).energy

    return backend.compiled_gradient(lambda: gan.variables, energies)


def _spread(gan, truncation, average, batch_size):
    """Return the standard deviation of the energies of samples, above 0."""
    labels = gan._given_labels(None, BATCH, seed=0)
    z = truncation * gan.draw_latents(BATCH, seed=0)
    samples = gan.generate(z, average, labels, batch_size)
    return max(float(gan.energy(samples, batch_size, labels).std()), 1e-12)
