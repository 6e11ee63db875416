"""What a GAN's files hold beside what Keras puts into them, and how they are read."""

import keras
from keras import ops

__all__ = ["Persistence"]


class Persistence:
    """A part of a GAN's model: its configuration, how it was compiled, and all its variables."""

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Makes a model, with networks of its own, from what `get_config` returned.

        Raises:
            ValueError: if a network cannot be made; in safe mode, one of unsafe layers neither.
        """
        networks = {}
        for key, value in config.items():
            if isinstance(value, dict):
                try:
                    networks[key] = keras.saving.deserialize_keras_object(
                        value, custom_objects=custom_objects
                    )
                except Exception as error:
                    reason = str(error).rpartition("Exception encountered: ")[2].strip()
                    reason = reason.partition("\n")[0][:300]
                    raise ValueError(f"`{key}` cannot be made from its file: {reason}") from error
        try:
            return cls(**{**config, **networks})
        except TypeError as error:
            raise ValueError(f"{cls.__name__} cannot be made from its file: {error}") from error

    def get_compile_config(self):
        """Returns the arguments of `compile`, the optimizers serialized."""
        if not self.compiled:
            return {}
        optimizer = keras.saving.serialize_keras_object(self.optimizer)
        return {"optimizer": optimizer, **self.compile_arguments}

    def compile_from_config(self, config):
        """Compiles with what `get_compile_config` returned."""
        arguments = dict(config)
        optimizer = keras.saving.deserialize_keras_object(arguments.pop("optimizer"))
        self.compile(*optimizer.optimizers, **arguments)

    def load_weights(self, filepath, *args, **kwargs):
        """Loads weights, as `keras.Model.load_weights`; if that fails, all stay as they were.

        Args:
            filepath: a `.weights.h5` or `.keras` file of the same kind of model.
            *args: as in `keras.Model.load_weights`.
            **kwargs: as in `keras.Model.load_weights`.
        """
        optimizers = self.optimizer.variables if self.compiled else []
        variables = [*self.variables, *self.running_means.variables, *optimizers]
        kept = [ops.copy(variable) for variable in variables]
        try:
            super().load_weights(filepath, *args, **kwargs)
        except BaseException:
            for variable, value in zip(variables, kept, strict=True):
                variable.assign(value)
            raise

    def save_own_variables(self, store):
        """Saves also what Keras leaves out: the seed generators and the running means."""
        super().save_own_variables(store)
        for name, variable in self._left_out().items():
            store[name] = ops.convert_to_numpy(variable)

    def load_own_variables(self, store):
        """Loads what `save_own_variables` saved."""
        left_out = self._left_out()
        super().load_own_variables(
            {key: store[key] for key in list(store.keys()) if key not in left_out}
        )
        for name, variable in left_out.items():
            variable.assign(store[name])

    def _left_out(self):
        seeds = [v for v in self.non_trainable_variables if v.name == "seed_generator_state"]
        return {
            **{f"seed_{index}": seed for index, seed in enumerate(seeds)},
            **{f"mean_{index}": v for index, v in enumerate(self.running_means.variables)},
        }
