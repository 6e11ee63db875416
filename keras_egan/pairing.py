"""Whether two networks make a GAN, and the errors where they do not."""

from typing import Any

import keras

from keras_egan import losses

__all__ = ["check_embedding", "check_energy", "check_models", "image_shape", "latent_dim"]


def check_models(**networks: Any) -> None:
    """Raises a `ValueError` that names the first of the networks that is no Keras model."""
    for name, network in networks.items():
        if not isinstance(network, keras.Model):
            raise ValueError(f"`{name}` must be a Keras model; got {type(network).__name__}.")


def latent_dim(generator: keras.Model) -> int:
    """Returns the length of a generator's latents, read from its input.

    Raises:
        ValueError: if its input does not say, or is none of latents.
    """
    shape = getattr(generator, "input_shape", None)
    if isinstance(shape, (list, dict)) or (shape and isinstance(shape[0], (tuple, list))):
        raise ValueError(
            f"`generator` has {len(shape)} inputs; it must have one, latents of shape "
            "(None, latent_dim)."
        )
    if not shape or len(shape) != 2 or shape[-1] is None:
        raise ValueError(
            "`latent_dim` is missing, and cannot be read from `generator`: its input shape is "
            f"{shape}, where (None, latent_dim) would do. Pass `latent_dim=`."
        )
    return shape[-1]


def image_shape(generator: keras.Model, discriminator: keras.Model, latent_dim: int) -> tuple:
    """Returns the shape of one sample, having called the generator and compared the two.

    Raises:
        ValueError: if the generator's samples are none that the discriminator takes, or the two
            networks share weights.
    """
    fake = generator(keras.Input((latent_dim,)))
    if not hasattr(fake, "shape"):
        raise ValueError(f"`generator` must return one tensor; it returns {type(fake).__name__}.")
    shape = tuple(fake.shape[1:])
    if None in shape:
        raise ValueError(f"`generator` must make samples of one shape; it makes {shape}.")
    expected = getattr(discriminator, "input_shape", None)
    if isinstance(expected, (list, dict)) or (expected and isinstance(expected[0], (tuple, list))):
        raise ValueError(f"`discriminator` must have one input, samples; it has {len(expected)}.")
    if expected and not _agree(shape, tuple(expected[1:])):
        raise ValueError(
            f"`generator` makes samples of shape {shape}, but `discriminator` takes "
            f"{tuple(expected[1:])}. Build both for the same shape."
        )
    discriminator(keras.Input(shape))
    _check_apart(generator, discriminator)
    return shape


def check_energy(discriminator: keras.Model, energy: Any, shape: tuple) -> None:
    """Raises a `ValueError` unless a discriminator of samples of a shape has that energy."""
    if energy not in (*losses.ENERGIES, "output"):
        raise ValueError(
            f"`energy` must be 'output' or one of {', '.join(losses.ENERGIES)}; got {energy!r}."
        )
    output = tuple(getattr(discriminator(keras.Input(shape)), "shape", (None,))[1:])
    if energy == "output" and output != (1,):
        raise ValueError(
            f"`discriminator` must be a critic, with one score a sample, of shape (1,); it "
            f"returns {output}. End it in `keras.layers.Dense(1)`."
        )
    if energy != "output" and output != shape:
        raise ValueError(
            f"`discriminator` must be an auto-encoder: for samples of shape {shape} it "
            f"returns {output} instead of a reconstruction."
        )


def check_embedding(discriminator: keras.Model, latent_dim: int) -> None:
    """Raises a `ValueError` unless a discriminator's embeddings have the shape of latents."""
    if not hasattr(discriminator, "encoder") or not hasattr(discriminator, "decoder"):
        raise ValueError(
            "`discriminator` must have an encoder, whose embeddings are held to the latents: build "
            "it as `networks.Autoencoder(encoder, decoder)`."
        )
    shape = tuple(discriminator.encoder.output_shape[1:])
    if shape != (latent_dim,):
        raise ValueError(
            f"`discriminator` has embeddings of shape {shape}, and `generator` latents of shape "
            f"({latent_dim},), which must be the same: pass `embedding_dim={latent_dim}`."
        )


def _agree(one, other):
    sides = zip(one, other, strict=False)
    return len(one) == len(other) and all(a == b or b is None for a, b in sides)


def _check_apart(generator, discriminator):
    held = {id(variable) for variable in generator.variables}
    shared = [variable.path for variable in discriminator.variables if id(variable) in held]
    if shared:
        raise ValueError(
            f"`generator` and `discriminator` share weights ({', '.join(shared[:3])}), which would "
            "part in a saved file. Give each layers of its own, as `keras.models.clone_model` does."
        )
