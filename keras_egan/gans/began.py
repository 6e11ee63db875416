"""BEGAN: boundary equilibrium GAN."""

from typing import Any

import keras
from keras import ops

from keras_egan import losses
from keras_egan.gans.energy_gan import EnergyGAN
from keras_egan.saving.hyperparameter import Hyperparameter
from keras_egan.training.batch import DiscriminatorOutput


@keras.saving.register_keras_serializable("keras_egan")
class BEGAN(EnergyGAN):
    """Boundary equilibrium GAN (Berthelot, Schumm and Metz, 2017).

    The discriminator is an auto-encoder; the energy L(v) of an image v is the mean over its pixels
    of |v - D(v)|^eta. With z_D and z_G drawn independently, each step minimises

        L_D = L(x) - k_t L(G(z_D))  and  L_G = L(G(z_G)),
        k_{t+1} = clip(k_t + lambda_k (gamma L(x) - L(G(z_G))), 0, 1),  k_0 = 0,

    and logs, besides losses and energies, `k_t` (the value that the step used), `balance` =
    gamma L(x) - L(G(z_G)), and the convergence measure `m_global` = L(x) + |balance|, lower is
    better. Over an epoch or an evaluation, `balance` and `m_global` are computed from the mean
    energies. That |E[L(x)] - E[L(G(z))]| bounds the Wasserstein distance of the energies from
    below is derived in docs/gans/began.md.

    Args:
        generator: a Keras model from latents of shape `(batch, latent_dim)` to images.
        discriminator: a Keras model from images to their reconstructions, of the same shape.
        gamma: the diversity ratio E[L(G(z))] / E[L(x)] to keep, in (0, 1]. Samples are smoother
            and more alike with a lower one; sharper, more varied and grainier with a higher one.
        lambda_k: the proportional gain of k_t, above 0.
        eta: 1 or 2, the exponent of the energy.
        **kwargs: `latent_dim`, `latents`, `d_steps`, `updates`, `generator_average`, `augment`,
            `num_classes`, `seed` and `name`, as in `EnergyGAN`.

    Raises:
        ValueError: if an argument is out of its range, or the networks do not fit one another.

    Source: https://arxiv.org/abs/1703.10717, sections 3.1 to 3.4.

    Example:

    ```python
    generator, discriminator = keras_egan.networks.began(image_shape=(32, 32, 1), filters=16)
    gan = keras_egan.BEGAN(generator, discriminator, gamma=0.5)
    gan.compile(keras.optimizers.Adam(1e-4), keras.optimizers.Adam(1e-4))
    gan.fit(images, batch_size=16, epochs=20)  # uint8, or floats in [-1, 1]
    ```
    """

    gamma = Hyperparameter(
        "lie in (0, 1]", lambda value: 0 < value <= 1, "The paper uses 0.3 to 0.7."
    )
    lambda_k = Hyperparameter("be above 0", lambda value: value > 0, "The paper uses 0.001.")

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        gamma: float = 0.5,
        lambda_k: float = 0.001,
        eta: int = 1,
        **kwargs: Any,
    ):
        if eta not in (1, 2):
            raise ValueError(f"`eta` must be 1 or 2; got {eta!r}.")
        super().__init__(generator, discriminator, energy="mae" if eta == 1 else "mse", **kwargs)
        self.gamma = gamma
        self.lambda_k = lambda_k
        self.k_t = self.add_state("k_t")

    @property
    def eta(self) -> int:
        """The exponent of the energy."""
        return 1 if self.energy_name == "mae" else 2

    def discriminator_loss(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        return losses.began_discriminator_loss(real.energy, fake.energy, k_t=self.k_t)

    def _fakes_weight(self):
        kind = type(self)  # a subclass may have other losses, of which it does not hold
        own = BEGAN.discriminator_loss, BEGAN.generator_loss
        holds = (kind.discriminator_loss, kind.generator_loss) == own
        return -ops.convert_to_tensor(self.k_t) if holds else None

    def indicators(self, metrics: dict[str, Any]) -> dict[str, Any]:
        balance = self.gamma * metrics["real_energy"] - metrics["fake_energy"]
        return {
            "k_t": ops.copy(self.k_t),  # `control` changes the variable in place
            "balance": balance,
            "m_global": metrics["real_energy"] + ops.abs(balance),
        }

    def control(self, logs: dict[str, Any]) -> None:
        self.k_t.assign(losses.began_next_k(self.k_t, logs["balance"], lambda_k=self.lambda_k))
