"""The papers' losses, as pure functions of energies.

An energy is one number a sample, a tensor of shape `(batch,)`, low on data. Losses are scalars:
means over the batch, so that no figure depends on the batch size. All are computed in float32.
"""

from keras import ops

__all__ = ["ENERGIES", "began_discriminator_loss", "began_next_k", "reconstruction_energy"]

ENERGIES = ("mae", "mse")


def reconstruction_energy(images, reconstruction, *, energy="mae"):
    """Returns how badly each image is reconstructed.

    Args:
        images: tensor of shape `(batch, ...)`.
        reconstruction: tensor of the same shape, an auto-encoder's output for `images`.
        energy: how the differences of one sample become one number. `"mae"`: the mean of their
            absolute values (BEGAN with eta = 1). `"mse"`: the mean of their squares (BEGAN with
            eta = 2).

    Returns:
        float32 tensor of shape `(batch,)`, at least 0.

    Raises:
        ValueError: if `energy` is none of the above.

    Source: Berthelot et al., BEGAN, https://arxiv.org/abs/1703.10717, section 3.1.

    Example:

    ```python
    reconstruction_energy(ops.ones((2, 4, 4, 1)), ops.zeros((2, 4, 4, 1)))  # [1., 1.]
    ```
    """
    difference = ops.cast(images, "float32") - ops.cast(reconstruction, "float32")
    pixels = tuple(range(1, len(difference.shape)))
    if energy == "mae":
        return ops.mean(ops.abs(difference), axis=pixels)
    if energy == "mse":
        return ops.mean(ops.square(difference), axis=pixels)
    raise ValueError(f"`energy` must be one of {', '.join(ENERGIES)}; got {energy!r}.")


def began_discriminator_loss(real_energy, fake_energy, *, k_t):
    """BEGAN's L_D = L(x) - k_t L(G(z_D)).

    Args:
        real_energy: L(x), tensor of shape `(batch,)`.
        fake_energy: L(G(z_D)), tensor of shape `(batch,)`.
        k_t: how much of the loss goes to telling fakes from data, a scalar in [0, 1].

    Returns:
        The loss, a scalar tensor.

    Source: Berthelot et al., BEGAN, https://arxiv.org/abs/1703.10717, section 3.4.

    Example:

    ```python
    began_discriminator_loss(ops.array([0.2, 0.4]), ops.array([0.1, 0.1]), k_t=0.5)  # 0.25
    ```
    """
    return ops.mean(real_energy) - k_t * ops.mean(fake_energy)


def began_next_k(k_t, balance, *, lambda_k):
    """BEGAN's k_{t+1} = k_t + lambda_k (gamma L(x) - L(G(z_G))), kept within [0, 1].

    Args:
        k_t: the present k_t, a scalar in [0, 1].
        balance: gamma L(x) - L(G(z_G)), a scalar.
        lambda_k: the proportional gain, a positive number.

    Returns:
        The next k_t, a scalar tensor in [0, 1].

    Source: Berthelot et al., BEGAN, https://arxiv.org/abs/1703.10717, section 3.4.

    Example:

    ```python
    began_next_k(0.5, -0.25, lambda_k=0.001)  # 0.49975
    ```
    """
    return ops.clip(ops.convert_to_tensor(k_t) + lambda_k * balance, 0.0, 1.0)
