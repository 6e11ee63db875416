"""What is exported: a GAN's generator, one alone or a file's, and what its endpoint draws."""

import os
from contextlib import nullcontext
from pathlib import Path

import keras

from keras_egan import files
from keras_egan.export import converters

__all__ = ["drawn", "opened"]


def opened(source: keras.Model | str | os.PathLike) -> tuple:
    """Returns the generator, its latents' length and distribution, its classes, and `averaged`.

    Of a generator alone it is not known how many classes there are: labels are tried with 0.
    """
    from keras_egan.energy_gan import EnergyGAN  # here, for its `export` comes from this module

    if isinstance(source, (str, os.PathLike)):
        if not (Path(source).is_file() and Path(source).suffix == ".keras"):
            raise ValueError(f"`source` is {str(source)!r}, which is not a `.keras` file.")
        source = files.open_model(source, compile=False)
    if isinstance(source, EnergyGAN):
        averaged = source.averaged if source.weight_average else nullcontext
        classes = source.num_classes or 0
        return source.generator, source.latent_dim, classes, source.latents, averaged
    if not isinstance(source, keras.Model):
        raise ValueError(
            "`source` must be a GAN, a generator that is a Keras model, or the path of a `.keras` "
            f"file; got {type(source).__name__}."
        )
    shape = getattr(source, "input_shape", None)
    shape = shape or (source.get_build_config() or {}).get("input_shape")
    labelled = isinstance(shape, list) and [len(one) for one in shape] == [2, 1]
    shape = shape[0] if shape and labelled else shape
    if not shape or len(shape) != 2 or not isinstance(shape[1], int):
        raise ValueError(
            "`source` must be a generator, of one input of shape (batch, latent_dim), or of that "
            f"and labels of shape (batch,); this model's is {shape}. A model that has none yet "
            "gets it by being called once."
        )
    return source, shape[1], int(labelled), None, nullcontext


def drawn(
    generator: keras.Model,
    latent_dim: int,
    classes: int,
    latents: str | None,
    seed_endpoint: bool | str,
) -> str | None:
    """Returns what the endpoint draws, or None if there is to be none."""
    if not seed_endpoint:
        return None
    inputs = keras.KerasTensor((1, latent_dim)), keras.KerasTensor((1,), "int32")
    shape = generator.compute_output_spec(converters.given(inputs[: 1 + bool(classes)])).shape
    if len(shape) != 4:
        raise ValueError(
            f"`seed_endpoint` returns images; the generator's samples have shape {shape[1:]}."
        )
    if seed_endpoint is not True:
        return seed_endpoint
    if latents is None:
        raise ValueError(
            "`seed_endpoint=True` draws what the GAN's `latents` says, but `source` is a "
            "generator alone. Pass `seed_endpoint='uniform'` or `'normal'`."
        )
    return latents
