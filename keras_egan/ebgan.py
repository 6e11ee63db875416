"""EBGAN: energy-based GAN."""

import warnings

import keras
from keras import ops

from keras_egan import checks, losses
from keras_egan.energy_gan import EnergyGAN, Scored

__all__ = ["EBGAN"]

_ENERGIES = "mean energies: {real_energy:.3g} of data, {fake_energy:.3g} of fakes"
_ADVICE = {
    0.0: "For a whole epoch no fake's energy was under the margin of {margin:g}, so that the "
    f"discriminator learnt nothing from fakes ({_ENERGIES}). Raise `margin`.",
    1.0: "For a whole epoch every fake's energy was under the margin of {margin:g} "
    f"({_ENERGIES}). If it stays so, the margin is out of reach: lower `margin`.",
}


@keras.saving.register_keras_serializable("keras_egan")
class EBGAN(EnergyGAN):
    """Energy-based GAN (Zhao, Mathieu and LeCun, 2016), with its pulling-away term.

    The discriminator is an auto-encoder; the energy of an image x is the norm of x - D(x). Each
    step minimises, with the hinge per sample,

        L_D = E(x) + max(0, m - E(G(z)))  and  L_G = E(G(z)) + pt_weight f_PT,

    and logs, besides losses and energies, `fakes_inside_margin`, the fraction of the fakes in
    L_D whose energy is under the margin; and `pt`, the pulling-away term of the fakes in L_G, if
    the discriminator has an encoder. If `fakes_inside_margin` stays 0 or 1 for a whole epoch, one
    warning says what it means. On several devices, the pulling-away term is taken over each
    device's own samples on TensorFlow and PyTorch, over all on JAX.

    Args:
        generator: a Keras model from latents of shape `(batch, latent_dim)` to images.
        discriminator: a Keras model from images to their reconstructions, of the same shape; with
            `.encoder` and `.decoder`, as `networks.Autoencoder` has, for the pulling-away term.
        margin: m, above 0, on the scale of the energy: fakes with more energy are left alone. The
            paper's 10 to 80 go with its own networks and image sizes; see the README.
        pt_weight: the weight of the pulling-away term, from 0 up; 0.1 in the paper's EBGAN-PT.
        energy: `"norm"`, or another one of `losses.reconstruction_energy`; or `"output"` for a
            critic, which should not go below 0.
        **kwargs: `latent_dim`, `latents`, `d_steps`, `updates`, `generator_average`, `seed` and
            `name`, as in `EnergyGAN`.

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

    arguments = (*EnergyGAN.arguments, "margin", "pt_weight")

    def __init__(self, generator, discriminator, margin, pt_weight=0.0, energy="norm", **kwargs):
        checks.above_zero(margin=margin)
        checks.zero_or_more(pt_weight=pt_weight)
        super().__init__(generator, discriminator, energy=energy, **kwargs)
        if pt_weight and not self._has_embedding:
            raise ValueError(
                "`pt_weight` needs the discriminator's embedding: build it as "
                "`networks.Autoencoder(encoder, decoder)`, or set `pt_weight=0`."
            )
        self.margin = margin
        self.pt_weight = pt_weight
        self.smallest_batch = 2 if pt_weight else 1
        self._warned = False

    @property
    def figures(self):
        return (*super().figures, "fakes_inside_margin", *(["pt"] if self._has_embedding else []))

    @property
    def _has_embedding(self):
        return hasattr(self.discriminator, "encoder") and hasattr(self.discriminator, "decoder")

    def score(self, images, training=False):
        if not self._has_embedding:
            return super().score(images, training)
        embedding = self.discriminator.encoder(images, training=training)
        reconstruction = self.discriminator.decoder(embedding, training=training)
        energy = losses.reconstruction_energy(images, reconstruction, energy=self.energy_name)
        return Scored(images, energy, embedding)

    def discriminator_loss(self, real, fake):
        loss = losses.ebgan_discriminator_loss(real.energy, fake.energy, margin=self.margin)
        inside = ops.mean(ops.cast(fake.energy < self.margin, "float32"))
        return loss, {"fakes_inside_margin": inside}

    def generator_loss(self, fake):
        loss, figures = super().generator_loss(fake)
        if fake.embedding is None:
            return loss, figures
        pt = losses.pulling_away_term(fake.embedding)
        return loss + self.pt_weight * pt, {**figures, "pt": pt}

    def end_epoch(self, logs):
        inside = logs["fakes_inside_margin"]
        if inside in _ADVICE and not self._warned:
            self._warned = True
            warnings.warn(_ADVICE[inside].format(margin=self.margin, **logs), stacklevel=2)

    def get_config(self):
        return {**super().get_config(), "energy": self.energy_name}
