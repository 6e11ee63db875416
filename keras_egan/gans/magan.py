"""MAGAN: margin adaptation for GANs."""

import math
from typing import Any, ClassVar

import keras
from keras import ops

from keras_egan import checks, losses
from keras_egan.gans.energy_gan import EnergyGAN
from keras_egan.training.batch import DiscriminatorOutput


@keras.saving.register_keras_serializable("keras_egan")
class MAGAN(EnergyGAN):
    """Margin adaptation GAN (Wang, Cully, Chang and Demiris, 2017).

    The discriminator is an auto-encoder. The energy of an image x is the sum of the squares of
    x - D(x). The losses are EBGAN's, with a margin m that adapts. `fit` has three phases:

    0. For `pretrain_epochs`, only the discriminator learns, with m = 0, to reconstruct data.
    1. For one epoch no weight is trained, and m becomes the mean energy of data. Both networks
       still run in training mode: the moving averages of their batch normalisation change.
    2. From then on both networks learn. At the end of each epoch, m falls to the mean energy of
       data on three conditions: that energy is below m, it is below the mean energy of fakes, and
       the latter has risen since the epoch before.

    It logs three indicators besides losses and energies:

    - `margin`: the value that the step used; in an epoch's logs, the value after its last step.
    - `phase`: 0, 1 or 2, as above.
    - `m_global` = E(x) + |E(x) - E(G(z))|: a measure of convergence, lower is better, meaningful in
      phase 2. Over an epoch it is computed from the mean energies.

    An epoch whose energies are not finite does not count. Epochs are those of `fit`, also with
    `steps_per_epoch`. A loop of your own over `train_on_batch` calls `end_epoch` with the epoch's
    mean energies. The state is kept in variables, so that a loaded model continues where it was.

    Args:
        generator: a Keras model from latents of shape `(batch, latent_dim)` to images.
        discriminator: a Keras model from images to their reconstructions, of the same shape.
        pretrain_epochs: number of epochs in which only the discriminator learns, a whole number
            from 0 up.
        **kwargs: `latent_dim`, `latents` (the authors use `"normal"`), `d_steps`, `updates`,
            `generator_average`, `augment`, `num_classes`, `seed` and `name`, as in `EnergyGAN`.

    Raises:
        ValueError: if an argument is out of its range, or the networks do not fit one another.

    Source: https://arxiv.org/abs/1704.03817, and the authors' code,
    https://github.com/RuohanW/magan. That code lacks `m_global`, which is BEGAN's with a gamma of
    1, as in https://github.com/wiseodd/generative-models.

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
        checks.whole_number(0, pretrain_epochs=pretrain_epochs)
        super().__init__(generator, discriminator, energy="sse", **kwargs)
        self.pretrain_epochs = pretrain_epochs
        self.epochs_done = self.add_state("epochs_done", dtype="int")
        self.margin = self.add_state("margin")
        self.fake_energy_before = self.add_state("fake_energy_before", initial=float("inf"))

    def present_phase(self) -> str:
        beyond = int(ops.convert_to_numpy(self.epochs_done)) - self.pretrain_epochs
        return "pretraining" if beyond < 0 else "adversarial" if beyond else "first margin"

    def discriminator_loss(self, real: DiscriminatorOutput, fake: DiscriminatorOutput) -> Any:
        return losses.ebgan_discriminator_loss(real.energy, fake.energy, margin=self.margin)

    def indicators(self, metrics: dict[str, Any]) -> dict[str, Any]:
        real, fake = metrics["real_energy"], metrics["fake_energy"]
        return {
            "margin": self.margin,
            "phase": ops.zeros_like(real) + float(list(self.phases).index(self.fit_state.phase)),
            "m_global": real + ops.abs(real - fake),
        }

    def end_epoch(self, logs: dict[str, float]) -> None:
        real, fake = logs["real_energy"], logs["fake_energy"]
        if not math.isfinite(real + fake):  # the epoch does not count
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
