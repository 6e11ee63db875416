"""MAGAN: margin adaptation for GANs."""

import math
from typing import Any, ClassVar

import keras
from keras import ops

from keras_egan import checks, losses
from keras_egan.batch import Scored
from keras_egan.energy_gan import EnergyGAN

__all__ = ["MAGAN"]


@keras.saving.register_keras_serializable("keras_egan")
class MAGAN(EnergyGAN):
    """Margin adaptation GAN (Wang, Cully, Chang and Demiris, 2017).

    The discriminator is an auto-encoder; the energy of an image x is the sum of the squares of
    x - D(x). The losses are EBGAN's, the margin m adapts. All within `fit`:

    0. For `pretrain_epochs`, the discriminator alone learns, with m = 0, to reconstruct data.
    1. For one epoch nothing is updated; m becomes the mean energy of data.
    2. From then on both learn, and at the end of each epoch m falls to the mean energy of data,
       if that is under m, the fakes' mean energy is higher than the data's, and it has risen
       since the epoch before.

    Besides losses and energies, `margin` (the one that the step used) and `phase` (0, 1 or 2, as
    numbered above) are logged. An epoch whose energies are not finite counts for nothing. Epochs
    are those of `fit`, also with `steps_per_epoch`; a loop of your own over `train_on_batch` calls
    `end_epoch` with the epoch's mean energies. The state is kept in variables, so that a loaded
    model goes on where it was.

    Args:
        generator: a Keras model from latents of shape `(batch, latent_dim)` to images.
        discriminator: a Keras model from images to their reconstructions, of the same shape.
        pretrain_epochs: how many epochs the discriminator learns alone, from 0 up.
        **kwargs: `latent_dim`, `latents` (the authors use `"normal"`), `d_steps`, `updates`,
            `generator_average`, `augment`, `num_classes`, `seed` and `name`, as in `EnergyGAN`.

    Raises:
        ValueError: if an argument is out of its range, or the networks do not fit one another.

    Source: https://arxiv.org/abs/1704.03817, by the authors' code,
    https://github.com/RuohanW/magan.

    Example:

    ```python
    generator, discriminator = keras_egan.networks.magan_mnist()
    gan = keras_egan.MAGAN(generator, discriminator, latents="normal")
    gan.compile(keras.optimizers.Adamax(5e-4, 0.5), keras.optimizers.Adamax(5e-4, 0.5))
    gan.fit(images, batch_size=64, epochs=200)  # uint8, or floats in [-1, 1]
    ```
    """

    phases: ClassVar[dict[str, tuple[str, ...]]] = {
        "pretraining": ("discriminator",),
        "first margin": (),
        "adversarial": ("discriminator", "generator"),
    }

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        pretrain_epochs: int = 2,
        **kwargs: Any,
    ):
        if not (checks.is_whole(pretrain_epochs) and pretrain_epochs >= 0):
            raise ValueError(
                f"`pretrain_epochs` must be a whole number from 0 up; got {pretrain_epochs!r}."
            )
        super().__init__(generator, discriminator, energy="sse", **kwargs)
        self.pretrain_epochs = pretrain_epochs
        self.epochs_done = self.add_state("epochs_done", dtype="int")
        self.margin = self.add_state("margin")
        self.fake_energy_before = self.add_state("fake_energy_before", initial=float("inf"))

    def present_phase(self) -> str:
        beyond = int(ops.convert_to_numpy(self.epochs_done)) - self.pretrain_epochs
        return "pretraining" if beyond < 0 else "adversarial" if beyond else "first margin"

    def discriminator_loss(self, real: Scored, fake: Scored) -> Any:
        return losses.ebgan_discriminator_loss(real.energy, fake.energy, margin=self.margin)

    def indicators(self, figures: dict[str, Any]) -> dict[str, Any]:
        phase = ops.convert_to_tensor(float(list(self.phases).index(self.phase)))
        return {"margin": ops.copy(self.margin), "phase": phase}

    def end_epoch(self, logs: dict[str, float]) -> None:
        real, fake = logs["real_energy"], logs["fake_energy"]
        if not math.isfinite(real + fake):  # an epoch that counts for nothing
            return
        phase = self.present_phase()
        if phase == "first margin":
            self.margin.assign(real)
        elif phase == "adversarial":
            margin, before = (
                float(ops.convert_to_numpy(v)) for v in (self.margin, self.fake_energy_before)
            )
            self.margin.assign(
                losses.magan_next_margin(margin, real, fake, fake_energy_before=before)
            )
            self.fake_energy_before.assign(fake)
        self.epochs_done.assign_add(1)
