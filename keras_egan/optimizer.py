"""One Keras optimizer that owns the discriminator's and the generator's."""

import keras

from keras_egan import backend
from keras_egan._keras_internals import portable

__all__ = ["AdversarialOptimizer"]


@keras.saving.register_keras_serializable("keras_egan")
class AdversarialOptimizer(keras.optimizers.Optimizer):
    """The two optimizers of a GAN, as the one that Keras expects at `model.optimizer`.

    Keras's JAX trainer, its callbacks and its files know a single optimizer. This one holds two,
    lists them in `optimizers` (where ReduceLROnPlateau, LearningRateScheduler and TensorBoard look
    for them), and applies gradients with the optimizer that owns the variables. `EnergyGAN.compile`
    makes it; there is rarely a reason to make one by hand.

    Args:
        d_optimizer: the discriminator's optimizer, a `keras.optimizers.Optimizer` or a name.
        g_optimizer: the generator's, likewise; a different object. If both have the same name,
            they are renamed `d_<name>` and `g_<name>`, so that their learning rates are logged
            under different keys.
        name: the name of the pair.

    Raises:
        ValueError: if an optimizer is missing, is not an optimizer, or both are one object.

    Example:

    ```python
    optimizer = AdversarialOptimizer("adam", keras.optimizers.Adam(1e-4))
    optimizer.build(discriminator.trainable_variables, generator.trainable_variables)
    optimizer.apply(gradients, generator.trainable_variables)  # leaves the discriminator alone
    ```
    """

    def __init__(self, d_optimizer, g_optimizer, name="adversarial_optimizer"):
        # The base class makes a learning rate and a step count that nothing here uses.
        super().__init__(learning_rate=0.0, name=name)
        self.d_optimizer = _get("d_optimizer", d_optimizer)
        self.g_optimizer = _get("g_optimizer", g_optimizer)
        if self.d_optimizer is self.g_optimizer:
            raise ValueError(
                "`d_optimizer` and `g_optimizer` are the same object, whose moments and step count "
                "the two networks would share. Make one optimizer for each."
            )
        if self.d_optimizer.name == self.g_optimizer.name:
            self.d_optimizer.name = f"d_{self.d_optimizer.name}"
            self.g_optimizer.name = f"g_{self.g_optimizer.name}"

    @property
    def optimizers(self):
        """The discriminator's optimizer and the generator's, a list."""
        return [self.d_optimizer, self.g_optimizer]

    @property
    def variables(self):
        """Both optimizers' variables, a list."""
        return self.d_optimizer.variables + self.g_optimizer.variables

    @property
    def iterations(self):
        """How many times the generator has been updated, a scalar integer."""
        return self.g_optimizer.iterations

    @property
    def learning_rate(self):
        """Always an `AttributeError`: there are two learning rates."""
        raise AttributeError(
            "There are two learning rates: set `d_optimizer.learning_rate` and "
            "`g_optimizer.learning_rate`."
        )

    @learning_rate.setter
    def learning_rate(self, value):
        _ = self.learning_rate

    def build(self, d_variables, g_variables):
        """Makes both optimizers' variables.

        Args:
            d_variables: the discriminator's trainable variables, a list.
            g_variables: the generator's trainable variables, a list.
        """
        self.d_optimizer.build(d_variables)
        self.g_optimizer.build(g_variables)
        self._owners = {
            id(variable): optimizer
            for optimizer, variables in zip(
                self.optimizers, (d_variables, g_variables), strict=True
            )
            for variable in variables
        }
        self.built = True

    def apply(self, grads, trainable_variables):
        """Updates variables, each with the optimizer that owns it.

        Args:
            grads: gradients, a list of tensors in the variables' shapes.
            trainable_variables: the discriminator's variables, the generator's, or both, a list.
                An optimizer that owns none of them is left as it was.
        """
        for optimizer in self.optimizers:
            owned = [
                (grad, variable)
                for grad, variable in zip(grads, trainable_variables, strict=True)
                if self._owners[id(variable)] is optimizer
            ]
            if owned:
                backend.apply(optimizer, *map(list, zip(*owned, strict=True)))

    def finalize_variable_values(self, var_list):
        """Lets each optimizer that keeps a moving average put it into its own variables.

        Args:
            var_list: the model's trainable variables, a list.
        """
        for optimizer in self.optimizers:
            optimizer.finalize_variable_values(
                [v for v in var_list if self._owners.get(id(v)) is optimizer]
            )

    def save_own_variables(self, store):
        """Does nothing: Keras saves the two optimizers, being attributes, by themselves."""

    def load_own_variables(self, store):
        """Does nothing: Keras loads the two optimizers, being attributes, by themselves."""

    def get_config(self):
        """Returns the two optimizers, serialized, and the name."""
        return {
            "d_optimizer": _serialize(self.d_optimizer),
            "g_optimizer": _serialize(self.g_optimizer),
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Makes the pair from what `get_config` returned."""
        optimizers = {
            key: keras.saving.deserialize_keras_object(config[key], custom_objects=custom_objects)
            for key in ("d_optimizer", "g_optimizer")
        }
        return cls(**{**config, **optimizers})


def _get(argument, optimizer):
    if optimizer is None:
        raise ValueError(
            f"`{argument}` is missing: compile with both, as in `gan.compile(d_optimizer=keras."
            "optimizers.Adam(1e-4), g_optimizer=keras.optimizers.Adam(1e-4))`."
        )
    try:
        return keras.optimizers.get(optimizer)
    except ValueError as error:
        raise ValueError(
            f"`{argument}` must be a Keras optimizer or the name of one, such as 'adam'; "
            f"got {optimizer!r}."
        ) from error


def _serialize(optimizer):
    return portable(keras.saving.serialize_keras_object(optimizer))
