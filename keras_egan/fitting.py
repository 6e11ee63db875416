"""What `fit` does beside Keras's: checks, the order of the images, and going on from a backup."""

import keras
from keras import ops

from keras_egan import checks, inputs
from keras_egan.callbacks import Backup
from keras_egan.datasets import Batches

__all__ = ["Fitting"]


class Fitting:
    """A part of a GAN's model: `fit`."""

    def fit(self, x=None, y=None, batch_size=None, epochs=1, **kwargs):
        """Trains, as `keras.Model.fit`; the values of the first batch are checked beforehand.

        Args:
            x: images of shape `(samples, *image_shape)`, uint8 or floats in [-1, 1]; or any
                dataset, loader or generator that Keras takes, of batches of images or of tuples
                whose first item is images.
            y: ignored, as is everything in a tuple after the images.
            batch_size: the number of images in a batch, where `x` is an array; by default 32.
            epochs: how many times to go through the images.
            **kwargs: as in `keras.Model.fit`; `validation_data` in any of the forms of `x`.

        Returns:
            A `keras.callbacks.History`, with the figures' means over each epoch.

        Raises:
            ValueError: if there are no images, or they are NaN, infinite, outside [-1, 1], of
                another shape than the discriminator's, or neither uint8 nor float; if `batch_size`
                is below 1.
        """
        batch_size = 32 if batch_size is None else batch_size
        checks.one_or_more(batch_size=batch_size)
        x = self._checked(x, batch_size, self.smallest_batch)
        if kwargs.get("validation_data") is not None:
            kwargs["validation_data"] = self._checked(kwargs["validation_data"])
        callbacks = _listed(kwargs.pop("callbacks", None))
        backup = next((c for c in callbacks if isinstance(c, Backup)), None)
        epoch, done = kwargs.pop("initial_epoch", 0), 0
        if backup:
            epoch, done = backup.restore(self, callbacks) or (epoch, done)
        steps = kwargs.pop("steps_per_epoch", None)
        if inputs.is_array(x):
            shuffle = kwargs.pop("shuffle", True)
            images = ops.convert_to_numpy(inputs.images_of(x))
            x = Batches(
                images,
                batch_size,
                shuffle=shuffle,
                seed=int(ops.convert_to_numpy(self.order_seed)),
            )
        own, endless = isinstance(x, Batches), steps is not None
        # Keras shuffles by default, and warns of it where it cannot.
        kwargs.setdefault("shuffle", isinstance(x, keras.utils.PyDataset) and not own)

        def fit(first, last, done=0):
            def begin_epoch():
                if own:
                    x.begin(int(ops.convert_to_numpy(self.step)) - done, done, endless)

            begin_epoch()
            data, left = x, steps and steps - done
            if done and not own:
                data, left = inputs.without_first(x, done, left)
            return super(Fitting, self).fit(
                data,
                initial_epoch=first,
                epochs=last,
                steps_per_epoch=left,
                callbacks=[_Epochs(begin_epoch, endless), *callbacks],
                **kwargs,
            )

        # The rest of an epoch is an epoch of its own to Keras.
        if done:
            history = fit(epoch, epoch + 1, done)
            epoch += 1
        if not done or (epoch < epochs and not self.stop_training):
            history = fit(epoch, epochs)
        if backup:
            backup.clear()
        return history

    def _checked(self, data, batch_size=None, smallest_batch=1):
        images, data = inputs.first_batch(data)
        rows = min(len(images), batch_size) if inputs.is_array(data) and batch_size else len(images)
        if rows < smallest_batch:
            raise ValueError(self._too_small(rows))
        inputs.scale(ops.convert_to_tensor(images[:1]), self.image_shape)
        inputs.check_values(images)
        return data

    def _too_small(self, rows):
        return (
            f"{type(self).__name__} takes batches of {self.smallest_batch} samples or more on each "
            f"device; got {rows}. If it is the last batch of an epoch, drop it: "
            "`drop_remainder=True`."
        )


class _Epochs(keras.callbacks.Callback):
    def __init__(self, begin_epoch, endless):
        super().__init__()
        self.begin_epoch = begin_epoch
        self.endless = endless

    def on_epoch_begin(self, epoch, logs=None):
        self.model.epoch_start = int(ops.convert_to_numpy(self.model.step))
        self.model.make_train_function()  # anew if the model asks for it
        if not self.endless:  # else one pass through the data spans epochs
            self.begin_epoch()

    def on_epoch_end(self, epoch, logs=None):
        self.model.end_epoch(logs)


def _listed(callbacks):
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return callbacks.callbacks
    if isinstance(callbacks, keras.callbacks.Callback):
        return [callbacks]
    return list(callbacks or ())
