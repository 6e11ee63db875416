"""Samples, energies and latents: the uses of a trained GAN."""

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
    """The methods of an `EnergyGAN` that do not train it."""

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
        """Generate samples; several threads may do so at once.

        Args:
            n: number of samples, 1 or more.
            seed: an integer that fixes the latents; they are then the same on every backend.
            average: whether to use the generator's averaged weights, if the GAN keeps them.
            labels: the samples' classes, if the GAN has `num_classes`: a whole number, a list of n
                of them, or None. None draws labels with their class shares in training
                (`gan.labels.drawn(n, None, seed)`).
            batch_size: number of samples that go through the generator at once. A smaller number
                takes less memory.
            truncation: the factor of the latents, above 0 and at most 1. A smaller one makes
                samples more alike, and often better.
            refine: number of steps in which `gan.refine`, with its defaults, moves the latents to
                lower energy; 0 for none.

        Returns:
            float32 array of shape `(n, *image_shape)`, images clipped to [-1, 1].

        Raises:
            ValueError: if `n` or `batch_size` is not a whole number from 1 up, `refine` is not one
                from 0 up, `truncation` is out of its range, a label is of no class, or the average
                does not fit the generator, as after `quantize`.
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
        """Draw latents as `sample` does, the same on every backend.

        Args:
            n: number of latents, 1 or more.
            seed: an integer that fixes them.

        Returns:
            float32 array of shape `(n, latent_dim)`.

        Raises:
            ValueError: if `n` is not a whole number from 1 up.
        """
        checks.whole_number(1, n=n)
        rng = np.random.default_rng(random.randrange(2**31) if seed is None else seed)
        if self.latents == "uniform":
            return rng.uniform(-1.0, 1.0, (n, self.latent_dim)).astype("float32")
        return rng.normal(size=(n, self.latent_dim)).astype("float32")

    def generate(
        self, latents: np.ndarray, average: bool = True, labels: Any = None, batch_size: int = BATCH
    ) -> np.ndarray:
        """Generate samples from latents, as `sample` does.

        Args:
            latents: float32 array of shape `(n, latent_dim)`.
            average: as in `sample`.
            labels: as in `sample`.
            batch_size: as in `sample`.

        Returns:
            float32 array of shape `(n, *image_shape)`, images clipped to [-1, 1]. `predict` returns
            the generator's output without clipping.
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
        """Return all variables, with the weights that `sample` uses in place of the generator's."""
        pairs = zip(self.generator.weights, self._sampled_weights(average), strict=True)
        sampled = {id(weight): used for weight, used in pairs}
        return [sampled.get(id(variable), variable) for variable in self.variables]

    def averaged(self) -> AbstractContextManager:
        """Return a context in which the generator has its averaged weights, for example to save it.

        It must not be used during training.

        Raises:
            ValueError: if the model keeps no average.
        """
        self._weight_average.renew(self.step)
        return self._weight_average.swapped_in()

    def _given_labels(self, labels, n, seed=None):
        """Return the labels of n samples, int32 of shape `(n,)`, or None without classes."""
        if self.labels:
            backend.synchronize(self)  # so that the class shares are those of now
            return self.labels.drawn(n, labels, seed)
        if labels is not None:
            raise ValueError(
                "`labels` need a GAN with classes; this one has none. Make the GAN with "
                "`num_classes=`, or omit `labels`."
            )
        return None

    def _needed_labels(self, labels, n):
        if self.labels and labels is None:
            raise ValueError(
                "`labels` are missing: the energy of this GAN depends on an image's class. Pass "
                "one whole number for all images, or a list with one per image."
            )
        return self._given_labels(labels, n)

    def energy(self, images: Any, batch_size: int = BATCH, labels: Any = None) -> np.ndarray:
        """Return the energy of images: low on data, so that it serves as an anomaly score.

        Args:
            images: array of shape `(n, *image_shape)`, uint8 or floats in [-1, 1].
            batch_size: number of images that are scored at once.
            labels: the images' classes, if the GAN has `num_classes`: a whole number, or a list of
                n of them.

        Returns:
            float32 array of shape `(n,)`.

        Raises:
            ValueError: if the images have another shape or values out of range, `batch_size` is not
                a whole number from 1 up, or `labels` are missing or of no class.
        """
        labels = self._needed_labels(labels, len(images))
        backend.synchronize(self)

        def score(batch, given):
            batch = inputs.scaled(batch, self.image_shape)
            given = None if given is None else ops.convert_to_tensor(given)
            return self.score(batch, labels=given).energy

        with backend.inference(self):
            return in_blocks(score, batch_size, (), images, labels)

    def settle_normalization(
        self,
        images: Any,
        labels: Any = None,
        steps: int = 100,
        batch_size: int = BATCH,
        seed: int = 0,
    ) -> None:
        """Move the discriminator's averages of batch normalisation to those of data alone.

        Training moves them by batches of data and of fakes, so that afterwards they fit neither.
        Here batches of data pass through the discriminator in training mode; weights stay. Call it
        after training, where the discriminator is of further use: `energy`, an `EnergyDetector`, a
        classifier. Averages with a momentum of 0.9, as in `networks`, keep nothing of the old
        values after 100 steps; with Keras's 0.99, use 1000. Without batch normalisation nothing
        changes. Averages over devices are not merged.

        Args:
            images: array of shape `(n, *image_shape)`, uint8 or floats in [-1, 1].
            labels: the images' classes, if the GAN has `num_classes`, as in `energy`.
            steps: number of batches, 1 or more.
            batch_size: number of images per batch; that of the training serves best.
            seed: an integer, 0 or more, that fixes the batches.

        Raises:
            ValueError: as `energy`, or if a number is not whole or is too small.
        """
        checks.whole_number(1, steps=steps, batch_size=batch_size)
        labels = self._needed_labels(labels, len(images))
        backend.synchronize(self)
        rng = np.random.default_rng(seed)
        with backend.no_grad():
            for _ in range(steps):
                rows = rng.permutation(len(images))[:batch_size]
                batch = inputs.scaled(images[rows], self.image_shape)
                given = None if labels is None else ops.convert_to_tensor(labels[rows])
                self.score(batch, training=True, labels=given)

    interpolate = latent_space.interpolate
    invert = latent_space.invert
    refine = refinement.refine
    encode = latent_space.encode
