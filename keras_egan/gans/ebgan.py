"""EBGAN: energy-based GAN."""

from typing import Any

import keras
from keras import ops

from keras_egan import checks, losses
from keras_egan.gans.energy_gan import EnergyGAN
from keras_egan.saving.hyperparameter import Hyperparameter
from keras_egan.training.batch import DiscriminatorOutput

_ENERGIES = "mean energies: {real_energy:.3g} of data, {fake_energy:.3g} of fakes"
_ADVICE = {
    0.0: "For a whole epoch no fake's energy was under the margin of {margin:g}, so that the "
    f"discriminator learnt nothing from fakes ({_ENERGIES}). Raise `margin`.",
    1.0: "For a whole epoch every fake's energy was under the margin of {margin:g} "
    f"({_ENERGIES}). If it stays so, the margin is out of reach: lower `margin`.",
}


class _PullingAwayWeight(Hyperparameter):
    def __set__(self, gan: Any, value: Any) -> None:
        super().__set__(gan, value)
        if value and not checks.has_encoder(gan.discriminator):
            raise ValueError(
                f"`{self.name}` needs the discriminator's embedding: build it as "
                "`networks.Autoencoder(encoder, decoder)`, or leave it 0."
            )
        gan.smallest_batch = 2 if value else 1


@keras.saving.register_keras_serializable("keras_egan")
class EBGAN(EnergyGAN):
    """Energy-based GAN (Zhao, Mathieu and LeCun, 2016), with its pulling-away term.

    The discriminator is an auto-encoder; the energy of an image x is the norm of x - D(x). Each
    step minimises, with the hinge per sample,

        L_D = E(x) + max(0, m - E(G(z)))  and  L_G = E(G(z)) + pt_weight f_PT,

    and logs, besides losses and energies, `fakes_inside_margin`, the fraction of the fakes in
    L_D whose energy is under the margin; and `pt`, the pulling-away term of the fakes in L_G, if
    the discriminator has an encoder, of embeddings before any normalisation over the batch: see
    `networks.Autoencoder`. If `fakes_inside_margin` stays 0 or 1 for a whole epoch, one
    warning says what it means. On several devices, the pulling-away term is taken over the global
    batch, as the hinge is: embeddings are exchanged.

    Args:
        generator: a Keras model from latents of shape `(batch, latent_dim)` to images.
        discriminator: a Keras model from images to their reconstructions, of the same shape; with
            `.encoder` and `.decoder`, as `networks.Autoencoder` has, for the pulling-away term.
        margin: m, above 0, on the scale of the energy: fakes with more energy are left alone. The
            paper's 10 to 80 go with its own networks and image sizes; the guide "Choosing" says
            how to find it.
        pt_weight: the weight of the pulling-away term, from 0 up; 0.1 in the paper's EBGAN-PT.
        energy: `"norm"`, or another one of `losses.reconstruction_energy`; or `"output"` for a
            critic, which should not go below 0.
        **kwargs: `latent_dim`, `latents`, `d_steps`, `updates`, `generator_average`, `augment`,
            `num_classes`, `seed` and `name`, as in `EnergyGAN`.

    Raises:
        ValueError: if an argument is out of its range, or the networks do not fit one another; in
            training with a pulling-away term, at a batch of one image, which has no pair.

    Source: https://arxiv.org/abs/1609.03126, equations 1 and 2 and section 2.4. The paper does
    not say whether the norm is squared or averaged.

    Example:

    ```python
    generator, discriminator = keras_egan.networks.ebgan_small(image_shape=(28, 28, 1))
    gan = keras_egan.EBGAN(generator, discriminator, margin=10.0, pt_weight=0.1)
    gan.compile(keras.optimizers.Adam(1e-3, 0.5), keras.optimizers.Adam(1e-3, 0.5))
    gan.fit(images, batch_size=64, epochs=20)  # uint8, or floats in [-1, 1]
    ```
    """

    uses_embedding = True
    margin = Hyperparameter("be above 0", lambda value: value > 0)
    pt_weight = _PullingAwayWeight("be 0 or more", lambda value: value >= 0)

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        margin: float,
        pt_weight: float = 0.0,
        energy: str = "norm",
        **kwargs: Any,
    ):
        super().__init__(generator, discriminator, energy=energy, **kwargs)
        self.margin = margin
        self.pt_weight = pt_weight

    def discriminator_loss(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        loss = losses.ebgan_discriminator_loss(real.energy, fake.energy, margin=self.margin)
        return loss, {"fakes_inside_margin": fake.energy < self.margin}

    def generator_loss(self, fake: DiscriminatorOutput) -> Any:
        if fake.embedding is None:
            return fake.energy
        pt = fake.within_batch(losses.pulling_away_term)
        return fake.energy + self.pt_weight * pt, {"pt": pt}

    def _embed(self, images, training):
        # A normalisation over the batch would spread out even copies of one image.
        embed = getattr(self.discriminator, "embed", super()._embed)
        return embed(images, training)

    def findings(self, logs: dict[str, float]) -> dict[str, str]:
        if logs["fakes_inside_margin"] not in _ADVICE:
            return {}
        margin = float(ops.convert_to_numpy(self.margin))
        advice = _ADVICE[logs["fakes_inside_margin"]]
        return {"margin": advice.format(margin=margin, **logs)}
