"""Pictures of the generator's samples while it learns."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_egan import checks
from keras_egan.callbacks._files import tolerated
from keras_egan.datasets.preparation import pillow
from keras_egan.image_format import channel_axis, is_image
from keras_egan.pictures import animate, grid, save_grid
from keras_egan.saving.files import local


class SampleGrid(keras.callbacks.Callback):
    """Write grids of samples from the same latents as PNGs, and an animation at the end.

    The files are named by the training step, such as `00000780.png`. `samples.gif` shows all of
    them in order, including those from before a resume. The first failure to draw or write gives a
    warning, and training goes on. With `num_classes`, each row shows one class.

    Args:
        directory: the folder of the pictures; created if missing.
        every: number of training steps between pictures; by default, one epoch. There is none of
            the end, unless it is a multiple of `every`.
        rows: number of rows; by default 8, or the number of classes.
        columns: number of columns.
        seed: the integer, from 0 up, that fixes the latents.
        writer: a `SummaryWriter` of tensorboardX or of `torch.utils.tensorboard`, for TensorBoard
            and, after `wandb.init(sync_tensorboard=True)`, Weights & Biases. It gets each picture
            as `samples`, and each epoch's logs, at the training step. It stays open.

    Raises:
        ImportError: if Pillow is missing (the extra `images`).
        OSError: when training begins, if the directory cannot be created.
        TypeError: if `writer` is not a `SummaryWriter`.
        ValueError: if a number is not whole or is too small; or, when training begins, if the
            samples are not images of 1, 3 or 4 channels.

    Example:

    ```python
    gan.fit(images, epochs=20, callbacks=[SampleGrid("samples", rows=4, columns=8)])
    ```
    """

    first_process_only = True

    def __init__(
        self,
        directory: str | Path,
        every: int | None = None,
        rows: int | None = None,
        columns: int = 8,
        seed: int = 0,
        writer: Any = None,
    ):
        super().__init__()
        if writer is not None and not hasattr(writer, "add_image"):
            raise TypeError(
                "`writer` must be a SummaryWriter of tensorboardX or of torch.utils.tensorboard; "
                f"got {writer!r}."
            )
        checks.whole_number(1, columns=columns)
        checks.whole_number(0, seed=seed)
        pillow()  # raises here, instead of a warning during training
        self.directory = local(directory=directory)
        self.every = checks.optional_whole(1, every=every)
        self.rows = checks.optional_whole(1, rows=rows)
        self.columns = int(columns)
        self.seed = int(seed)
        self.writer = writer

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        shape = self.model.image_shape
        if not is_image(shape) or (None, *shape)[channel_axis()] not in (1, 3, 4):
            raise ValueError(
                f"SampleGrid needs images of 1, 3 or 4 channels; got samples of shape {shape}."
            )
        self.directory.mkdir(parents=True, exist_ok=True)
        self._warned: set[str] = set()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._fit = self.model.fit_state
        self._last = self._fit.epoch_start

    def get_state(self) -> dict[str, Any]:
        """Return the step of the last picture, or of the epoch's beginning."""
        return {"last": self._last}

    def set_state(self, state: dict[str, Any]) -> None:
        self._last = state["last"]

    # Not `on_train_batch_end`: a callback that has it makes Keras wait for the device at each step.
    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if self.every:
            self._write_if_due()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        step = self._fit.step
        if self.every:
            self._write_if_due()
        else:
            self._write(step)
        if self.writer:
            with tolerated("Writing the logs for TensorBoard", self._warned):
                for name, value in (logs or {}).items():
                    self.writer.add_scalar(name, value, step)
                self.writer.flush()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        with tolerated("Writing the animation of the samples", self._warned):
            animate(self.directory / "samples.gif", self._frames())

    def _write_if_due(self):
        step = self._fit.step
        if step // self.every > self._last // self.every:
            self._write(step)
            self._last = step

    def _write(self, step):
        with tolerated("Drawing samples", self._warned):
            labels, classes = None, self.model.num_classes
            rows = self.rows or classes or 8
            if classes:
                labels = np.repeat(np.arange(rows) % classes, self.columns)
            samples = self.model.sample(rows * self.columns, seed=self.seed, labels=labels)
            save_grid(self.directory / f"{step:08d}.png", samples, self.columns)
            if self.writer:
                picture = grid(samples, self.columns)
                axes = "HWC" if picture.ndim == 3 else "HW"
                self.writer.add_image("samples", picture, step, dataformats=axes)

    def _frames(self) -> Iterator[Any]:
        """Yield the pictures one by one: there may be more than the limit of open files."""
        for path in sorted(self.directory.glob("[0-9]*.png")):
            with tolerated(f"Reading pictures of {self.directory}", self._warned):
                with pillow().open(path) as picture:
                    frame = picture.copy()
                yield frame
