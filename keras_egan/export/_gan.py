"""A GAN's own `export`, in place of Keras's."""

import os
from pathlib import Path
from typing import Any

import keras

from keras_egan import processes
from keras_egan.export._arguments import (
    ALIASES,
    check_arguments,
    check_options,
    check_signature,
)
from keras_egan.export._export import write

__all__ = ["export_gan"]


def export_gan(
    gan: keras.Model,
    filepath: str | os.PathLike,
    format: str = "saved_model",
    verbose: bool | None = None,
    input_signature: Any = None,
    *,
    seed_endpoint: bool | str = False,
    average: bool = True,
    **kwargs: Any,
) -> Path:
    """Writes the generator in a format that needs neither Keras nor this package.

    The same on every backend, for batches of any size: the file is loaded in its own runtime and
    compared with the generator before it takes its place at `filepath`, whole or not at all. Where
    several processes train together, the first writes it, and the others do not wait. See
    `keras_egan.export.export`, which does the same for a file or for a generator alone.

    Args:
        gan: the GAN, whose method this is.
        filepath: the folder of a SavedModel; a file in `.onnx`, in `.tflite` for LiteRT, or in
            `.xml` for OpenVINO, which gets a `.bin` beside it. What is there is replaced.
        format: `"saved_model"` (or `"tf_saved_model"`, as Keras calls it), `"onnx"`, `"litert"` or
            `"openvino"`.
        verbose: whether to print where the file is.
        input_signature: None, or what it is anyway: float32 of shape `(None, latent_dim)`; with
            `num_classes` None alone.
        seed_endpoint: whether the SavedModel gets an endpoint `generate(seed, count)` beside
            `serve(latents)`, which draws `count` latents as the GAN's `latents` says, or as
            `"uniform"` or `"normal"` says here; the same for the same whole number `seed`. It
            returns images, uint8 of shape `(count, *image_shape)`. With `num_classes` the two are
            `generate(seed, count, label)` and `serve([latents, labels])`.
        average: whether the generator gets its averaged weights, where the GAN keeps them, as
            `sample` does.
        **kwargs: `opset_version`, of ONNX. Keras's other options are refused.

    Returns:
        The path, a `pathlib.Path`.

    Raises:
        ValueError: if an argument is out of its range or not taken, or `filepath` is a folder of
            something else.
        ImportError: if a package that the format needs is not installed.
        RuntimeError: if the generator cannot be written in this format, or what was written
            differs from it.

    Example:

    ```python
    gan.export("generator", seed_endpoint=True)
    served = tf.saved_model.load("generator")  # with TensorFlow alone
    images, thumbnails = served.serve(latents), served.generate(7, 64)
    ```
    """
    path = Path(filepath).resolve()
    format = ALIASES.get(format, format)
    check_arguments("filepath", path, format, seed_endpoint)
    check_options(format, kwargs)
    check_signature(input_signature, gan.latent_dim, gan.num_classes)
    processes.by_first(write, gan, path, format, seed_endpoint, average, **kwargs)
    if verbose:
        print(f"Saved the generator at {path}, as `format={format!r}`.")
    return path
