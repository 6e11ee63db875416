"""The only module that uses Keras's private names, one per function.

`tests/test_keras_internals.py` has a contract test of each, and forbids Keras's private names in
the rest of the package.
"""

import io
from collections.abc import Callable, Iterable
from typing import Any

import keras


class Built(keras.Model):
    """The base of a model that is already built and compiled for `fit` and `evaluate` (TensorFlow).

    Under a strategy, Keras would build the model from the mean of the replicas' first batches, and
    would fail if their numbers of rows differ.
    """

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        pass


def flat_layers(layer: keras.Layer) -> list[keras.Layer]:
    """Return a layer and all layers within it, at any depth.

    `Model.layers` is public, but omits the layers within wrappers and within a user's own layers.
    """
    return list(layer._flatten_layers())


def call_losses(layers: Iterable[keras.Layer]) -> list[Any]:
    """Return the losses that layers added in their last call, by `add_loss` or as regularizers.

    `Model.losses` is public, but also contains the weights' penalties, computed anew.
    """
    return [loss for layer in layers for loss in layer._get_own_losses()]


def seed_states(model: keras.Model) -> list[Any]:
    """Return the states of a model's seed generators: variables that Keras does not save."""
    return [v for v in model.non_trainable_variables if v.name == "seed_generator_state"]


def built_for(optimizer: keras.optimizers.Optimizer) -> list[Any]:
    """Return the variables whose moments an optimizer keeps; none before it is built."""
    return list(getattr(optimizer, "inner_optimizer", optimizer)._trainable_variables)


CHECKPOINT_COUNTS = "_batches_seen_since_last_saving", "_last_batch_seen"
"""The attributes in which `ModelCheckpoint` counts steps, if `save_freq` is a number."""

TENSORBOARD_COUNTS = "_global_train_batch", "_global_test_batch"
"""The attributes in which `TensorBoard` counts steps."""


def finish_dispatched(callbacks: keras.callbacks.CallbackList) -> None:
    """Wait until callbacks have received all steps, because Keras sends some from threads."""
    callbacks._flush_futures()


def from_within_fit(arguments: dict[str, Any]) -> bool:
    """Return whether `evaluate` was called by `fit`, with its own data, given these arguments."""
    return bool(arguments.get("_use_cached_eval_dataset"))


def written(save: Callable[..., Any], suffix: str, **kwargs: Any) -> bytes:
    """Return the bytes of the file that a model's `save` or `save_weights` writes.

    Keras documents only paths, but also writes into a file in memory if its `str` ends in
    `".keras"` or `".weights.h5"`. Given a path, HDF5 crashes the whole process with a segmentation
    fault when the disk is full.
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
    """Replace PyTorch's private optimizer class in a config, which no other backend can load."""
    if not isinstance(config, dict):
        return config
    config = {key: portable(value) for key, value in config.items()}
    if str(config.get("module")).startswith("keras.src.backend."):
        config.update(module="keras.optimizers", registered_name=None)
    return config
