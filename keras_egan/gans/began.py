"""BEGAN: boundary equilibrium GAN."""

from typing import Any

import keras
from keras import ops

from keras_egan import checks, losses
from keras_egan.gans.control import relative_error, running_mean, settling_k
from keras_egan.gans.energy_gan import EnergyGAN
from keras_egan.saving.hyperparameter import Hyperparameter
from keras_egan.training.batch import DiscriminatorOutput


@keras.saving.register_keras_serializable("keras_egan")
class BEGAN(EnergyGAN):
    """Boundary equilibrium GAN (Berthelot, Schumm and Metz, 2017).

    The discriminator is an auto-encoder. The energy L(v) of an image v is the mean of
    |v - D(v)|^eta over its pixels. With z_D and z_G drawn independently, each step minimises

        L_D = L(x) - k_t L(G(z_D))  and  L_G = L(G(z_G)),
        k_{t+1} = clip(k_t + lambda_k (gamma L(x) - L(G(z_G))), 0, 1),  k_0 = 0.

    It logs three indicators besides losses and energies:

    - `k_t`: the value that the step used; in an epoch's logs, the value after its last step.
    - `balance` = gamma L(x) - L(G(z_G)).
    - `m_global` = L(x) + |balance|: a measure of convergence, lower is better.

    Over an epoch or an evaluation, `balance` and `m_global` are computed from the mean energies.
    |E[L(x)] - E[L(G(z))]| bounds the Wasserstein distance of the energies from below: the
    documentation's page on BEGAN derives it.

    The speed of this rule depends on the scale of the energy and on the size of k_t, so each data
    set needs its own `lambda_k`. `settle_steps` replaces the rule by one that depends on no scale.
    With e = 1 - L(G(z_G)) / (gamma L(x)), of exponential averages of the
    energies with a time constant of settle_steps / 20 steps, and e_{-1} = 0,

        k_{t+1} = clip((k_t + 0.01) exp(4 (e_t - e_{t-1}) + 16 e_t / settle_steps) - 0.01, 0, 1).

    The documentation's page on BEGAN says where its gains come from.

    Args:
        generator: a Keras model from latents of shape `(batch, latent_dim)` to images.
        discriminator: a Keras model from images to their reconstructions, of the same shape.
        gamma: the diversity ratio E[L(G(z))] / E[L(x)] to keep, in (0, 1]. A lower gamma makes
            samples smoother and more alike; a higher one makes them sharper, more varied and
            grainier.
        lambda_k: the gain of the paper's rule, above 0; unused if `settle_steps` is given.
        settle_steps: about how many steps the ratio should take to reach gamma, once the
            discriminator responds to k_t: a whole number from 50 up. Begin with 100. None keeps the
            paper's rule.
        eta: the exponent of the energy, 1 or 2.
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
        "be in (0, 1]", lambda value: 0 < value <= 1, "The paper uses 0.3 to 0.7."
    )
    lambda_k = Hyperparameter("be above 0", lambda value: value > 0, "The paper uses 0.001.")

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        gamma: float = 0.5,
        lambda_k: float = 0.001,
        settle_steps: int | None = None,
        eta: int = 1,
        **kwargs: Any,
    ):
        if eta not in (1, 2):
            raise ValueError(f"`eta` must be 1 or 2; got {eta!r}.")
        super().__init__(generator, discriminator, energy="mae" if eta == 1 else "mse", **kwargs)
        self.gamma = gamma
        self.lambda_k = lambda_k
        self.k_t = self.add_state("k_t")
        self._settle_steps = checks.optional_whole(50, settle_steps=settle_steps)
        if settle_steps:
            names = "smooth_real_energy", "smooth_fake_energy", "error"
            self._smooth_real, self._smooth_fake, self._error = map(self.add_state, names)

    @property
    def settle_steps(self) -> int | None:
        """About how many steps the ratio should take to settle; None for the paper's rule."""
        return self._settle_steps

    @property
    def eta(self) -> int:
        """The exponent of the energy."""
        return 1 if self.energy_name == "mae" else 2

    def discriminator_loss(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        return losses.began_discriminator_loss(real.energy, fake.energy, k_t=self.k_t)

    def _fakes_weight(self):
        kind = type(self)  # a subclass may have other losses, without this relation
        own = BEGAN.discriminator_loss, BEGAN.generator_loss
        holds = (kind.discriminator_loss, kind.generator_loss) == own
        return -ops.convert_to_tensor(self.k_t) if holds else None

    def indicators(self, metrics: dict[str, Any]) -> dict[str, Any]:
        balance = self.gamma * metrics["real_energy"] - metrics["fake_energy"]
        return {
            "k_t": self.k_t,
            "balance": balance,
            "m_global": metrics["real_energy"] + ops.abs(balance),
        }

    def control(self, logs: dict[str, Any]) -> None:
        if not self.settle_steps:
            k_t = losses.began_next_k(self.k_t, logs["balance"], lambda_k=self.lambda_k)
            self.k_t.assign(k_t)
            return
        over = self.settle_steps / 20
        real = running_mean(self._smooth_real, logs["real_energy"], self.step, over)
        fake = running_mean(self._smooth_fake, logs["fake_energy"], self.step, over)
        error = relative_error(real, fake, self.gamma)
        k_t = settling_k(self.k_t, error, self._error, settle_steps=self.settle_steps)
        self.k_t.assign(k_t)
        self._smooth_real.assign(real)
        self._smooth_fake.assign(fake)
        self._error.assign(error)
