"""A Keras model of two networks and two optimizers: all of a GAN but its algorithm."""

import random
from contextlib import nullcontext

import keras
import numpy as np
from keras import ops

from keras_egan import backend, checks, inputs
from keras_egan.averaging import GeneratorAverage
from keras_egan.export._gan import export_gan
from keras_egan.fitting import Fitting
from keras_egan.metrics import FigureMeans
from keras_egan.optimizer import AdversarialOptimizer
from keras_egan.persistence import Persistence

__all__ = ["AdversarialModel"]


class AdversarialModel(GeneratorAverage, Fitting, Persistence, backend.Steps, keras.Model):
    """Two networks that fit one another, and what Keras users expect of a model.

    A subclass gives `training_step(data)`, `evaluation_step(data)` and `score(images)`.

    Args:
        generator: a Keras model from latents of shape `(batch, latent_dim)` to samples.
        discriminator: a Keras model that takes the generator's output.
        latent_dim: the length of a latent vector. Needed only where `generator` has no input
            shape to read it from.
        latents: what latents are drawn from: `"uniform"` on [-1, 1], or `"normal"` with mean 0
            and variance 1.
        generator_average: the decay, between 0 and 1, of a running average of the generator's
            weights, from which `sample` then samples; None for none.
        seed: an integer from which the latents of training are drawn. By default another one for
            each model, which `keras.utils.set_random_seed` fixes.
        name: the model's name.

    Raises:
        ValueError: if an argument is out of its range, or the networks do not fit one another.
    """

    figures = ()
    """The names of the scalars that every step reports, means over the batch."""

    arguments = ("latent_dim", "latents", "generator_average", "seed", "name")
    """The names of the constructor's further arguments, attributes that `get_config` returns."""

    smallest_batch = 1
    """The smallest batch, on each device, for which the losses are defined."""

    export = export_gan

    def __init__(
        self,
        generator,
        discriminator,
        *,
        latent_dim=None,
        latents="uniform",
        generator_average=None,
        seed=None,
        name=None,
    ):
        super().__init__(name=name)
        if latents not in ("uniform", "normal"):
            raise ValueError(f"`latents` must be 'uniform' or 'normal'; got {latents!r}.")
        self.generator = generator
        self.discriminator = discriminator
        self.latent_dim = latent_dim or _latent_dim(generator)
        self.latents = latents
        self.seed = seed
        self.image_shape = self._connect()
        self.seed_generator = keras.random.SeedGenerator(seed)
        # Evaluation draws from a generator of its own, or validation would change training.
        self.evaluation_seed_generator = keras.random.SeedGenerator(0)
        self.running_means = FigureMeans(self.figures)
        self._start_average(generator_average)
        self.built = True

    def indicators(self, figures):
        """Returns what else to log, a dict of scalars computed from the means of `figures`.

        Args:
            figures: a dict from each of `self.figures` to its mean, over a batch or an epoch.
        """
        return {}

    def end_epoch(self, logs):
        """Moves what changes once an epoch. `fit` calls it, before any other callback.

        Args:
            logs: a dict of the epoch's figures and indicators, floats.
        """

    def call(self, latents, training=False):
        """Returns the generator's output for latents of shape `(batch, latent_dim)`."""
        return self.generator(latents, training=training)

    def compile(
        self,
        d_optimizer=None,
        g_optimizer=None,
        *,
        run_eagerly=False,
        steps_per_execution=1,
        jit_compile="auto",
        auto_scale_loss=True,
    ):
        """Configures the model for training.

        Args:
            d_optimizer: the discriminator's optimizer, a `keras.optimizers.Optimizer` or a name
                such as `"adam"`.
            g_optimizer: the generator's, likewise; a different object.
            run_eagerly: as in `keras.Model.compile`.
            steps_per_execution: as in `keras.Model.compile`; always 1 on PyTorch.
            jit_compile: as in `keras.Model.compile`. `"auto"` compiles on JAX, on TensorFlow
                where there is a GPU, and not on PyTorch.
            auto_scale_loss: whether, under the `mixed_float16` policy, each optimizer is wrapped
                in a `keras.optimizers.LossScaleOptimizer`.

        Raises:
            ValueError: if an optimizer is missing or both are the same object.
        """
        optimizer = AdversarialOptimizer(d_optimizer, g_optimizer)
        if auto_scale_loss and self.dtype_policy.name == "mixed_float16":
            optimizer = AdversarialOptimizer(*map(_scaled, optimizer.optimizers))
        optimizer.build(self.discriminator.trainable_variables, self.generator.trainable_variables)
        super().compile(
            optimizer=optimizer,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
            auto_scale_loss=False,
        )
        # As asked for, not as resolved: a file may be opened on another backend.
        self.compile_arguments = {
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": jit_compile,
            "auto_scale_loss": auto_scale_loss,
        }

    def evaluate(self, x=None, *args, **kwargs):
        """Computes the figures of held-out images, as `keras.Model.evaluate`.

        The same images always give the same figures: the latents are drawn anew from the same
        seed. Figures other than losses and energies, such as BEGAN's `m_global`, are computed
        from the means over all images, so that they do not depend on the batch size.

        Args:
            x: as in `fit`.
            *args: as in `keras.Model.evaluate`.
            **kwargs: as in `keras.Model.evaluate`.

        Returns:
            The figures, a list; with `return_dict=True`, a dict.

        Raises:
            ValueError: as in `fit`.
        """
        if not kwargs.get("_use_cached_eval_dataset"):  # Keras's own call, from within `fit`
            x = self._checked(x)
        return super().evaluate(x, *args, **kwargs)

    def sample(self, n, seed=None, average=True):
        """Generates samples.

        Args:
            n: how many, 1 or more.
            seed: an integer that fixes the latents, which are then the same on every backend.
            average: whether to use the generator's averaged weights, where they are kept.

        Returns:
            NumPy array of shape `(n, *image_shape)`, images clipped to [-1, 1]. (`predict` gives
            the generator's output as it is, for latents of your own.)

        Raises:
            ValueError: if `n` is below 1.

        Example:

        ```python
        images = gan.sample(64, seed=7)
        ```
        """
        checks.one_or_more(n=n)
        rng = np.random.default_rng(random.randrange(2**31) if seed is None else seed)
        shape = n, self.latent_dim
        z = rng.uniform(-1.0, 1.0, shape) if self.latents == "uniform" else rng.normal(size=shape)
        with self.averaged() if average and self.averages else nullcontext():
            samples = self.predict(z.astype("float32"), batch_size=min(n, 256), verbose=0)
        return samples.clip(-1.0, 1.0) if samples.ndim == 4 else samples

    def energy(self, images, batch_size=256):
        """Returns the energy of images: low on data, so that it serves as an anomaly score.

        Args:
            images: array of shape `(n, *image_shape)`, uint8 or floats in [-1, 1].
            batch_size: how many are scored at once.

        Returns:
            NumPy array of shape `(n,)`, float32.

        Raises:
            ValueError: if the images have another shape or values out of range, or `batch_size` is
                below 1.

        Example:

        ```python
        scores = gan.energy(gan.sample(64))
        ```
        """
        checks.one_or_more(batch_size=batch_size)
        energies = []
        with backend.no_grad():
            for start in range(0, len(images), batch_size):
                batch = images[start : start + batch_size]
                inputs.check_values(batch)
                batch = inputs.scale(ops.convert_to_tensor(batch), self.image_shape)
                energies.append(ops.convert_to_numpy(self.score(batch).energy))
        return np.concatenate(energies) if energies else np.zeros((0,), "float32")

    @property
    def d_optimizer(self):
        """The discriminator's optimizer."""
        return self.optimizer.d_optimizer

    @property
    def g_optimizer(self):
        """The generator's optimizer."""
        return self.optimizer.g_optimizer

    @property
    def metrics(self):
        """The running means of the figures."""
        return [self.running_means]

    def get_metrics_result(self):
        """Returns the means of the figures so far, and the indicators computed from them."""
        figures = self.running_means.result()
        return {**figures, **self.indicators(figures)}

    def reset_metrics(self):
        """Starts the running means and the latents of evaluation anew."""
        super().reset_metrics()
        self.evaluation_seed_generator.state.assign([0, 0])

    def get_config(self):
        """Returns the constructor's arguments, the networks serialized."""
        names = "generator", "discriminator", *self.arguments
        return {name: keras.saving.serialize_keras_object(getattr(self, name)) for name in names}

    def _connect(self):
        fake = self.generator(keras.Input((self.latent_dim,)))
        shape = tuple(fake.shape[1:])
        expected = getattr(self.discriminator, "input_shape", None)
        if expected and tuple(expected[1:]) != shape:
            raise ValueError(
                f"`generator` makes samples of shape {shape}, but `discriminator` takes "
                f"{tuple(expected[1:])}. Build both for the same shape."
            )
        return shape


def _scaled(optimizer):
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return optimizer
    return keras.optimizers.LossScaleOptimizer(optimizer, name=f"scaled_{optimizer.name}")


def _latent_dim(generator):
    shape = getattr(generator, "input_shape", None)
    if not shape or len(shape) != 2 or shape[-1] is None:
        raise ValueError(
            "`latent_dim` is missing, and cannot be read from `generator`: its input shape is "
            f"{shape}, where (None, latent_dim) would do. Pass `latent_dim=`."
        )
    return shape[-1]
