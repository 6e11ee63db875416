"""Paths between latents, and latents of given images: methods of every GAN."""

from typing import Any, NamedTuple

import numpy as np
from keras import ops

from keras_egan import backend, checks, losses
from keras_egan.datasets import inputs
from keras_egan.gans.blocks import BATCH, in_blocks
from keras_egan.image_format import is_image
from keras_egan.metrics import nearest

CANDIDATES = 1000
"""The number of samples among which `invert` finds its starts, and which define what is far."""


class Inversion(NamedTuple):
    """The result of `invert` for n images.

    Attributes:
        latents: float32 of shape `(n, latent_dim)`.
        images: the latents' samples, float32 of shape `(n, *image_shape)`, in [-1, 1] if images.
        errors: the mean absolute difference of each image and its sample, float32 of shape `(n,)`.
        far: whether the error exceeds the median distance of the generator's own samples to the
            nearest of 999 others, bool of shape `(n,)`. If so, the generator makes no such image,
            or `invert` did not find it.
    """

    latents: np.ndarray
    images: np.ndarray
    errors: np.ndarray
    far: np.ndarray


def interpolate(
    gan: Any,
    a: Any,
    b: Any,
    steps: int = 8,
    average: bool = True,
    labels: Any = None,
    batch_size: int = BATCH,
) -> np.ndarray:
    """Generate samples between two latents: along a line, or along an arc if latents are normal.

    On an arc (spherical interpolation) normal latents keep the length that they have in training.

    Args:
        gan: the GAN, whose method this is.
        a: first latents, of shape `(n, latent_dim)`, or a single one, of shape `(latent_dim,)`.
        b: last latents, likewise. A single one serves all pairs.
        steps: number of samples per pair, both ends included, 2 or more.
        average: as in `sample`.
        labels: the pairs' classes, as in `sample`, if the GAN has `num_classes`.
        batch_size: as in `sample`.

    Returns:
        float32 array of shape `(n, steps, *image_shape)`, or `(steps, *image_shape)` for a single
        pair; images are clipped to [-1, 1]. `pictures.save_grid` and `save_animation` take it.

    Raises:
        ValueError: if latents have another shape or are not finite, `a` and `b` differ in number,
            or `steps` is not a whole number from 2 up.

    Example:

    ```python
    a, b = np.random.default_rng(0).uniform(-1, 1, (2, 8, gan.latent_dim))
    pictures.save_grid("between.png", gan.interpolate(a, b, steps=10))
    ```
    """
    checks.whole_number(2, steps=steps)
    single = np.ndim(a) == np.ndim(b) == 1
    a, b = checked(gan, a, "a"), checked(gan, b, "b")
    if len(a) != len(b) and 1 not in (len(a), len(b)):
        raise ValueError(
            f"`a` and `b` must hold equally many latents, or one of them a single latent; got "
            f"{len(a)} and {len(b)}."
        )
    share = np.linspace(0.0, 1.0, steps)[:, None]
    between = _arc if gan.latents == "normal" else _line
    path = between(a[:, None], b[:, None], share).astype("float32")
    labels = gan._given_labels(labels, len(path))
    labels = None if labels is None else np.repeat(labels, steps)
    samples = gan.generate(path.reshape(-1, gan.latent_dim), average, labels, batch_size)
    samples = samples.reshape(*path.shape[:2], *samples.shape[1:])
    return samples[0] if single else samples


def invert(
    gan: Any,
    images: Any,
    steps: int = 500,
    learning_rate: float = 0.05,
    starts: Any = 4,
    seed: int = 0,
    average: bool = True,
    batch_size: int = BATCH,
) -> Inversion:
    """Find latents whose samples are nearest to images, by Adam on the latents.

    It minimises the mean absolute difference, as BEGAN's paper does, from several starts, and keeps
    the best result. Uniform latents stay within [-1, 1], the range that the generator was trained
    on. The learning rate falls to 0 along half a cosine.

    Args:
        gan: the GAN, whose method this is.
        images: array of shape `(n, *image_shape)`, uint8 or floats in [-1, 1].
        steps: number of steps of Adam.
        learning_rate: Adam's learning rate at the first step.
        starts: number of starts per image: the latents, of 1,000 drawn, whose samples are nearest.
            Or the latents themselves, of shape `(n, latent_dim)`, such as `gan.encode(images)` of
            BEGAN-CS.
        seed: an integer that fixes the drawn latents.
        average: as in `sample`.
        batch_size: number of latents that move at once, and of samples generated at once. A smaller
            number takes less memory.

    Returns:
        Latents, their samples, the errors, and whether these are large.

    Raises:
        ValueError: if an argument is out of its range, `energy` refuses the images, or the GAN has
            `num_classes`.

    Source: Berthelot et al., BEGAN, https://arxiv.org/abs/1703.10717, section 4.3.

    Example:

    ```python
    found = gan.invert(test_images[:8])
    pictures.save_grid("found.png", np.concatenate([test_images[:8], found.images]), columns=8)
    ```
    """
    checks.whole_number(1, steps=steps)
    checks.above_zero(learning_rate=learning_rate)
    if gan.labels:
        raise ValueError(
            "`invert` finds latents, not labels: it needs a GAN without `num_classes`."
        )
    with backend.device_of(gan.generator.weights):
        images = ops.convert_to_numpy(inputs.scaled(images, gan.image_shape))
        drawn = gan.draw_latents(CANDIDATES, seed)
        samples = gan.generate(drawn, average, batch_size=batch_size)
        z = _starts(gan, starts, images, drawn, samples)
        tries = z.shape[1]
        rows = np.repeat(images, tries, axis=0)
        weights = gan._sampled_weights(average)
        rates = learning_rate * (1.0 + np.cos(np.pi * np.arange(steps) / steps)) / 2.0

        def descend(z, targets):
            targets = ops.convert_to_tensor(targets)
            bounded = gan.latents == "uniform"
            return _adam(z, lambda z: gan._gradient(weights, z, targets), rates, bounded)

        z = in_blocks(descend, batch_size, z.shape[2:], z.reshape(-1, gan.latent_dim), rows)
        found = gan.generate(z, average, batch_size=batch_size)
        errors = _errors(rows, found)
        best = errors.reshape(-1, tries).argmin(axis=1) + tries * np.arange(len(images))
        apart = _errors(samples, samples[nearest(samples, samples, k=2).indices[:, 1]])
        return Inversion(z[best], found[best], errors[best], errors[best] > np.median(apart))


def encode(gan: Any, images: Any, batch_size: int = BATCH) -> np.ndarray:
    """Return the discriminator's embeddings of images; BEGAN-CS's are latents for `generator`.

    Args:
        gan: the GAN, whose method this is.
        images: array of shape `(n, *image_shape)`, uint8 or floats in [-1, 1].
        batch_size: number of images that are encoded at once.

    Returns:
        float32 array of n embeddings, of shape `(n, *embedding_shape)`.

    Raises:
        ValueError: if the discriminator has no encoder, the images have another shape or values out
            of range, or `batch_size` is not a whole number from 1 up.

    Example:

    ```python
    resembling = gan.generate(gan.encode(images))  # of BEGAN-CS
    ```
    """
    if not checks.has_encoder(gan.discriminator):
        raise ValueError(
            "`discriminator` must have an encoder for `encode`. Build it as "
            "`networks.Autoencoder(encoder, decoder)`."
        )
    backend.synchronize(gan)
    encoder = gan.discriminator.encoder
    with backend.inference(encoder):
        shape = encoder.output_shape[1:]
        images = ops.convert_to_numpy(inputs.scaled(images, gan.image_shape))
        return in_blocks(encoder, batch_size, shape, images)


def _line(a, b, share):
    return (1.0 - share) * a + share * b


def _arc(a, b, share):
    lengths = np.linalg.norm(a, axis=-1, keepdims=True), np.linalg.norm(b, axis=-1, keepdims=True)
    cosine = np.sum(a * b, axis=-1, keepdims=True) / np.maximum(lengths[0] * lengths[1], 1e-12)
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    straight = np.sin(angle) < 1e-4  # opposite ends have no shortest arc, close ends no visible one
    sine = np.where(straight, 1.0, np.sin(angle))
    arc = np.sin((1.0 - share) * angle) / sine * a + np.sin(share * angle) / sine * b
    return np.where(straight, _line(a, b, share), arc)


def _starts(gan, starts, images, drawn, samples):
    """Return the latents to start from, of shape `(images, tries, latent_dim)`."""
    if np.ndim(starts) == 0:
        checks.whole_number(1, starts=starts)
        if starts > CANDIDATES:
            raise ValueError(f"`starts` must be at most {CANDIDATES}; got {starts}.")
        return drawn[nearest(images, samples, k=int(starts)).indices]
    z = checked(gan, starts, "starts")[:, None]
    if len(z) != len(images):
        raise ValueError(
            f"`starts` must hold one latent per image; got {len(z)} for {len(images)} images."
        )
    return z


def _adam(z, gradient, rates, bounded):
    # Keras's Adam with its defaults, in NumPy. An optimizer would make variables on all devices of
    # a `keras.distribution`, but the gradient comes from one: https://keras.io/api/distribution/
    mean, square = np.zeros_like(z), np.zeros_like(z)
    for step, rate in enumerate(rates, 1):
        slope = ops.convert_to_numpy(gradient(z))
        mean = 0.9 * mean + 0.1 * slope
        square = 0.999 * square + 0.001 * slope**2
        root = np.sqrt(square / (1.0 - 0.999**step)) + 1e-7
        z = (z - rate * mean / (1.0 - 0.9**step) / root).astype("float32")
        z = z.clip(-1.0, 1.0) if bounded else z
    return z


def compiled_gradient(generator: Any) -> Any:
    """Return a function of weights, latents and images: the gradient of `differences`."""
    return backend.compiled_gradient(
        lambda: generator.weights,
        lambda z, images: differences(generator(z, training=False), images),
    )


def differences(samples: Any, images: Any) -> Any:
    """Return the mean absolute difference of each image and its sample, as clipped by `sample`."""
    if is_image(samples.shape[1:]):  # clips, but keeps the gradient, which leads back into range
        samples = samples + ops.stop_gradient(ops.clip(samples, -1.0, 1.0) - samples)
    return losses.reconstruction_energy(images, samples, energy="mae")


def _errors(images, samples):
    return np.abs(images - samples).mean(axis=tuple(range(1, images.ndim)))


def checked(gan: Any, latents: Any, argument: str) -> np.ndarray:
    """Return an argument as latents, float32 `(n, latent_dim)`, or raise a `ValueError`."""
    latents = np.asarray(ops.convert_to_numpy(latents), "float32")
    latents = latents[None] if latents.ndim == 1 else latents
    if latents.ndim != 2 or latents.shape[1] != gan.latent_dim or not np.isfinite(latents).all():
        raise ValueError(
            f"`{argument}` must be finite latents of shape (n, {gan.latent_dim}); got the shape "
            f"{latents.shape}."
        )
    return latents
