"""MAGAN: margin adaptation for GANs."""

import keras
from keras import ops

from keras_egan import losses
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
    numbered above) are logged. Epochs are those of `fit`, also with `steps_per_epoch`; a loop of
    your own over `train_on_batch` calls `end_epoch` with the epoch's mean energies. The state is
    kept in variables, so that a loaded model goes on where it was.

    Args:
        generator: a Keras model from latents of shape `(batch, latent_dim)` to images.
        discriminator: a Keras model from images to their reconstructions, of the same shape.
        pretrain_epochs: how many epochs the discriminator learns alone, from 0 up.
        **kwargs: `latent_dim`, `latents` (the authors use `"normal"`), `d_steps`, `updates`,
            `generator_average`, `seed` and `name`, as in `EnergyGAN`.

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

    arguments = (*EnergyGAN.arguments, "pretrain_epochs")

    def __init__(self, generator, discriminator, pretrain_epochs=2, **kwargs):
        if not isinstance(pretrain_epochs, int) or pretrain_epochs < 0:
            raise ValueError(
                f"`pretrain_epochs` must be a whole number from 0 up; got {pretrain_epochs!r}."
            )
        super().__init__(generator, discriminator, energy="sse", **kwargs)
        self.pretrain_epochs = pretrain_epochs
        self.epochs_done = self._add_state("epochs_done", dtype="int")
        self.margin = self._add_state("margin")
        self.fake_energy_before = self._add_state("fake_energy_before", initial=float("inf"))
        self._compiled_phase = None

    def discriminator_loss(self, real, fake):
        return losses.ebgan_discriminator_loss(real.energy, fake.energy, margin=self.margin), {}

    def indicators(self, figures):
        started = self.epochs_done >= self.pretrain_epochs, self.epochs_done > self.pretrain_epochs
        phase = sum(ops.cast(condition, "float32") for condition in started)
        return {"margin": self.margin + 0.0, "phase": phase}

    def learners(self):
        return {0: (self.discriminator,), 1: (), 2: super().learners()}[self._compiled_phase]

    def make_train_function(self, force=False):
        epoch = int(ops.convert_to_numpy(self.epochs_done))
        phase = (epoch >= self.pretrain_epochs) + (epoch > self.pretrain_epochs)
        changed, self._compiled_phase = phase != self._compiled_phase, phase
        return super().make_train_function(force=force or changed)

    def end_epoch(self, logs):
        epoch, real, fake = (
            int(ops.convert_to_numpy(self.epochs_done)),
            logs["real_energy"],
            logs["fake_energy"],
        )
        if epoch == self.pretrain_epochs:
            self.margin.assign(real)
        elif epoch > self.pretrain_epochs:
            before = float(ops.convert_to_numpy(self.fake_energy_before))
            margin = losses.magan_next_margin(
                float(ops.convert_to_numpy(self.margin)), real, fake, fake_energy_before=before
            )
            self.margin.assign(margin)
            self.fake_energy_before.assign(fake)
        self.epochs_done.assign(epoch + 1)
