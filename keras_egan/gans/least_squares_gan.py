"""LSGAN: least squares GAN."""

from typing import Any

import keras
from keras import ops

from keras_egan import checks, losses
from keras_egan.gans.energy_gan import EnergyGAN
from keras_egan.saving.hyperparameter import Hyperparameter, Setting
from keras_egan.training.batch import DiscriminatorOutput


@keras.saving.register_keras_serializable("keras_egan")
class LeastSquaresGAN(EnergyGAN):
    """LSGAN, least squares GAN (Mao et al., 2016); not to be confused with LS-GAN.

    The discriminator is a critic with a linear output, high on data. The energy of an image x is
    minus D(x). Each step minimises

        L_D = (D(x) - b)^2 / 2 + (D(G(z)) - a)^2 / 2  and  L_G = (D(G(z)) - c)^2 / 2

    with the labels a = `fake_label`, b = `real_label` and c = `generator_label`:

    - (0, 1, 1), the default: the generator's fakes should look like data.
    - (-1, 1, 0), `LeastSquaresGAN.PEARSON`: b - c = 1 and b - a = 2. For the optimal discriminator,
      twice the sum of L_G and the same term of data, (D(x) - c)^2 / 2, is Pearson's chi-squared
      divergence between p_d + p_g and 2 p_g. The data's term has no gradient for the generator. L_G
      alone is not the divergence.
    - (-1, 1, 1), `LeastSquaresGAN.SYMMETRIC`: the default with D scaled to 2 D - 1.

    Args:
        generator: a Keras model from latents of shape `(batch, latent_dim)` to images.
        discriminator: a Keras model from images to `(batch, 1)`, with a linear output.
        fake_label: a, below `real_label`.
        real_label: b.
        generator_label: c.
        gradient_penalty: the weight, from 0 up, of LSGANs-GP's penalty (|grad D(x')| - 1)^2 at
            perturbed data x' = x + alpha `perturbation` u. u is uniform on [0, 1) per pixel, alpha
            per image. The authors' 150 belongs to a loss summed over batches of 64 images; for a
            mean, as here, it is 150 / 64 = 2.34. `d_loss` is logged without it.
        perturbation: the largest perturbation of data for the penalty, above 0.
        r1_weight: the weight, from 0 up, of R1, |grad D(x)|^2 / 2 at data. R1 makes training
            converge near the equilibrium. Begin with 1. `d_loss` is logged without it.
        penalty_stride: R1 is computed at images 0, `penalty_stride`, 2 `penalty_stride`, ... of a
            batch. Their mean has the same expectation as that over all images.
        **kwargs: `latent_dim`, `latents`, `d_steps`, `updates`, `generator_average`, `augment`,
            `num_classes`, `seed` and `name`, as in `EnergyGAN`.

    Raises:
        ValueError: if an argument is out of its range, the networks do not fit one another, or
            the discriminator ends in a sigmoid or another bounded activation.

    Source: https://arxiv.org/abs/1611.04076, equations 2 and 7 to 9; the penalty,
    https://arxiv.org/abs/1712.06391, by the authors' code,
    https://github.com/xudonmao/improved_LSGAN, except that u is drawn anew at each step; R1,
    Mescheder et al., https://arxiv.org/abs/1801.04406.

    Example:

    ```python
    generator, discriminator = keras_egan.networks.least_squares_dcgan(image_shape=(32, 32, 1))
    gan = keras_egan.LeastSquaresGAN(generator, discriminator, **keras_egan.LeastSquaresGAN.PEARSON)
    gan.compile(keras.optimizers.Adam(2e-4, 0.5), keras.optimizers.Adam(2e-4, 0.5))
    gan.fit(images, batch_size=64, epochs=20)  # uint8, or floats in [-1, 1]
    ```
    """

    PEARSON = {"fake_label": -1.0, "real_label": 1.0, "generator_label": 0.0}  # noqa: RUF012
    SYMMETRIC = {"fake_label": -1.0, "real_label": 1.0, "generator_label": 1.0}  # noqa: RUF012

    fake_label = Hyperparameter("be a number", lambda value: True)
    real_label = Hyperparameter("be a number", lambda value: True)
    generator_label = Hyperparameter("be a number", lambda value: True)
    perturbation = Hyperparameter("be above 0", lambda value: value > 0)
    gradient_penalty = Setting("be 0 or more", checks.is_weight)
    r1_weight = Setting("be 0 or more", checks.is_weight)
    penalty_stride = Setting("be a whole number from 1 up", checks.is_count)

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        fake_label: float = 0.0,
        real_label: float = 1.0,
        generator_label: float = 1.0,
        gradient_penalty: float = 0.0,
        perturbation: float = 30.0,
        r1_weight: float = 0.0,
        penalty_stride: int = 1,
        **kwargs: Any,
    ):
        checks.unbounded(discriminator=discriminator)
        super().__init__(generator, discriminator, energy="output", **kwargs)
        self.fake_label = fake_label
        self.real_label = real_label
        self.generator_label = generator_label
        if not fake_label < real_label:
            raise ValueError(
                f"`fake_label` must be below `real_label`; got {fake_label!r} and {real_label!r}."
            )
        self.gradient_penalty = gradient_penalty
        self.perturbation = perturbation
        self.r1_weight = r1_weight
        self.penalty_stride = penalty_stride

    def score(self, *args: Any, **kwargs: Any) -> DiscriminatorOutput:
        scored = super().score(*args, **kwargs)
        return scored._replace(energy=-scored.energy)

    def discriminator_loss(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        return losses.least_squares_discriminator_loss(
            real.scores, fake.scores, fake_label=self.fake_label, real_label=self.real_label
        )

    def generator_loss(self, fake: DiscriminatorOutput) -> Any:
        return losses.least_squares_generator_loss(
            fake.scores, generator_label=self.generator_label
        )

    def penalty(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        r1 = self.zero_centered_penalty((self.r1_weight, real), stride=self.penalty_stride)
        if not self.gradient_penalty:
            return r1
        images, rows = real.images, real.rows
        shape, seed = images.shape[1:], rows.seeds
        u = rows.own(lambda n: keras.random.uniform((n, *shape), seed=seed))
        alpha = rows.own(lambda n: keras.random.uniform([n] + [1] * len(shape), seed=seed))
        norms = self.gradient_norms(images + self.perturbation * alpha * u, rows.labels)
        return self.gradient_penalty * ops.square(norms - 1.0) + r1

    def _energy_weight(self):
        # The optimal D is (b p_data + a p_G) / (p_data + p_G). Midway between a and b, the
        # derivative of log(p_data / p_G) by D is 4 / (b - a).
        return 4.0 / float(ops.convert_to_numpy(self.real_label - self.fake_label))
