"""Pictures of the generator's samples while it learns."""

from pathlib import Path

import keras
import numpy as np
from keras import ops

from keras_egan import checks
from keras_egan.callbacks.files import replacing
from keras_egan.extras import require

__all__ = ["SampleGrid"]


class SampleGrid(keras.callbacks.Callback):
    """Writes a grid of samples from the same latents as a PNG, and an animation at the end.

    The files are named by the training step, as in `00000780.png`, so that a resumed training
    adds to those that are there; `samples.gif` shows them all in order.

    Args:
        directory: where the pictures go; made if need be.
        every: a number of training steps between pictures; by default, one picture an epoch.
        rows: the grid's rows.
        columns: the grid's columns.
        seed: the integer that fixes the latents.

    Raises:
        ImportError: without Pillow (the extra `examples`).
        ValueError: if `every`, `rows` or `columns` is below 1; or, when training begins, if the
            samples are not images of 1, 3 or 4 channels.

    Example:

    ```python
    gan.fit(images, epochs=20, callbacks=[SampleGrid("samples", rows=4, columns=8)])
    ```
    """

    def __init__(self, directory, every=None, rows=8, columns=8, seed=0):
        super().__init__()
        checks.one_or_more(rows=rows, columns=columns)
        if every is not None:
            checks.one_or_more(every=every)
        self.pillow = require("PIL.Image", "images", "SampleGrid")
        self.directory = Path(directory)
        self.every = every
        self.rows = rows
        self.columns = columns
        self.seed = seed

    def on_train_begin(self, logs=None):
        shape = self.model.image_shape
        if len(shape) != 3 or shape[_channel_axis()] not in (1, 3, 4):
            raise ValueError(
                f"SampleGrid shows images of 1, 3 or 4 channels; the samples have shape {shape}."
            )

    def on_epoch_begin(self, epoch, logs=None):
        self._first = self._last = int(ops.convert_to_numpy(self.model.step))

    # At the beginning of the next step, rather than the end of this one: a callback that wants
    # the end of a step makes Keras wait for the device at every step.
    def on_train_batch_begin(self, batch, logs=None):
        if self.every and self._first + batch > self._last:
            self._write_if_due(self._first + batch)

    def on_epoch_end(self, epoch, logs=None):
        step = int(ops.convert_to_numpy(self.model.step))
        if self.every:
            self._write_if_due(step)
        else:
            self._write(step)

    def on_train_end(self, logs=None):
        frames = [self.pillow.open(path) for path in sorted(self.directory.glob("[0-9]*.png"))]
        if frames:
            with replacing(self.directory / "samples.gif") as path:
                frames[0].save(path, save_all=True, append_images=frames[1:], duration=200, loop=0)
        for frame in frames:
            frame.close()

    def _write_if_due(self, step):
        if step // self.every > self._last // self.every:
            self._write(step)
        self._last = step

    def _write(self, step):
        samples = self.model.sample(self.rows * self.columns, seed=self.seed)
        with replacing(self.directory / f"{step:08d}.png") as path:
            self.pillow.fromarray(self._tile(samples)).save(path)

    def _tile(self, samples):
        samples = np.moveaxis(samples, 1 + _channel_axis() % 3, -1)
        _, height, width, channels = samples.shape
        grid = samples.reshape(self.rows, self.columns, height, width, channels)
        grid = grid.transpose(0, 2, 1, 3, 4).reshape(self.rows * height, -1, channels)
        grid = np.round((grid + 1.0) * 127.5).astype("uint8")
        return grid[..., 0] if channels == 1 else grid


def _channel_axis():
    return 0 if keras.config.image_data_format() == "channels_first" else -1
