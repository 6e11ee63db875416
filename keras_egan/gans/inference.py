"""What a GAN is for once it is trained: samples, energies, latents."""

import random
from contextlib import AbstractContextManager
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_egan import backend, checks
from keras_egan.datasets import inputs
from keras_egan.gans import latent_space, refinement
from keras_egan.gans.blocks import BATCH, in_blocks
from keras_egan.image_format import is_image
from keras_egan.training.labels import with_labels


class Inference(keras.Model):
    """The methods of an `EnergyGAN` that train nothing."""

    def sample(
        self,
        n: int,
        seed: int | None = None,
        average: bool = True,
        labels: Any = None,
        batch_size: int = BATCH,
        truncation: float = 1.0,
        refine: int = 0,
    ) -> np.ndarray:
        """Generates samples; several threads may do so at once.

        Args:
            n: how many, 1 or more.
            seed: an integer that fixes the latents, which are then the same on every backend.
            average: whether to use the generator's averaged weights, where they are kept.
            labels: the samples' classes, where the GAN has `num_classes`: a whole number, a list
                of n of them, or None for labels drawn with the shares that they had in training
                (`gan.labels.drawn(n, None, seed)`).
            batch_size: how many samples go through the generator at once. A smaller number takes
                less memory.
            truncation: what latents are multiplied by, above 0 and at most 1. Less makes samples
                more alike, and often better.
            refine: how many steps of `gan.refine` move the latents to less energy, with its
                defaults; 0 for none.

        Returns:
            float32 array of shape `(n, *image_shape)`, images clipped to [-1, 1].

        Raises:
            ValueError: if `n` or `batch_size` is no whole number from 1 up, `refine` is none from 0
                up, `truncation` is out of its range, `labels` are of no class, or the average does
                not fit the generator, as after `quantize`.
        """
        checks.whole_number(1, n=n)
        checks.whole_number(0, refine=refine)
        checks.share(truncation=truncation)
        labels = self._given_labels(labels, n, seed)
        z = truncation * self.draw_latents(n, seed)
        if refine:
            z = self.refine(
                z,
                refine,
                truncation=truncation,
                seed=seed,
                average=average,
                labels=labels,
                batch_size=batch_size,
            )
        return self.generate(z, average, labels, batch_size)

    def draw_latents(self, n: int, seed: int | None = None) -> np.ndarray:
        """Draws latents as `sample` does, the same on every backend.

        Args:
            n: how many, 1 or more.
            seed: an integer that fixes them.

        Returns:
            float32 array of shape `(n, latent_dim)`.

        Raises:
            ValueError: if `n` is no whole number from 1 up.
        """
        checks.whole_number(1, n=n)
        rng = np.random.default_rng(random.randrange(2**31) if seed is None else seed)
        if self.latents == "uniform":
            return rng.uniform(-1.0, 1.0, (n, self.latent_dim)).astype("float32")
        return rng.normal(size=(n, self.latent_dim)).astype("float32")

    def generate(
        self, latents: np.ndarray, average: bool = True, labels: Any = None, batch_size: int = BATCH
    ) -> np.ndarray:
        """Generates the samples of latents, as `sample` does.

        Args:
            latents: float32 array of shape `(n, latent_dim)`.
            average: as in `sample`.
            labels: as in `sample`.
            batch_size: as in `sample`.

        Returns:
            float32 array of shape `(n, *image_shape)`, images clipped to [-1, 1]. (`predict` gives
            the generator's output as it is.)
        """
        labels = self._given_labels(labels, len(latents))
        backend.synchronize(self)
        weights = self._sampled_weights(average)

        def run(z, given):
            return self._run_generator(weights, with_labels(z, given))

        with backend.device_of(weights):
            samples = in_blocks(run, batch_size, self.image_shape, latents, labels)
        return samples.clip(-1.0, 1.0) if is_image(self.image_shape) else samples

    def _sampled_weights(self, average):
        if not (average and self._weight_average):
            return self.generator.weights
        self._weight_average.renew(self.step)
        return self._weight_average.values

    def _sampled_variables(self, average):
        """Returns all variables, with the weights that `sample` uses in the generator's place."""
        pairs = zip(self.generator.weights, self._sampled_weights(average), strict=True)
        sampled = {id(weight): used for weight, used in pairs}
        return [sampled.get(id(variable), variable) for variable in self.variables]

    def averaged(self) -> AbstractContextManager:
        """Gives the generator its averaged weights for a while, as to save it; in no training.

        Raises:
            ValueError: if the model keeps no average.
        """
        self._weight_average.renew(self.step)
        return self._weight_average.swapped_in()

    def _given_labels(self, labels, n, seed=None):
        """Returns the labels of n samples, int32 of shape `(n,)`, or None in a GAN without any."""
        if self.labels:
            backend.synchronize(self)  # for the shares of the labels so far
            return self.labels.drawn(n, labels, seed)
        if labels is not None:
            raise ValueError(
                "`labels` are given to a GAN that has none. Make it with `num_classes=`."
            )
        return None

    def _needed_labels(self, labels, n):
        if self.labels and labels is None:
            raise ValueError(
                "`labels` are missing: this GAN's energy is of an image and its class. Give one "
                "whole number for all images, or one for each."
            )
        return self._given_labels(labels, n)

    def energy(self, images: Any, batch_size: int = BATCH, labels: Any = None) -> np.ndarray:
        """Returns the energy of images: low on data, so that it serves as an anomaly score.

        Args:
            images: array of shape `(n, *image_shape)`, uint8 or floats in [-1, 1].
            batch_size: how many are scored at once.
            labels: the images' classes, where the GAN has `num_classes`: a whole number, or a list
                of n of them.

        Returns:
            float32 array of shape `(n,)`.

        Raises:
            ValueError: if the images have another shape or values out of range, `batch_size` is
                no whole number from 1 up, or `labels` are missing or of no class.
        """
        labels = self._needed_labels(labels, len(images))
        backend.synchronize(self)

        def score(batch, given):
            batch = inputs.scaled(batch, self.image_shape)
            given = None if given is None else ops.convert_to_tensor(given)
            return self.score(batch, labels=given).energy

        with backend.inference(self):
            return in_blocks(score, batch_size, (), images, labels)

    interpolate = latent_space.interpolate
    invert = latent_space.invert
    refine = refinement.refine
    encode = latent_space.encode
