"""What a GAN's files hold beside what Keras puts into them, and how they are read."""

import os
from typing import Any, Self

import keras
from keras import ops

from keras_egan import files
from keras_egan.archives import reason

__all__ = ["Persistence"]


class Persistence:
    """A part of a GAN's model: its configuration, how it was compiled, and all its variables."""

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> Self:
        """Makes a model, with networks of its own, from what `get_config` returned.

        Raises:
            ValueError: if it cannot be made; in safe mode, from unsafe layers neither.
        """
        arguments = {
            key: _made(key, value, custom_objects) if isinstance(value, dict) else value
            for key, value in config.items()
        }
        try:
            return cls(**arguments)
        except Exception as error:
            raise ValueError(
                f"{cls.__name__} cannot be made from its file: {reason(error)}."
            ) from error

    def get_compile_config(self):
        """Returns the arguments of `compile`, the optimizers serialized."""
        if not self.compiled:
            return {}
        optimizer = keras.saving.serialize_keras_object(self.optimizer)
        return {"optimizer": optimizer, **self.compile_arguments}

    def compile_from_config(self, config: dict) -> None:
        """Compiles with what `get_compile_config` returned.

        Raises:
            ValueError: if an optimizer cannot be made, or an argument is not one of `compile`.
        """
        arguments = dict(config)
        optimizer = _made("optimizer", arguments.pop("optimizer", None))
        try:
            self.compile(*optimizer.optimizers, **arguments)
        except Exception as error:
            raise ValueError(
                f"{type(self).__name__} cannot be compiled as its file says: {reason(error)}."
            ) from error

    def save(
        self,
        filepath: str | os.PathLike,
        overwrite: bool = True,
        zipped: bool | None = None,
        **kwargs: Any,
    ) -> None:
        """Saves all of the model, as `keras.Model.save`: whole, or not at all.

        Args:
            filepath: the file, whose name ends in `.keras`.
            overwrite: as in `keras.Model.save`.
            zipped: as in `keras.Model.save`; folders, and addresses such as `hf://`, are written
                by Keras in place.
            **kwargs: as in `keras.Model.save`.

        Raises:
            ValueError: if `filepath` ends otherwise.
            OSError: if it cannot be written; a full disk is named, with what is needed. An older
                file is then as it was.

        Example:

        ```python
        gan.save("began.keras")
        gan = keras_egan.load("began.keras")
        ```
        """
        files.save(super().save, filepath, overwrite, zipped, **kwargs)

    def save_weights(
        self,
        filepath: str | os.PathLike,
        overwrite: bool = True,
        max_shard_size: float | None = None,
    ) -> None:
        """Saves all variables, as `keras.Model.save_weights`: whole, or not at all.

        Args:
            filepath: the file, whose name ends in `.weights.h5`. It gets a checksum, which
                `load_weights` holds it against.
            overwrite: as in `keras.Model.save_weights`.
            max_shard_size: as in `keras.Model.save_weights`; shards have no checksum.

        Raises:
            ValueError: if `filepath` ends otherwise.
            OSError: as in `save`.
        """
        files.save_weights(super().save_weights, filepath, overwrite, max_shard_size)

    def load_weights(self, filepath, *args, **kwargs):
        """Loads weights, as `keras.Model.load_weights`; if that fails, all stay as they were.

        Args:
            filepath: a `.weights.h5` or `.keras` file of the same kind of model.
            *args: as in `keras.Model.load_weights`.
            **kwargs: as in `keras.Model.load_weights`.

        Raises:
            ValueError: if the file is damaged, or of another kind of model.
            OSError: if it cannot be read.
        """
        files.check(filepath)
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


def _made(key: str, config: Any, custom_objects: dict | None = None) -> Any:
    try:
        return keras.saving.deserialize_keras_object(config, custom_objects=custom_objects)
    except Exception as error:
        raise ValueError(f"`{key}` cannot be made from its file: {reason(error)}.") from error
