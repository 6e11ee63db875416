"""The base class of all GANs here."""

from typing import Any

import keras

from keras_egan import backend, checks
from keras_egan.augment._diff_augment import layer_of
from keras_egan.backend import processes
from keras_egan.backend.keras_internals import from_within_fit
from keras_egan.callbacks import FitState
from keras_egan.datasets import inputs
from keras_egan.datasets.sharing import evaluated, one_batch
from keras_egan.export._export import export_gan
from keras_egan.gans import latent_space, refinement
from keras_egan.gans.inference import Inference
from keras_egan.gans.objective import Objective
from keras_egan.gans.overfitting import Overfitting
from keras_egan.metrics._metric_means import MetricMeans
from keras_egan.saving import configuration, state
from keras_egan.saving.hyperparameter import Setting
from keras_egan.training import check_networks
from keras_egan.training.labels import Labels
from keras_egan.training.metric_names import metric_names
from keras_egan.training.optimizer import AdversarialOptimizer
from keras_egan.training.run import Run
from keras_egan.training.training_state import TrainingState
from keras_egan.training.weight_average import WeightAverage


class EnergyGAN(Objective, Inference, backend.Steps, keras.Model):
    """A generator, a discriminator that gives energies, and the step that trains both.

    A subclass implements its paper's losses: `discriminator_loss`, and `generator_loss` if that is
    not the energy. Both compute one number per sample from the energies. A controller overrides
    `indicators` and `control`, and uses `add_state`. Numbers in the losses that may change during
    training are `Hyperparameter`s. Files keep the arguments that are stored under their own names.

    A step whose metrics are not finite leaves the controller unchanged. It updates the weights,
    which may then be NaN: `callbacks.TerminateOnNaN` ends such a training, and `callbacks.Backup`
    does not save it.

    Args:
        generator: a Keras model from latents of shape `(batch, latent_dim)` to samples: images in
            [-1, 1], or in a range that training moves there; `sample` clips them. Neither network
            may hold a `Lambda` layer.
        discriminator: a Keras model of samples: an auto-encoder, which returns a reconstruction of
            the same shape; or, with `energy="output"`, a critic, which returns `(batch, 1)`.
        energy: how the reconstruction's error becomes a sample's energy, as in
            `losses.reconstruction_energy`; `"output"` if a critic's output is the energy; or
            `"cross_entropy"`, as in `losses.classification_energy`, with `num_classes`.
        d_steps: number of updates of the discriminator on each batch, with fresh latents, per
            update of the generator; 1 unless `updates` is `"alternating"`.
        updates: `"alternating"`: the generator learns from the discriminator just updated.
            `"simultaneous"`: both gradients are taken at the same weights. `"one_pass"`: likewise,
            and of the same fakes, which are generated and scored once: the fastest.
        augment: a layer that changes data and fakes alike, at random, before the discriminator gets
            them in training: `augment.DiffAugment`, or its policy; `"auto"`, which shifts images
            where the discriminator overfits, and needs validation data; None for none.
        latent_dim: the length of a latent vector, needed if `generator` has no input shape.
        latents: the distribution of latents: `"uniform"` on [-1, 1], or `"normal"` with mean 0 and
            variance 1.
        generator_average: the decay, between 0 and 1, of an exponential moving average of the
            generator's weights, which `sample` uses; None for none. After t steps the decay is
            min(generator_average, (1 + t) / (10 + t)), so that the first weights are forgotten.
        num_classes: number of classes of a conditional GAN. Batches are then (images, labels), the
            generator's input is [latents, labels], and the discriminator's is [images, labels].
            None for a GAN without labels.
        seed: an integer that fixes latents and the order of images. By default it differs each
            time, unless `keras.utils.set_random_seed` fixes it.

    Raises:
        ValueError: if an argument is out of its range, or the networks do not fit one another.

    Example: the linear energy game that BEGAN bounds; `fit`, files and backups work with it.

    ```python
    @keras.saving.register_keras_serializable()
    class LinearGAN(EnergyGAN):
        def discriminator_loss(self, real, fake):
            return real.energy - fake.energy


    gan = LinearGAN(generator, critic, energy="output")
    ```
    """

    d_steps = Setting("be a whole number from 1 up", checks.is_count)
    updates = Setting("be 'alternating', 'simultaneous' or 'one_pass'", checks.UPDATES.count)
    latents = Setting("be 'uniform' or 'normal'", ("uniform", "normal").count)

    _given: tuple[str, ...]  # the names of a subclass's arguments, for `get_config`

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        gan = super().__new__(cls, *args, **kwargs)
        object.__setattr__(gan, "_given", configuration.given(cls, kwargs))
        return gan

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        *,
        energy: str = "mae",
        d_steps: int = 1,
        updates: str = "alternating",
        latent_dim: int | None = None,
        latents: str = "uniform",
        generator_average: float | None = None,
        augment: keras.layers.Layer | str | None = None,
        num_classes: int | None = None,
        seed: int | None = None,
        name: str | None = None,
    ):
        super().__init__(name=name)
        self.latent_dim, self.image_shape = check_networks.checked(
            generator, discriminator, energy=energy, latent_dim=latent_dim, num_classes=num_classes
        )
        self.seed = checks.optional_whole(0, seed=seed)
        self._hyperparameters: dict[str, Any] = {}
        self._states: dict[str, Any] = {}
        self._training_state = TrainingState(self.seed)
        self.fit_state = FitState()
        self.generator = generator
        self.discriminator = discriminator
        self.num_classes = num_classes
        unlabeled = energy == "cross_entropy"
        self.labels = None if num_classes is None else Labels(num_classes, unlabeled)
        self._weight_average = WeightAverage(generator, generator_average)
        self._run_generator = backend.compiled(generator)
        self._gradient = latent_space.compiled_gradient(generator)
        self._energy_gradient = refinement.compiled_gradient(self)
        self._running_means: Any = None
        self.energy_name = energy
        self.d_steps = d_steps
        self.updates = updates
        self.latents = latents
        self.generator_average = generator_average
        self.augment = layer_of(augment, self.image_shape, self.seed)
        self._overfitting = Overfitting(self)
        self._assumed: dict[str, Any] = {}
        checks.updates(updates, d_steps)
        self.built = True

    def compile(
        self,
        d_optimizer: keras.optimizers.Optimizer | str | None = None,
        g_optimizer: keras.optimizers.Optimizer | str | None = None,
        *,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Configure the model for training.

        Args:
            d_optimizer: the discriminator's optimizer, or its name, such as `"adam"`.
            g_optimizer: the generator's optimizer, likewise; a different object.
            run_eagerly: as in `keras.Model.compile`.
            steps_per_execution: as in `keras.Model.compile`; on PyTorch `fit` needs 1.
            jit_compile: as in `keras.Model.compile`. `"auto"` compiles on JAX, on TensorFlow if
                there is a GPU, and not on PyTorch.
            auto_scale_loss: whether, under the `mixed_float16` policy, each optimizer is wrapped in
                a `keras.optimizers.LossScaleOptimizer`.

        Raises:
            ValueError: if an optimizer is missing or built for another network, both are the same
                object, or `steps_per_execution` is not a whole number from 1 up.
        """
        checks.whole_number(1, steps_per_execution=steps_per_execution)
        arguments: dict[str, Any] = {"run_eagerly": run_eagerly, "jit_compile": jit_compile}
        arguments["steps_per_execution"] = steps_per_execution
        optimizer = AdversarialOptimizer(d_optimizer, g_optimizer)
        if auto_scale_loss and self.dtype_policy.name == "mixed_float16":
            optimizer = optimizer.scaled()
        optimizer.build(self.discriminator.trainable_variables, self.generator.trainable_variables)
        super().compile(optimizer=optimizer, auto_scale_loss=False, **arguments)
        # As given, not as resolved, because a file may be opened on another backend.
        self._compile_arguments = {**arguments, "auto_scale_loss": auto_scale_loss}
        self._running_means = MetricMeans(metric_names(self))

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: None = None,
        sample_weight: None = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> keras.callbacks.History:
        """Train as `keras.Model.fit` does, from the newest backup if `callbacks` has a `Backup`.

        `x` is an array of images of shape `(samples, *image_shape)`, uint8 or floats in [-1, 1]. Or
        it is a dataset, loader or generator of batches or single images: arrays, tuples that begin
        with one, or dicts with an `"image"`. `validation_data` may have these forms. `num_classes`
        needs labels, whole numbers from 0: an array's in `y`, of shape `(samples,)`, others in the
        tuple or as `"label"`. Without `num_classes`, `y` is refused, and other labels are ignored.
        `class_weight` and `sample_weight` are always refused. Samples that are not images, such as
        vectors, must be finite floats. The rest, and the history that it returns, are as in Keras.

        Raises:
            ValueError: if an argument is out of its range, or images are NaN, infinite, outside
                [-1, 1], of another shape than the discriminator's, or neither uint8 nor float. The
                first batch is checked before training, the others at the end of their epoch.
        """
        checks.none_of(class_weight=class_weight, sample_weight=sample_weight)
        run = Run(
            self,
            inputs.paired(x, y, self.labels),
            callbacks,
            batch_size=batch_size,
            epochs=epochs,
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            shuffle=shuffle,
            verbose=verbose,
            validation_split=validation_split,
            validation_data=validation_data,
            validation_steps=validation_steps,
            validation_batch_size=validation_batch_size,
            validation_freq=validation_freq,
        )
        with self._weight_average.learning(self):
            return run.train(super().fit)

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: None = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """Compute the metrics of held-out images, as `keras.Model.evaluate` does.

        The same images always give the same metrics on one backend, because latents are drawn from
        the same seed. Fakes are those of the generator's present weights, not of their average, and
        both networks run in inference mode.
        Metrics such as BEGAN's `m_global` are computed from the means over all images, so that the
        batch size does not matter, except for a loss that compares images of a batch. `x` and the
        errors are as in `fit`.
        """
        checks.none_of(sample_weight=sample_weight)
        checks.optional_whole(1, steps=steps)
        verbose = verbose if processes.is_first() else 0
        arguments = verbose, None, steps, callbacks, return_dict
        if from_within_fit(kwargs):
            logs = super().evaluate(x, y, batch_size, *arguments, **kwargs)
        else:
            x = inputs.paired(x, y, self.labels)
            logs = evaluated(super().evaluate, self, x, batch_size, steps, *arguments)
        self._training_state.refuse_unfit(self.smallest_batch)
        return logs

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: None = None,
        class_weight: None = None,
        return_dict: bool = False,
    ) -> Any:
        """Train on one batch, an array, as `keras.Model.train_on_batch` does; `y` is as in `fit`.

        Raises:
            ValueError: as in `fit`, before any training.
        """
        checks.none_of(class_weight=class_weight, sample_weight=sample_weight)
        with self._weight_average.learning(self):
            return super().train_on_batch(*one_batch(self, x, y), return_dict=return_dict)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: None = None, return_dict: bool = False
    ) -> Any:
        """Compute the metrics of one batch, as `keras.Model.test_on_batch` does."""
        checks.none_of(sample_weight=sample_weight)
        return super().test_on_batch(*one_batch(self, x, y), return_dict=return_dict)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict | None = None) -> Any:
        """Make a model with networks of its own, from the result of `get_config`."""
        return configuration.make(cls, config, custom_objects)

    get_config = configuration.config_of
    get_compile_config = configuration.compile_arguments_of
    compile_from_config = configuration.compile_from
    save = state.save
    save_weights = state.save_weights
    load_weights = state.load_weights
    get_state_tree, set_state_tree = state.get_state_tree, state.set_state_tree
    save_own_variables, load_own_variables = state.save_own_variables, state.load_own_variables
    export = export_gan
