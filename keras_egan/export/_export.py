"""A generator in the formats that production runs: a GAN's, one alone, or one in a file."""

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
    cannot, a second process on another writes the file: on TensorFlow SavedModel, LiteRT, OpenVINO
    and, from JAX, ONNX; on PyTorch `"torch"`. Every format takes batches of any size, computes in
    float32, and names its inputs as the generator does.

    Before it replaces what is at `filepath`, the file is compared in its own runtime, on batches of
    1 and 3, with a float32 copy of the generator on the CPU: outputs may differ by 1e-4, or by that
    share of the largest above 1. So may the copy and the generator; by 0.1 if the generator
    computes in half precision or on an accelerator.

    Args:
        source: a GAN, whose generator is exported; a generator, a Keras model of one input of
            shape `(batch, latent_dim)`, or of that and labels of shape `(batch,)`; or the path of a
            `.keras` file of either, which is loaded in Keras's safe mode.
        filepath: the folder of a SavedModel; a file in `.onnx`; in `.tflite` for LiteRT; in `.xml`
            for OpenVINO, which gets a `.bin` beside it; in `.pt2` for PyTorch.
        format: `"saved_model"` (or `"tf_saved_model"`, Keras's name), `"onnx"`, `"litert"`,
            `"openvino"` or `"torch"`, the ExportedProgram of PyTorch.
        seed_endpoint: whether the SavedModel gets, beside `serve(latents)`, an endpoint
            `generate(seed, count)`, which draws `count` latents from a whole number and returns
            uint8 images of shape `(count, *image_shape)`; with classes `generate(seed, count,
            label)` and `serve([latents, labels])`. True draws as the GAN's `latents` says;
            `"uniform"` or `"normal"` says it for a generator alone.
        average: whether a GAN's averaged weights are exported, as `sample` uses them.

    Returns:
        The path, a `pathlib.Path`.

    Raises:
        ValueError: if an argument is out of its range, or `filepath` is a folder of something else.
        ImportError: if a package that the format needs is not installed.
        RuntimeError: if the generator cannot be written in this format, or the file differs from
            it.

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
            "`source` must be a generator, of one input of shape (batch, latent_dim), or of that "
            f"and labels of shape (batch,); this model's is {shape}. A model that has none yet "
            "gets it by being called once."
        )
    if seed_endpoint is True:
        raise ValueError(
            "`seed_endpoint=True` draws what the GAN's `latents` says, but `source` is a "
            "generator alone. Pass `seed_endpoint='uniform'` or `'normal'`."
        )
    # It does not say how many classes it has: label 0 exists in any case.
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

    Arguments, result and errors are those of `keras_egan.export.export`. Beside these, `verbose`
    says whether to print where the file is, and `opset_version` is the version of ONNX's operators,
    by default the converter's own choice. Of several processes that train together the first writes
    the file, and the others do not wait.

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
                f"`seed_endpoint` returns images; the generator's samples have shape {shape[1:]}."
            )
    inputs = getattr(generator, "inputs", None)  # which models written as classes have not
    names = [one.name for one in inputs] if inputs else ["latents", "labels"][: len(batches[0])]
    options = {"draw": draw, "opset_version": opset_version}
    return write_network(generator, batches, path, format, names, weights, **options)
