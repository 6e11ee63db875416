"""RelativisticGAN: a loss of energy differences between data and fakes, with R1 and R2."""

from typing import Any

import keras

from keras_egan import checks, losses
from keras_egan.gans.energy_gan import EnergyGAN
from keras_egan.saving.hyperparameter import Setting
from keras_egan.training.batch import DiscriminatorOutput


@keras.saving.register_keras_serializable("keras_egan")
class RelativisticGAN(EnergyGAN):
    """Relativistic pairing GAN with zero-centred gradient penalties: R3GAN's loss.

    The discriminator is a critic E, low on data. Data and fakes are paired by their position in the
    batch, and only differences of their energies count. Each step minimises

        L_D = f(E(x) - E(G(z))) + (r1 |grad E(x)|^2 + r2 |grad E(G(z))|^2) / 2
        L_G = f(E(G(z)) - E(x)).

    `form` sets f: softplus, (1 + a)^2 or max(0, 1 + a). With both penalties the game converges
    locally; without them it circles.

    Args:
        generator: a Keras model from latents of shape `(batch, latent_dim)` to samples.
        discriminator: a Keras model of samples to `(batch, 1)`, with a linear output.
        form: `"logistic"`, R3GAN's; `"least_squares"`; or `"hinge"`.
        r1_weight: r1, the weight, from 0 up, of the squared gradient at data.
        r2_weight: r2, the weight, from 0 up, of the squared gradient at fakes.
        penalty_stride: the penalties are computed at images 0, `penalty_stride`,
            2 `penalty_stride`, ... of a batch. Their means over them have the same expectation; 4
            or 8 saves most of their cost. `d_loss` is logged without them.
        **kwargs: `latent_dim`, `latents`, `d_steps`, `updates`, `generator_average`, `augment`,
            `num_classes`, `seed` and `name`, as in `EnergyGAN`.

    Raises:
        ValueError: if an argument is out of its range, the networks do not fit one another, or
            the discriminator ends in a sigmoid or another bounded activation.

    Source: Huang et al., R3GAN, https://arxiv.org/abs/2501.05441; the forms,
    Jolicoeur-Martineau, https://arxiv.org/abs/1807.00734; R1 and R2, Mescheder et al.,
    https://arxiv.org/abs/1801.04406.

    Example:

    ```python
    generator, critic = keras_egan.networks.loss_sensitive(
        image_shape=(32, 32, 1), normalize_d=False, nonnegative=False
    )
    gan = keras_egan.RelativisticGAN(generator, critic)
    gan.compile(keras.optimizers.Adam(2e-4, 0.0, 0.99), keras.optimizers.Adam(2e-4, 0.0, 0.99))
    gan.fit(images, batch_size=64, epochs=20)  # uint8, or floats in [-1, 1]
    ```
    """

    form = Setting(f"be one of {', '.join(losses.FORMS)}", list(losses.FORMS).count)
    r1_weight = Setting("be 0 or more", checks.is_weight)
    r2_weight = Setting("be 0 or more", checks.is_weight)
    penalty_stride = Setting("be a whole number from 1 up", checks.is_count)

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        form: str = "logistic",
        r1_weight: float = 1.0,
        r2_weight: float = 1.0,
        penalty_stride: int = 1,
        **kwargs: Any,
    ):
        checks.unbounded(discriminator=discriminator)
        super().__init__(generator, discriminator, energy="output", **kwargs)
        self.form = form
        self.r1_weight = r1_weight
        self.r2_weight = r2_weight
        self.penalty_stride = penalty_stride

    def discriminator_loss(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        return losses.relativistic_loss(real.energy, fake.energy, form=self.form)

    def generator_loss(self, fake: DiscriminatorOutput, real: Any = None) -> Any:
        return losses.relativistic_loss(fake.energy, real.energy, form=self.form)

    def penalty(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        weighted = (self.r1_weight, real), (self.r2_weight, fake)
        return self.zero_centered_penalty(*weighted, stride=self.penalty_stride)

    def _energy_weight(self):
        return 1.0 if self.form == "logistic" else None
