"""The papers' losses, as pure functions of energies.

An energy is one number per sample, low on data. Losses and terms are also per sample, float32
tensors of shape `(batch,)`. The GAN takes their mean over the batch, over all devices.
"""

from typing import Any

from keras import ops

from keras_egan.energies import ENERGIES, classification_energy, norms, reconstruction_energy

__all__ = [
    "ENERGIES",
    "FORMS",
    "began_discriminator_loss",
    "began_next_k",
    "classification_energy",
    "ebgan_discriminator_loss",
    "least_squares_discriminator_loss",
    "least_squares_generator_loss",
    "loss_sensitive_discriminator_loss",
    "magan_next_margin",
    "norms",
    "pulling_away_term",
    "reconstruction_energy",
    "relativistic_loss",
]

FORMS = {
    "logistic": ops.softplus,
    "least_squares": lambda difference: ops.square(1.0 + difference),
    "hinge": lambda difference: ops.relu(1.0 + difference),
}
"""The functions of a difference of energies that `relativistic_loss` may use, by name."""


def began_discriminator_loss(real_energy: Any, fake_energy: Any, *, k_t: Any) -> Any:
    """Compute BEGAN's L_D = L(x) - k_t L(G(z_D)) per sample.

    Args:
        real_energy: L(x), tensor of shape `(batch,)`.
        fake_energy: L(G(z_D)), tensor of shape `(batch,)`.
        k_t: the weight of telling fakes from data, a scalar in [0, 1].

    Source: Berthelot et al., BEGAN, https://arxiv.org/abs/1703.10717, section 3.4.

    Example:

    ```python
    began_discriminator_loss(ops.array([0.2, 0.4]), ops.array([0.1, 0.1]), k_t=0.5)  # [0.15, 0.35]
    ```
    """
    real_energy, fake_energy = _tensors(real_energy, fake_energy)
    return real_energy - k_t * fake_energy


def began_next_k(k_t: Any, balance: Any, *, lambda_k: Any) -> Any:
    """BEGAN's k_{t+1} = k_t + lambda_k (gamma L(x) - L(G(z_G))), a scalar clipped to [0, 1].

    Args:
        k_t: the present k_t, a scalar in [0, 1].
        balance: gamma L(x) - L(G(z_G)), a scalar.
        lambda_k: the proportional gain, a number above 0.

    Source: Berthelot et al., BEGAN, https://arxiv.org/abs/1703.10717, section 3.4.

    Example:

    ```python
    began_next_k(0.5, -0.25, lambda_k=0.001)  # 0.49975
    ```
    """
    k_t = ops.convert_to_tensor(k_t) + lambda_k * balance
    return ops.clip(k_t, ops.zeros_like(k_t), ops.ones_like(k_t))


def ebgan_discriminator_loss(real_energy: Any, fake_energy: Any, *, margin: Any) -> Any:
    """Compute EBGAN's and MAGAN's L_D = E(x) + max(0, m - E(G(z))) per sample.

    Args:
        real_energy: E(x), tensor of shape `(batch,)`, at least 0.
        fake_energy: E(G(z)), tensor of shape `(batch,)`, at least 0.
        margin: m, a scalar, at least 0. Fakes whose energy reaches it add nothing to the loss.

    Source: Zhao et al., EBGAN, https://arxiv.org/abs/1609.03126, equation 1.

    Example:

    ```python
    ebgan_discriminator_loss(ops.array([1.0, 3.0]), ops.array([4.0, 9.0]), margin=5.0)  # [2., 3.]
    ```
    """
    real_energy, fake_energy = _tensors(real_energy, fake_energy)
    return real_energy + ops.relu(margin - fake_energy)


def pulling_away_term(embedding: Any) -> Any:
    """EBGAN's repelling regulariser: each sample's mean squared cosine with the other embeddings.

    The term of sample i is sum_{j != i} (S_i . S_j / (|S_i| |S_j|))^2 / (N - 1). The mean of the
    terms is the paper's f_PT. It is 1 if all embeddings lie on one line, and 0 if they are
    orthogonal or if there is only one. It is about 1 / s for s-dimensional embeddings in random
    directions.

    Args:
        embedding: the encoder's output for a batch of N generated samples, tensor of shape
            `(N, ...)`. Each sample's output is flattened to one vector.

    Source: Zhao et al., EBGAN, https://arxiv.org/abs/1609.03126, section 2.4.

    Example:

    ```python
    pulling_away_term(ops.array([[1.0, 0.0], [-2.0, 0.0], [0.0, 1.0]]))  # [0.5, 0.5, 0.]
    ```
    """
    embedding = ops.cast(embedding, "float32")
    directions = ops.reshape(embedding, (ops.shape(embedding)[0], -1))
    directions = directions / norms(directions)[:, None]
    cosines = ops.matmul(directions, ops.transpose(directions))
    others = 1.0 - ops.eye(ops.shape(cosines)[0], dtype="float32")
    pairs = ops.sum(others, axis=1)
    return ops.sum(ops.square(cosines) * others, axis=1) / ops.maximum(pairs, ops.ones_like(pairs))


def magan_next_margin(
    margin: float, real_energy: float, fake_energy: float, *, fake_energy_before: float
) -> float:
    """Return MAGAN's margin after an epoch, at most the present one.

    The margin falls to E[D(x)] if three conditions hold: the fakes' energy has risen since the
    epoch before, it is higher than the energy of data, and E[D(x)] is below the present margin.

    Args:
        margin: m, the present margin, a number.
        real_energy: the mean energy of data over the epoch, a number.
        fake_energy: the mean energy of fakes over the epoch, a number.
        fake_energy_before: the same over the epoch before; infinite after the first epoch.

    Source: Wang et al., MAGAN, https://arxiv.org/abs/1704.03817, algorithm 1, and the authors'
    code, https://github.com/RuohanW/magan. Its sums over an epoch are means here.

    Example:

    ```python
    magan_next_margin(9.0, real_energy=5.0, fake_energy=7.0, fake_energy_before=6.0)  # 5.0
    ```
    """
    if fake_energy_before < fake_energy and real_energy < fake_energy and real_energy < margin:
        return real_energy
    return margin


def least_squares_discriminator_loss(
    real_score: Any, fake_score: Any, *, fake_label: Any, real_label: Any
) -> Any:
    """Compute LSGAN's L_D = (D(x) - b)^2 / 2 + (D(G(z)) - a)^2 / 2 per sample.

    Args:
        real_score: D(x), tensor of shape `(batch,)`.
        fake_score: D(G(z)), tensor of shape `(batch,)`.
        fake_label: a, a number.
        real_label: b, a number.

    Source: Mao et al., LSGAN, https://arxiv.org/abs/1611.04076, equation 2.

    Example:

    ```python
    least_squares_discriminator_loss(
        ops.array([1.0]), ops.array([1.0]), fake_label=0.0, real_label=1.0
    )  # [0.5]
    ```
    """
    real_score, fake_score = _tensors(real_score, fake_score)
    return 0.5 * ops.square(real_score - real_label) + 0.5 * ops.square(fake_score - fake_label)


def least_squares_generator_loss(fake_score: Any, *, generator_label: Any) -> Any:
    """Compute LSGAN's L_G = (D(G(z)) - c)^2 / 2 per sample.

    Args:
        fake_score: D(G(z)), tensor of shape `(batch,)`.
        generator_label: c, a number.

    Source: Mao et al., LSGAN, https://arxiv.org/abs/1611.04076, equation 2.

    Example:

    ```python
    least_squares_generator_loss(ops.array([0.0, 3.0]), generator_label=1.0)  # [0.5, 2.]
    ```
    """
    (fake_score,) = _tensors(fake_score)
    return 0.5 * ops.square(fake_score - generator_label)


def loss_sensitive_discriminator_loss(
    real_energy: Any,
    fake_energy: Any,
    delta: Any,
    *,
    delta_weight: Any,
    slope: Any = 0.0,
    first_term_weight: Any = 0.0,
) -> Any:
    """LS-GAN's w L(x) + C(tau Delta(x, G(z)) + L(x) - L(G(z))), C(a) = max(a, slope a).

    Data and fakes are paired by their position in the batch. Each pair has one loss.

    Args:
        real_energy: L(x), tensor of shape `(batch,)`.
        fake_energy: L(G(z)), tensor of shape `(batch,)`.
        delta: Delta(x, G(z)), the margin of each pair, tensor of shape `(batch,)`, at least 0.
        delta_weight: tau, a number, at least 0.
        slope: the weight of a pair that keeps its margin, a number up to 1. 0 is LS-GAN, 1 is WGAN
            up to a constant, other values are GLS-GAN.
        first_term_weight: w, a number, at least 0; 1 / lambda in the paper.

    Source: Qi, Loss-Sensitive GAN, https://arxiv.org/abs/1701.06264, and the authors' code,
    https://github.com/guojunq/lsgan and https://github.com/guojunq/glsgan.

    Example:

    ```python
    loss_sensitive_discriminator_loss(
        ops.array([1.0, 0.0]), ops.array([2.0, 9.0]), ops.array([3.0, 3.0]), delta_weight=1.0
    )  # [2., 0.]
    ```
    """
    real_energy, fake_energy, delta = _tensors(real_energy, fake_energy, delta)
    violation = delta_weight * delta + real_energy - fake_energy
    return first_term_weight * real_energy + ops.maximum(violation, slope * violation)


def relativistic_loss(energy: Any, other_energy: Any, *, form: str = "logistic") -> Any:
    """Compute the relativistic loss f(E - E') of each pair.

    Samples are paired by their position in the batch. For the discriminator, E is the energy of
    data and E' that of fakes. The generator minimises the loss with the two exchanged.

    Args:
        energy: E, the energy to lower, tensor of shape `(batch,)`.
        other_energy: E', tensor of shape `(batch,)`.
        form: f(a): `"logistic"`, log(1 + exp(a)); `"least_squares"`, (1 + a)^2; or `"hinge"`,
            max(0, 1 + a).

    Source: Jolicoeur-Martineau, The relativistic discriminator, https://arxiv.org/abs/1807.00734.
    Its C is -E.

    Example:

    ```python
    relativistic_loss(ops.array([0.0, 0.0]), ops.array([0.0, 3.0]), form="hinge")  # [1., 0.]
    ```
    """
    energy, other_energy = _tensors(energy, other_energy)
    return FORMS[form](energy - other_energy)


def _tensors(*values):
    return [ops.convert_to_tensor(value) for value in values]
