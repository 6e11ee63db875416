"""One Keras optimizer that owns the discriminator's and the generator's."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras

from keras_egan.backend.keras_internals import built_for, portable


@keras.saving.register_keras_serializable("keras_egan")
class AdversarialOptimizer(keras.optimizers.Optimizer):
    """The two optimizers of a GAN, as the single one that Keras expects at `model.optimizer`.

    Keras's JAX trainer, its callbacks and its files know a single optimizer. This one holds two,
    and lists them in `optimizers`, where ReduceLROnPlateau, LearningRateScheduler and TensorBoard
    look for them. Their learning rates are logged as `learning_rate_d_optimizer` and
    `learning_rate_g_optimizer`. Each optimizer is applied by itself.
    """

    def __init__(self, d_optimizer: Any, g_optimizer: Any):
        # The base class makes a learning rate and a step count that nothing here uses.
        super().__init__(learning_rate=0.0, name="adversarial_optimizer")
        self.d_optimizer = _get("d_optimizer", d_optimizer)
        self.g_optimizer = _get("g_optimizer", g_optimizer)
        if self.d_optimizer is self.g_optimizer:
            raise ValueError(
                "`d_optimizer` and `g_optimizer` are the same object. The networks would share its "
                "moments and step count. Make one optimizer for each."
            )
        self._finishes = True

    def scaled(self) -> "AdversarialOptimizer":
        """Return a pair in which each optimizer scales its loss, as float16 needs."""
        kind, pair = keras.optimizers.LossScaleOptimizer, (self.d_optimizer, self.g_optimizer)
        return AdversarialOptimizer(*(x if isinstance(x, kind) else kind(x) for x in pair))

    @property
    def optimizers(self) -> list[Any]:
        return [_Side(self, "d_optimizer"), _Side(self, "g_optimizer")]

    @property
    def variables(self) -> list[Any]:
        return self.d_optimizer.variables + self.g_optimizer.variables

    @property
    def iterations(self) -> Any:
        """The number of updates of the generator, a scalar integer."""
        return self.g_optimizer.iterations

    @property
    def learning_rate(self) -> Any:
        """The generator's learning rate, for callbacks that log a single one; not to be set.

        A schedule's is put into a variable, because W&B's callback calls `numpy()`, which JAX's
        arrays lack:
        https://github.com/wandb/wandb/blob/v0.31.0/wandb/integration/keras/callbacks/metrics_logger.py
        """
        rate = self.g_optimizer.learning_rate
        return rate if isinstance(rate, keras.Variable) else keras.Variable(rate, trainable=False)

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        raise AttributeError(
            "There are two learning rates: set `d_optimizer.learning_rate` and "
            "`g_optimizer.learning_rate`."
        )

    def build(self, d_variables: Sequence[Any], g_variables: Sequence[Any]) -> None:
        """Make both optimizers' variables; refuse an optimizer built for another network."""
        sides = {"d_optimizer": d_variables, "g_optimizer": g_variables}
        for argument, variables in sides.items():
            optimizer = getattr(self, argument)
            known = {id(variable) for variable in built_for(optimizer)}
            if optimizer.built and not {id(variable) for variable in variables} <= known:
                raise ValueError(
                    f"`{argument}` has been built for the weights of another network, and keeps "
                    "their moments and step count. Make a new one for each GAN: "
                    "`type(optimizer).from_config(optimizer.get_config())`."
                )
            optimizer.build(variables)
        self._sides = [{id(v) for v in variables} for variables in (d_variables, g_variables)]
        self.built = True

    def apply(self, grads: Sequence[Any], trainable_variables: Sequence[Any] | None = None) -> None:
        raise ValueError("Apply gradients with `d_optimizer` or `g_optimizer`, not with the pair.")

    def finalize_variable_values(self, var_list: Sequence[Any]) -> None:
        """Put each optimizer's moving averages, if it keeps any, into its own variables."""
        if not self._finishes:
            return
        for optimizer, own in zip((self.d_optimizer, self.g_optimizer), self._sides, strict=True):
            optimizer.finalize_variable_values([v for v in var_list if id(v) in own])

    @contextmanager
    def unfinished(self) -> Iterator[None]:
        """Keep moving averages out of the variables when only a part of a training ends."""
        self._finishes = False
        try:
            yield
        finally:
            self._finishes = True

    def save_own_variables(self, store: Any) -> None:
        """Do nothing: Keras saves the two optimizers by themselves, because they are attributes."""

    def load_own_variables(self, store: Any) -> None:
        """Do nothing: Keras loads the two optimizers by themselves, because they are attributes."""

    def get_config(self) -> dict[str, Any]:
        serialize = keras.saving.serialize_keras_object
        return {
            "d_optimizer": portable(serialize(self.d_optimizer)),
            "g_optimizer": portable(serialize(self.g_optimizer)),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict | None = None) -> Any:
        make = keras.saving.deserialize_keras_object
        return cls(**{key: make(one, custom_objects=custom_objects) for key, one in config.items()})


class _Side:
    """One optimizer of a pair, with a name that tells the two apart.

    Keras's callbacks log `learning_rate_<name>`, and every Adam has the name "adam":
    https://github.com/keras-team/keras/blob/v3.15.1/keras/src/callbacks/learning_rate_scheduler.py#L95
    A user's optimizer keeps its own name, because users may look it up by that.
    """

    def __init__(self, pair, name):
        self.name = name
        self._optimizer = getattr(pair, name)

    @property
    def learning_rate(self):
        return self._optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        self._optimizer.learning_rate = value  # as the callback sets any optimizer's

    def __getattr__(self, attribute):
        return getattr(self._optimizer, attribute)


def _get(argument, optimizer):
    if optimizer is None:
        raise ValueError(
            f"`{argument}` is missing. Compile with both: `gan.compile(d_optimizer=keras."
            "optimizers.Adam(1e-4), g_optimizer=keras.optimizers.Adam(1e-4))`."
        )
    try:
        return keras.optimizers.get(optimizer)
    except ValueError as error:
        raise ValueError(
            f"`{argument}` must be a Keras optimizer or the name of one, such as 'adam'; "
            f"got {optimizer!r}."
        ) from error
