"""Export of a generator: a GAN's, a generator alone, or one in a file."""

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import keras

from keras_egan.backend import processes
from keras_egan.export import converters
from keras_egan.export._formats import checked
from keras_egan.export._writer import trial_batches, write_network
from keras_egan.saving import files


def export(
    source: keras.Model | str | os.PathLike,
    filepath: str | os.PathLike,
    format: str = "saved_model",
    *,
    seed_endpoint: bool | str = False,
    average: bool = True,
) -> Path:
    """Write a generator in a format that needs neither Keras nor this package.

    Keras's own `model.export` writes all formats except the SavedModel. If the present backend
    cannot write a format, a second process does: on TensorFlow for SavedModel, LiteRT, OpenVINO
    and, from JAX, ONNX; on PyTorch for `"torch"`. Every file takes batches of any size, computes in
    float32, and has the generator's input names.

    Before the file replaces an older one, its own runtime computes batches of 1 and 3. Outputs are
    compared with those of a float32 copy of the generator on the CPU. They may differ by 1e-4,
    times the largest output if that is above 1. The copy and the generator may differ as much, or
    by 0.1 in place of 1e-4 if the generator computes in half precision or on an accelerator.

    Args:
        source: a GAN, whose generator is exported; a generator, a Keras model with one input of
            shape `(batch, latent_dim)`, or with labels of shape `(batch,)` too; or the path of a
            `.keras` file of either, which is loaded in Keras's safe mode.
        filepath: the folder of a SavedModel; or a file that ends in `.onnx`, in `.tflite` for
            LiteRT, in `.xml` for OpenVINO, which gets a `.bin` beside it, or in `.pt2` for PyTorch.
        format: `"saved_model"` (or `"tf_saved_model"`, Keras's name), `"onnx"`, `"litert"`,
            `"openvino"` or `"torch"`, the ExportedProgram of PyTorch.
        seed_endpoint: whether the SavedModel gets an endpoint `generate(seed, count)` beside
            `serve(latents)`. It draws `count` latents from the seed, a whole number, and returns
            uint8 images of shape `(count, *image_shape)`. With classes, the endpoints are
            `generate(seed, count, label)` and `serve([latents, labels])`. True draws the GAN's
            `latents`; for a generator alone, pass `"uniform"` or `"normal"`.
        average: whether to export a GAN's averaged weights, as `sample` uses them.

    Returns:
        The path, a `pathlib.Path`.

    Raises:
        ValueError: if an argument is out of its range, or `filepath` is a folder of other files.
        ImportError: if a package that the format needs is not installed.
        RuntimeError: if the generator cannot be written in this format, or the file's outputs
            differ.

    Example:

    ```python
    export(gan, "generator", seed_endpoint=True)
    export("began.keras", "generator.onnx", format="onnx")

    served = tf.saved_model.load("generator")  # with TensorFlow alone
    images = served.serve(latents)
    thumbnails = served.generate(7, 64)
    ```
    """
    path, format = checked(filepath, format, seed_endpoint)
    if isinstance(source, (str, os.PathLike)):
        if not (Path(source).is_file() and Path(source).suffix == ".keras"):
            raise ValueError(f"`source` is {str(source)!r}, which is not a `.keras` file.")
        source = files.open_model(source, compile=False)
    if isinstance(getattr(source, "generator", None), keras.Model):
        return source.export(path, format, seed_endpoint=seed_endpoint, average=average)
    if not isinstance(source, keras.Model):
        raise ValueError(
            "`source` must be a GAN, a generator that is a Keras model, or the path of a `.keras` "
            f"file; got {type(source).__name__}."
        )
    shape = getattr(source, "input_shape", None)
    shape = shape or (source.get_build_config() or {}).get("input_shape")
    labeled = isinstance(shape, list) and [len(one) for one in shape] == [2, 1]
    shape = shape[0] if shape and labeled else shape
    if not shape or len(shape) != 2 or not isinstance(shape[1], int):
        raise ValueError(
            "`source` must be a generator with one input of shape (batch, latent_dim), or with "
            f"labels of shape (batch,) too; this model's input is {shape}. If it is None, call the "
            "model once."
        )
    if seed_endpoint is True:
        raise ValueError(
            "`seed_endpoint=True` draws a GAN's `latents`, but `source` is a generator alone. Pass "
            "`seed_endpoint='uniform'` or `'normal'`."
        )
    # A generator does not tell its number of classes; label 0 always exists.
    return _write(source, shape[1], int(labeled), path, format, seed_endpoint or None)


def export_gan(
    gan: keras.Model,
    filepath: str | os.PathLike,
    format: str = "saved_model",
    verbose: bool | None = None,
    *,
    seed_endpoint: bool | str = False,
    average: bool = True,
    opset_version: int | None = None,
) -> Path:
    """Write the generator in a format that needs neither Keras nor this package.

    Arguments, result and errors are as in `keras_egan.export.export`. In addition, `verbose` says
    whether to print the file's path, and `opset_version` is the version of ONNX's operators, by
    default the converter's own choice. If several processes train together, the first writes the
    file, and the others do not wait.

    Example:

    ```python
    gan.export("generator", seed_endpoint=True)
    served = tf.saved_model.load("generator")  # with TensorFlow alone
    images, thumbnails = served.serve(latents), served.generate(7, 64)
    ```
    """
    path, format = checked(filepath, format, seed_endpoint, opset_version)
    draw = gan.latents if seed_endpoint is True else seed_endpoint or None
    weights = gan.averaged() if average and gan._weight_average else nullcontext()
    network = gan.generator, gan.latent_dim, gan.num_classes or 0
    processes.by_first(_write, *network, path, format, draw, weights, opset_version)
    if verbose:
        print(f"Saved the generator at {path}, as `format={format!r}`.")
    return path


def _write(
    generator: keras.Model,
    latent_dim: int,
    classes: int,
    path: Path,
    format: str,
    draw: str | None,
    weights: AbstractContextManager | None = None,
    opset_version: int | None = None,
) -> Path:
    batches = trial_batches((latent_dim,), classes)
    if draw:
        specs = [keras.KerasTensor(array.shape, array.dtype.name) for array in batches[0]]
        shape = generator.compute_output_spec(converters.as_input(specs)).shape
        if len(shape) != 4:
            raise ValueError(
                f"`seed_endpoint` needs a generator of images; got samples of shape {shape[1:]}."
            )
    inputs = getattr(generator, "inputs", None)  # models written as classes have none
    names = [one.name for one in inputs] if inputs else ["latents", "labels"][: len(batches[0])]
    options = {"draw": draw, "opset_version": opset_version}
    return write_network(generator, batches, path, format, names, weights, **options)
