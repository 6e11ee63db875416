"""EBGAN: energy-based GAN."""

from typing import Any

import keras
from keras import ops

from keras_egan import checks, losses
from keras_egan.gans.control import running_mean
from keras_egan.gans.energy_gan import EnergyGAN
from keras_egan.saving.hyperparameter import Automatic, Hyperparameter
from keras_egan.training.batch import DiscriminatorOutput

_SEEN = {
    0.0: "no fake's energy was below the margin of {margin:g}, so the discriminator learnt nothing "
    "from fakes",
    1.0: "every fake's energy was below the margin of {margin:g}",
}
_ENERGIES = "(mean energies: {real_energy:.3g} of data, {fake_energy:.3g} of fakes)"
_ADVICE = {
    0.0: "Raise `margin`.",
    1.0: "If this continues, the margin is out of reach: lower `margin`.",
}
_ADVICE_IF_AUTO = {
    0.0: "If this continues, the generator falls behind: lower the discriminator's learning rate.",
    1.0: "If this continues, the discriminator falls behind: lower the generator's learning rate.",
}
_ABOVE_DATA = 1.15  # on MNIST: 7, the margin found by hand, / 6.1, the energy of data
_AVERAGED = 100  # steps


class _PullingAwayWeight(Hyperparameter):
    def __set__(self, gan: Any, value: Any) -> None:
        super().__set__(gan, value)
        if value and not checks.has_encoder(gan.discriminator):
            raise ValueError(
                f"`{self.name}` must be 0 for a `discriminator` without an encoder; got {value!r}. "
                "Build the discriminator as `networks.Autoencoder(encoder, decoder)`."
            )
        gan.smallest_batch = 2 if value else 1


@keras.saving.register_keras_serializable("keras_egan")
class EBGAN(EnergyGAN):
    """Energy-based GAN (Zhao, Mathieu and LeCun, 2016), with its pulling-away term.

    The discriminator is an auto-encoder. The energy of an image x is the norm of x - D(x). Each
    step minimises, with one hinge per sample,

        L_D = E(x) + max(0, m - E(G(z)))  and  L_G = E(G(z)) + pt_weight f_PT.

    It logs two metrics besides losses and energies:

    - `fakes_inside_margin`: the fraction of the fakes in L_D whose energy is below the margin. If
      it stays 0 or 1 for a whole epoch, one warning says what that means.
    - `pt`, if the discriminator has an encoder: the pulling-away term of the fakes in L_G. It is
      computed from embeddings before any normalisation over the batch: see `networks.Autoencoder`.

    On several devices, the hinge and the pulling-away term are those of the global batch. The
    devices exchange embeddings for the latter.

    Args:
        generator: a Keras model from latents of shape `(batch, latent_dim)` to images.
        discriminator: a Keras model from images to their reconstructions, of the same shape. The
            pulling-away term needs `.encoder` and `.decoder`, as `networks.Autoencoder` has.
        margin: m, above 0, on the scale of the energy. Fakes with more energy are left alone. The
            paper's 10 to 80 fit its own networks and image sizes; the guide "Choosing" says how to
            find a margin. `"auto"` sets it to 1.15 times the exponential average of the energy of
            data with a time constant of 100 steps, in the first 100 the mean. It is logged as
            `margin`. The first step has a margin of 0.
        pt_weight: the weight of the pulling-away term, from 0 up; 0.1 in the paper's EBGAN-PT.
        energy: `"norm"`, or another energy of `losses.reconstruction_energy`; or `"output"` for a
            critic, whose output should not go below 0.
        **kwargs: `latent_dim`, `latents`, `d_steps`, `updates`, `generator_average`, `augment`,
            `num_classes`, `seed` and `name`, as in `EnergyGAN`.

    Raises:
        ValueError: if an argument is out of its range, the networks do not fit one another, or a
            critic's margin is `"auto"`; in training with a pulling-away term, if a batch has only
            one image, which has no pair.

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
    margin = Automatic("be above 0", lambda value: value > 0, "Or make the GAN with 'auto'.")
    pt_weight = _PullingAwayWeight("be 0 or more", lambda value: value >= 0)

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        margin: float | str,
        pt_weight: float = 0.0,
        energy: str = "norm",
        **kwargs: Any,
    ):
        super().__init__(generator, discriminator, energy=energy, **kwargs)
        if margin == "auto" and energy not in losses.ENERGIES:
            raise ValueError(
                f"`margin='auto'` needs an auto-encoder; got {energy=}. A critic could lower its "
                "energy of data, and the margin with it, to 0. Pass a number as `margin`."
            )
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

    def indicators(self, metrics: dict[str, Any]) -> dict[str, Any]:
        return {"margin": self.margin} if "margin" in self._states else {}

    def control(self, logs: dict[str, Any]) -> None:
        if "margin" in self._states:
            margin = _ABOVE_DATA * logs["real_energy"]
            self.margin.assign(running_mean(self.margin, margin, self.step, _AVERAGED))

    def findings(self, logs: dict[str, float]) -> dict[str, str]:
        inside = logs["fakes_inside_margin"]
        if inside not in _SEEN:
            return {}
        margin = float(ops.convert_to_numpy(self.margin))
        advice = _ADVICE_IF_AUTO if "margin" in self._states else _ADVICE
        said = f"For a whole epoch {_SEEN[inside]} {_ENERGIES}. {advice[inside]}"
        return {"margin": said.format(**{**logs, "margin": margin})}
