"""Checks that a generator and a discriminator make a GAN."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_egan import checks
from keras_egan.backend import keras_internals
from keras_egan.energies import NEEDS, needed_output


def checked(
    generator: Any, discriminator: Any, energy: Any, latent_dim: int | None, num_classes: int | None
) -> tuple[int, tuple[int, ...]]:
    """Call both networks; return the length of latents and the shape of one sample.

    The arguments and errors are those of `EnergyGAN`.
    """
    for name, network in {"generator": generator, "discriminator": discriminator}.items():
        if not isinstance(network, keras.Model):
            raise ValueError(f"`{name}` must be a Keras model; got {type(network).__name__}.")
        _check_holds_no_code(name, network)
    if num_classes is not None:
        checks.whole_number(2, num_classes=num_classes)
    length = _latent_dim(generator, latent_dim, num_classes is not None)
    shape = _image_shape(generator, length, num_classes is not None)
    _check_discriminator(generator, discriminator, energy, shape, num_classes)
    return length, shape


def symbols(shape: Sequence[int], labeled: bool) -> Any:
    """Return symbolic samples, with labels if `labeled`, that show a network's output shape."""
    inputs = keras.Input(tuple(shape))
    return [inputs, keras.Input((), dtype="int32")] if labeled else inputs


def _latent_dim(generator, given, labeled):
    shape = _first_input("generator", generator, "latents of shape (None, latent_dim)", labeled)
    if shape and len(shape) != 2:
        raise ValueError(
            f"`generator` must take latents of shape (None, latent_dim); it takes {tuple(shape)}. "
            f"Begin it with `keras.layers.Reshape({tuple(shape[1:])})`."
        )
    if given is not None:
        return given
    if not shape or shape[-1] is None:
        raise ValueError(
            f"`latent_dim` is missing, and the input shape of `generator`, {shape}, does not give "
            "it. Pass `latent_dim=`."
        )
    return shape[-1]


def _image_shape(generator, latent_dim, labeled):
    fake = generator(symbols((latent_dim,), labeled))
    if not hasattr(fake, "shape"):
        raise ValueError(f"`generator` must return one tensor; it returns {type(fake).__name__}.")
    shape = tuple(fake.shape[1:])
    if None in shape:
        raise ValueError(f"`generator` must make samples of a fixed shape; it makes {shape}.")
    return shape


def _check_discriminator(generator, discriminator, energy, shape, classes):
    labeled = classes is not None and energy != "cross_entropy"
    expected = _first_input("discriminator", discriminator, "samples", labeled)
    taken = tuple(expected[1:]) if expected else shape
    pairs = zip(shape, taken, strict=False)
    if len(shape) != len(taken) or any(side not in (made, None) for made, side in pairs):
        raise ValueError(
            f"`generator` makes samples of shape {shape}, but `discriminator` takes {taken}. Build "
            "both for the same shape."
        )
    output = tuple(getattr(discriminator(symbols(shape, labeled)), "shape", (None,))[1:])
    _check_apart(generator, discriminator)
    if energy not in NEEDS:
        raise ValueError(f"`energy` must be one of {', '.join(NEEDS)}; got {energy!r}.")
    if energy == "cross_entropy" and classes is None:
        raise ValueError("`energy='cross_entropy'` needs `num_classes`; got None.")
    needed = needed_output(energy, shape, classes)
    if output != needed:
        raise ValueError(
            f"`discriminator` must be {NEEDS[energy]}. With `energy={energy!r}` and samples of "
            f"shape {shape} it must return {needed}; it returns {output}."
        )


def _first_input(argument, network, what, labeled):
    shape = getattr(network, "input_shape", None)
    several = shape and (isinstance(shape, dict) or isinstance(shape[0], (tuple, list)))
    shapes = list(shape.values() if isinstance(shape, dict) else shape) if several else [shape]
    if shape and len(shapes) != 1 + labeled:
        wanted = f"two inputs, {what} and labels," if labeled else f"one input, {what},"
        raise ValueError(
            f"`{argument}` must have {wanted} if the GAN has "
            f"{'`num_classes`' if labeled else 'no `num_classes`'}; it has {len(shapes)}. Pass "
            "`num_classes=` both to the networks and to the GAN, or to neither."
        )
    return shapes[0]


def check_embedding(discriminator: keras.Model, latent_dim: int) -> None:
    """Raise a `ValueError` unless a discriminator's embeddings have the shape of latents."""
    if not checks.has_encoder(discriminator):
        raise ValueError(
            "`discriminator` must have an encoder, whose embeddings learn to equal the latents. "
            "Build it as `networks.Autoencoder(encoder, decoder)`."
        )
    shape = tuple(discriminator.encoder.output_shape[1:])
    if shape != (latent_dim,):
        raise ValueError(
            f"`discriminator` must have embeddings of the latents' shape, ({latent_dim},); it has "
            f"{shape}. Build it with `embedding_dim={latent_dim}`."
        )


def _check_apart(generator, discriminator):
    held = {id(variable) for variable in generator.variables}
    shared = [variable.path for variable in discriminator.variables if id(variable) in held]
    if shared:
        raise ValueError(
            "`generator` and `discriminator` must not share weights "
            f"({', '.join(shared[:3])}), because a file holds them twice. Give each network its "
            "own layers, for example by `keras.models.clone_model`."
        )


def _check_holds_no_code(argument, network):
    for layer in keras_internals.flat_layers(network):
        code = layer.function if isinstance(layer, keras.layers.Lambda) else None
        wrapped = isinstance(layer, keras.layers.TorchModuleWrapper)
        if wrapped or getattr(code, "__name__", None) == "<lambda>":
            raise ValueError(
                f"`{argument}` has the layer {layer.name!r}, a {type(layer).__name__}. A file "
                "would hold its code, which `load` and `export` refuse to run. Write it as a "
                "subclass of keras.layers.Layer, registered with "
                "keras.saving.register_keras_serializable."
            )
