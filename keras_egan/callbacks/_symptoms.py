"""Rules that detect faults in a GAN's metrics and samples, one per symptom."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from keras import ops

from keras_egan import losses
from keras_egan.image_format import is_image
from keras_egan.metrics.streams import squared_distances


class Look(NamedTuple):
    """Statistics of a batch of samples, or of as many images of the data."""

    variance: float  # each value's variance over the batch, averaged
    nearest: float  # the median Euclidean distance to the nearest other
    pt: float  # the pulling-away term of the embeddings, in [0, 1]; NaN without an encoder
    extreme: float  # the share of images' values within 0.01 of -1 or 1
    energy: float  # the mean energy
    spread: float  # the standard deviation of the energies

    @classmethod
    def at(cls, images: np.ndarray, energies: np.ndarray, embedding: Any) -> "Look":
        """Return the statistics of images, from their energies and embeddings."""
        vectors = images.reshape(len(images), -1)
        distances = np.concatenate([block for _, block in squared_distances(vectors, vectors)])
        np.fill_diagonal(distances, np.inf)
        pt = np.nan
        if embedding is not None:
            pt = float(ops.convert_to_numpy(ops.mean(losses.pulling_away_term(embedding))))
        return cls(
            float(vectors.var(axis=0).mean()),
            float(np.median(np.sqrt(distances.min(axis=1)))),
            pt,
            float((np.abs(vectors) > 0.99).mean()) if is_image(images.shape[1:]) else 0.0,
            float(energies.mean()),
            float(energies.std()),
        )


class Evidence(NamedTuple):
    """Observations of the steps since the last check."""

    steps: dict[str, np.ndarray]  # each metric of each step, of shape `(steps,)`
    settings: dict[str, float]  # the GAN's hyper-parameters
    data: Look
    fakes: Look
    learning: tuple[str, ...]  # the networks that are in training now
    moved: dict[str, float]  # each one's change since the last check, relative to its norm
    own: dict[str, str]  # the GAN's own findings: sentences by name
    classes: tuple[float, int] | None = None  # the largest class share of the samples, its class
    overfitting: float = 0.0  # as `energies.overfitting` gives it; 0 if it is unknown

    def mean(self, name: str) -> float:
        """Return a metric's mean over the steps."""
        return float(self.steps[name].mean())


def symptoms(e: Evidence) -> Iterator[tuple[str, str]]:
    """Yield each symptom's name, and a sentence with the observation, its cause and a remedy."""
    yield from e.own.items()
    if "k_t" in e.steps:
        yield from _k_t(e)
    if "phase" in e.steps and len(e.learning) == 2:
        yield from _adapted_margin(e)
    if "generator" in e.learning:
        yield from _alike(e)
        yield from _saturated(e)
    if "discriminator" in e.learning:
        yield from _blind(e)
        yield from _memorised(e)
    for name in e.learning:
        if e.moved.get(name, 1.0) < 1e-7:
            yield (
                f"dead {name}",
                f"The {name}'s weights do not change: no gradient reaches them, or the learning "
                "rate is close to 0; look for a dead ReLU at the end, for saturated activations, "
                "and for layers that are not trainable.",
            )
    if e.classes and e.classes[0] > 0.9:
        yield (
            "one class",
            f"The classifier puts {e.classes[0]:.0%} of the samples in class {e.classes[1]}: the "
            f"generator misses most of the data; {_raise(e, 'or ')}give the discriminator a "
            "normalised embedding (networks.dcgan_autoencoder).",
        )


def _k_t(e):
    k_t, gamma = e.steps["k_t"], e.settings["gamma"]
    ratio = e.mean("fake_energy") / max(e.mean("real_energy"), 1e-12)
    seen = f"fakes have {ratio:.2f} times the data's energy, while gamma asks for {gamma:g}"
    if k_t.max() < 1e-3 and ratio > 1.1 * gamma:
        yield (
            "k_t at 0",
            f"k_t is 0 and {seen}: the discriminator cannot reconstruct the fakes, and the "
            "generator does not improve, perhaps because it makes only one image; look at the "
            "samples, lower both learning rates, or normalise the embedding "
            "(networks.dcgan_autoencoder).",
        )
    elif k_t.min() > 1 - 1e-3 and ratio < 0.9 * gamma:
        yield (
            "k_t at 1",
            f"k_t is 1 and {seen}: fakes are reconstructed too well whatever the discriminator "
            "does, because the generator has collapsed or learns too fast; lower g_optimizer's "
            "rate.",
        )
    elif k_t.min() < 0.05 and k_t.max() > 0.95:
        yield (
            "k_t swings",
            f"k_t swings between {k_t.min():.2f} and {k_t.max():.2f}: it moves too fast; "
            "divide lambda_k by ten, or double settle_steps.",
        )
    elif ratio < 0.75 * gamma and k_t[-1] > k_t[0]:
        yield (
            "k_t too slow",
            f"k_t still rises, at {k_t[-1]:.3g}, and {seen}: it moves too slowly for so short a "
            "run; multiply lambda_k by ten, use settle_steps, or train for longer.",
        )


def _adapted_margin(e):
    hinge = e.mean("d_loss") - e.mean("real_energy")
    if hinge < 1e-6 * e.mean("real_energy"):
        yield (
            "margin",
            f"No fake's energy is below the margin of {e.steps['margin'][-1]:.3g} (mean energies: "
            f"{e.mean('real_energy'):.3g} of data, {e.mean('fake_energy'):.3g} of fakes), so the "
            "discriminator learns nothing from fakes: the generator learns too slowly to keep up; "
            "raise g_optimizer's rate, or lower pretrain_epochs.",
        )


def _alike(e):
    variance = e.fakes.variance / max(e.data.variance, 1e-12)
    nearest = e.fakes.nearest / max(e.data.nearest, 1e-12)
    near = e.fakes.pt > 0.95 and e.data.pt < 0.7
    if variance < 0.1 or nearest < 0.15 or near:
        pt = "" if np.isnan(e.fakes.pt) else f", their pulling-away term is {e.fakes.pt:.2f}"
        yield (
            "alike",
            f"Samples are all alike: their variance is {variance:.1%} of the data's, the distance "
            f"to the nearest other {nearest:.1%}{pt}; the generator has collapsed, or has not "
            f"begun to learn; lower g_optimizer's rate, {_raise(e)}or use a discriminator "
            "with a normalised embedding (networks.dcgan_autoencoder).",
        )


def _raise(e, then=""):
    """Return the advice to raise the hyper-parameter that makes samples vary, if there is one."""
    name = next((name for name in ("gamma", "pt_weight") if name in e.settings), None)
    return f"raise {name}, {then}" if name else ""


def _saturated(e):
    if e.fakes.extreme > max(0.98, 1.0 - 0.2 * (1.0 - e.data.extreme)):
        yield (
            "saturated",
            f"{e.fakes.extreme:.1%} of the samples' values are -1 or 1, but only "
            f"{e.data.extreme:.1%} of the data's: the generator's last activation is saturated and "
            "passes no gradient; lower g_optimizer's rate, and start again.",
        )


def _blind(e):
    size = max(abs(e.data.energy), abs(e.fakes.energy), 1e-12)
    if e.data.spread + e.fakes.spread + abs(e.data.energy - e.fakes.energy) < 1e-4 * size:
        yield (
            "blind discriminator",
            f"All images, real and generated, have the same energy of {e.data.energy:.3g}: the "
            "discriminator cannot tell them apart; lower d_optimizer's rate, and start again.",
        )


def _memorised(e):
    if e.overfitting > 0.6:  # above the 0.5 that `augment='auto'` holds for a critic
        yield (
            "memorised images",
            "The discriminator has memorised its training images: its energies of held-out images "
            f"are much higher (overfitting r = {e.overfitting:.2f}, of 1 at most); add images, or "
            "augment them (augment='auto'), or end the training earlier.",
        )
