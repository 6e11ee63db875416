"""The network that scores: an auto-encoder, and its statistics of clean images."""

import functools
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_egan import backend, checks
from keras_egan.datasets import inputs
from keras_egan.energies import ENERGIES, reconstruction_energy
from keras_egan.image_format import channel_axis

SCORES = ("average", "embedding", "map", *ENERGIES)
NEIGHBORS = 5
MOST_REFERENCES, MOST_NUMBERS = 10_000, 2**22
BATCH = 256


@keras.saving.register_keras_serializable("keras_egan")
class Scorer(keras.Model):
    """An auto-encoder that returns a score, a map and a label; the model to save and export.

    It learns from `tiles` tiles of the network's size, cut from `images` images.
    `settings` are arguments of the detector that its file also holds.
    """

    def __init__(
        self,
        discriminator: keras.Model,
        image_shape: Sequence[int],
        score: str,
        *,
        smoothing: float,
        tiles: int,
        images: int,
        settings: dict[str, Any] | None = None,
    ):
        super().__init__(name="scorer")
        self.discriminator = discriminator
        self.image_shape = tuple(image_shape)
        self.score = score
        self.smoothing = smoothing
        self.tiles = tiles
        self.images = images
        self.settings = settings
        self.parts = ("norm", "embedding", "map") if score == "average" else (score,)
        self.references = self._constant("references", self._references_shape())
        self.centers = self._constant("centers", (len(self.parts),))
        self.scales = self._constant("scales", (len(self.parts),))
        self.training_scores = self._constant("training_scores", (images,))
        self.threshold = self._constant("threshold", ())
        sides = self.image_shape[1:] if channel_axis() == 1 else self.image_shape[:2]
        self.rows, self.columns = (_blur(side, smoothing) for side in sides)
        self.built = True

    def call(self, images: Any, training: bool = False) -> dict[str, Any]:
        """Return `label`, 1 or 0, `map` and `score` of images in [-1, 1], one row per image."""
        smooth, measured = self.measure(images)
        if "embedding" in measured:
            measured["embedding"] = _distance(measured["embedding"], self.references)
        score = self.average([measured[part] for part in self.parts])
        return {"label": ops.cast(score > self.threshold, "int32"), "map": smooth, "score": score}

    def measure(self, images: Any) -> tuple[Any, dict[str, Any]]:
        """Return the images' maps, and the parts of their scores by name."""
        measured, network = {}, self.discriminator
        if "embedding" in self.parts:
            embedding = network.encoder(images, training=False)
            reconstruction = network.decoder(embedding, training=False)
            length = int(np.prod(embedding.shape[1:]))
            measured["embedding"] = ops.reshape(ops.cast(embedding, "float32"), (-1, length))
        else:
            reconstruction = network(images, training=False)
        residual = ops.abs(ops.cast(images, "float32") - ops.cast(reconstruction, "float32"))
        smooth = ops.matmul(self.rows, ops.mean(residual, axis=channel_axis()))
        smooth = ops.matmul(smooth, self.columns.T)
        for part in self.parts:
            if part == "map":
                measured[part] = ops.max(smooth, axis=(1, 2))
            elif part != "embedding":
                measured[part] = reconstruction_energy(images, reconstruction, energy=part)
        return smooth, measured

    def average(self, parts: Sequence[Any]) -> Any:
        """Return the mean of a score's parts, each standardised."""
        return ops.mean((ops.stack(parts, axis=1) - self.centers) / self.scales, axis=1)

    def outputs_of(self, images: np.ndarray, output: str) -> np.ndarray:
        """Return one of the outputs of `call` for all images, uint8 or floats in [-1, 1]."""
        found = [self._run(self.weights, batch)[output] for batch in self._batches(images)]
        return np.concatenate([ops.convert_to_numpy(part) for part in found])

    def learn(self, images: np.ndarray) -> np.ndarray:
        """Learn from clean images, and return their scores, float32 of shape `(tiles,)`."""
        with backend.no_grad():
            found = [self.measure(batch)[1] for batch in self._batches(images)]
            parts = {
                part: np.concatenate([ops.convert_to_numpy(batch[part]) for batch in found])
                for part in self.parts
            }
            if "embedding" in parts:
                parts["embedding"] = self._learn_embeddings(parts["embedding"])
            if len(parts) > 1:  # a single part is the score itself
                self.centers.assign([part.mean() for part in parts.values()])
                self.scales.assign([max(part.std(), 1e-12) for part in parts.values()])
            scores = self.average(list(map(ops.convert_to_tensor, parts.values())))
            return ops.convert_to_numpy(scores)

    def _learn_embeddings(self, embeddings):
        """Keep some embeddings; return the distance of each embedding from other kept ones."""
        kept = np.linspace(0, len(embeddings) - 1, self.references.shape[0]).round().astype(int)
        self.references.assign(embeddings[kept])
        distances = []
        for start in range(0, len(embeddings), BATCH):
            batch = embeddings[start : start + BATCH]
            own = kept == np.arange(start, start + len(batch))[:, None]
            distances.append(ops.convert_to_numpy(_distance(batch, self.references, own)))
        return np.concatenate(distances)

    @functools.cached_property
    def _run(self):
        return backend.compiled(self)

    def _batches(self, images):
        for start in range(0, len(images), BATCH):
            yield inputs.scaled(images[start : start + BATCH], self.image_shape, "X")

    def _references_shape(self):
        if "embedding" not in self.parts:
            return 0, 0
        embedding = self.discriminator.encoder(keras.Input(self.image_shape))
        length = int(np.prod(embedding.shape[1:]))
        return min(self.tiles, MOST_REFERENCES, max(NEIGHBORS, MOST_NUMBERS // length)), length

    def _constant(self, name, shape):
        return self.add_weight(
            name=name,
            shape=tuple(shape),
            initializer="ones" if name == "scales" else "zeros",
            dtype="float32",
            trainable=False,
            autocast=False,
        )

    def get_config(self) -> dict[str, Any]:
        return {
            "discriminator": keras.saving.serialize_keras_object(self.discriminator),
            "image_shape": self.image_shape,
            "score": self.score,
            "smoothing": self.smoothing,
            "tiles": self.tiles,
            "images": self.images,
            "settings": dict(self.settings or {}),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict | None = None) -> Any:
        network = keras.saving.deserialize_keras_object(config["discriminator"], custom_objects)
        return cls(**{**config, "discriminator": network})


def score_of(score: str | None, network: keras.Model) -> str:
    """Return the requested score, or the network's best by default."""
    halves = checks.has_encoder(network)
    if score is None:
        return "average" if halves else "norm"
    if score not in SCORES:
        raise ValueError(f"`score` must be one of {', '.join(SCORES)}; got {score!r}.")
    if score in ("average", "embedding") and not halves:
        raise ValueError(
            f"`score={score!r}` needs a model with `encoder` and `decoder`, such as "
            "`networks.Autoencoder`; got one without. Use `score='norm'`."
        )
    return score


def _distance(embeddings, references, own=None):
    """Return the mean distance of each embedding from the nearest references.

    `own`, a bool array of shape `(n, references)`, says which reference is the embedding itself.
    """
    squares = ops.sum(ops.square(embeddings), axis=1, keepdims=True)
    squares = squares + ops.sum(ops.square(references), axis=1)
    squares = squares - 2.0 * ops.matmul(embeddings, ops.transpose(references))
    if own is not None:
        squares = ops.where(own, np.inf, squares)
    neighbors = min(NEIGHBORS, references.shape[0] - (own is not None))
    _, nearest = ops.top_k(-squares, neighbors)
    # Computed again, because the squares of small distances are mostly rounding.
    differences = ops.expand_dims(embeddings, 1) - ops.take(references, nearest, axis=0)
    return ops.mean(ops.sqrt(ops.sum(ops.square(differences), axis=2)), axis=1)


def _blur(side, sigma):
    """Return the matrix that smooths a column of pixels by a Gaussian, up to its ends."""
    if sigma == 0:
        return np.eye(side, dtype="float32")
    places = np.arange(side)
    weights = np.exp(-0.5 * ((places[:, None] - places) / sigma) ** 2)
    return (weights / weights.sum(axis=1, keepdims=True)).astype("float32")
