"""The only place that touches what Keras does not promise, one function a thing.

`tests/test_keras_internals.py` holds a contract test of each, and refuses Keras's private names
anywhere else in the package.
"""

import io
from collections.abc import Callable, Iterable
from typing import Any

import keras


class Built(keras.Model):
    """The base of a model that `fit` and `evaluate` find built and compiled on TensorFlow.

    Under a strategy Keras would build it by the mean of the replicas' first batches, and fail if
    their shares differ.
    """

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        pass


def flat_layers(layer: keras.Layer) -> list[keras.Layer]:
    """Returns a layer and all layers within it, at any depth.

    `Model.layers` is public, but leaves out what wrappers and layers of a user's own hold.
    """
    return list(layer._flatten_layers())


def call_losses(layers: Iterable[keras.Layer]) -> list[Any]:
    """Returns what layers added in their last call, by `add_loss` or as regularizers.

    `Model.losses` is public, but has the penalties of weights among them, computed anew.
    """
    return [loss for layer in layers for loss in layer._get_own_losses()]


def seed_states(model: keras.Model) -> list[Any]:
    """Returns the states of all seed generators in a model, variables that Keras does not save."""
    return [v for v in model.non_trainable_variables if v.name == "seed_generator_state"]


def built_for(optimizer: keras.optimizers.Optimizer) -> list[Any]:
    """Returns the variables that an optimizer keeps moments of; none before it is built."""
    return list(getattr(optimizer, "inner_optimizer", optimizer)._trainable_variables)


CHECKPOINT_COUNTS = "_batches_seen_since_last_saving", "_last_batch_seen"
"""The attributes by which `ModelCheckpoint` counts steps, where `save_freq` is a number."""

TENSORBOARD_COUNTS = "_global_train_batch", "_global_test_batch"
"""The attributes by which `TensorBoard` counts steps."""


def finish_dispatched(callbacks: keras.callbacks.CallbackList) -> None:
    """Waits until callbacks have heard of all steps, of which Keras tells some from threads."""
    callbacks._flush_futures()


def from_within_fit(arguments: dict[str, Any]) -> bool:
    """Whether `fit` is calling `evaluate`, with data of its own, by these further arguments."""
    return bool(arguments.get("_use_cached_eval_dataset"))


def written(save: Callable[..., Any], suffix: str, **kwargs: Any) -> bytes:
    """Returns the bytes of the file that a model's `save` or `save_weights` writes.

    Keras documents paths only, but writes into a file in memory too if its name as a string ends
    as it should, in `".keras"` or `".weights.h5"`. HDF5 given a path ends the whole process with a
    segmentation fault when the disk fills.
    """
    file = _Memory(suffix)
    save(file, **kwargs)
    return file.getvalue()


class _Memory(io.BytesIO):
    def __init__(self, name: str):
        super().__init__()
        self._name = name

    def __str__(self) -> str:
        return self._name


def portable(config: Any) -> Any:
    """Mends a serialized optimizer of PyTorch: a private class, which no other backend can load."""
    if not isinstance(config, dict):
        return config
    config = {key: portable(value) for key, value in config.items()}
    if str(config.get("module")).startswith("keras.src.backend."):
        config.update(module="keras.optimizers", registered_name=None)
    return config
