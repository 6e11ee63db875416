"""Two sources of images, given by name, compared by `metrics.compare`."""

import math
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_egan import checks, datasets, metrics
from keras_egan.automatic import reading
from keras_egan.automatic.plan import sides_for
from keras_egan.datasets.preparation import to_uint8
from keras_egan.gans.energy_gan import EnergyGAN
from keras_egan.image_format import channel_axis, channels_first, feature_shape
from keras_egan.metrics._compare import LEAST
from keras_egan.saving import files

RANDOM = "random"
_BATCH = 64


def compare(
    samples: EnergyGAN | str,
    real: EnergyGAN | str,
    features: str = RANDOM,
    *,
    resize: str | None = None,
    image_size: int | None = None,
    count: int = 1000,
    seed: int = 0,
    resamples: int = 20,
) -> metrics.Comparison:
    """Compare samples with real images, each read or drawn in batches.

    Args:
        samples: a GAN; a `.npy` file, or a `.npz` file whose `images` or only array are taken; or
            the folder or name of a dataset, as `datasets.load` takes it.
        real: likewise.
        features: `"random"`, a small network of fixed random weights; a `.keras` file of a model
            from images to features; or the file of the published Inception's weights, as
            `metrics.inception_2015` reads it.
        resize: how Inception resizes, as in `metrics.inception_2015`; `"legacy"` by default.
        image_size: the side to which all images are resized first. By default the side that the
            model needs; for random features that of the first GAN, array or dataset, or one that
            suits the folder `real`; and for Inception none.
        count: number of samples to draw from a GAN.
        seed: an integer, 0 or more, that fixes the samples and the errors.
        resamples: as in `metrics.compare`.

    Raises:
        FileNotFoundError: if there is no file `features`.
        ValueError: if a source cannot be read, holds fewer than 40 images, or does not fit the
            model, or an argument is out of its range.
    """
    checks.whole_number(1, count=count)
    one, other = (
        _Samples(source, count, seed) if isinstance(source, EnergyGAN) else reading.opened(source)
        for source in (samples, real)
    )
    extractor, classifier = _networks(features, resize)
    shape = _input_shape(extractor) if extractor else _shape(one) or _shape(other)
    *own, channels = shape or (*sides_for(reading.sizes_of(real), minutes=30), 3)
    sides: Any = None if None in own else tuple(own)
    if image_size is not None:
        if extractor and sides not in (None, (image_size, image_size)):
            raise ValueError(
                f"`image_size` must be that of {features}'s input, {sides}; got {image_size}. "
                "Omit it."
            )
        sides = image_size, image_size
    if extractor is None:
        extractor = metrics.random_features(feature_shape(sides[0], sides[1], channels), cells=2)
    return metrics.compare(
        _batches(other, sides, channels),
        _batches(one, sides, channels),
        extractor,
        classifier,
        resamples=resamples,
        seed=seed,
    )


def compare_halves(result: metrics.Comparison, seed: int = 0) -> metrics.Comparison | None:
    """Compare one half of the real images with the other, which is the best figure to expect.

    Args:
        result: the result of `compare`.
        seed: an integer, 0 or more, that fixes the halves.

    Returns:
        Figures without errors; None if the images are too few for halves, below 80.
    """
    features = np.random.default_rng(seed).permutation(result.real.features)
    half = len(features) // 2
    if half < LEAST:
        return None
    return metrics.compare(features[:half], features[half : 2 * half], resamples=0)


class _Samples(keras.utils.PyDataset):
    """Samples of a GAN as uint8, drawn batch by batch."""

    def __init__(self, gan: EnergyGAN, count: int, seed: int):
        super().__init__()
        self.gan, self.count, self.seed = gan, count, seed

    def __len__(self):
        return math.ceil(self.count / _BATCH)

    def __getitem__(self, index):
        count = min(_BATCH, self.count - index * _BATCH)
        samples = self.gan.sample(count, seed=self.seed * len(self) + index)
        return to_uint8(samples, (-1.0, 1.0))


def _networks(features, resize) -> tuple[keras.Model | None, keras.Model | None]:
    """Return the extractor, None for random features, and the classifier or None."""
    published = features != RANDOM and Path(features).suffix != ".keras"
    if published:
        extractor = metrics.inception_2015(features, resize=resize or "legacy")
        return extractor, metrics.inception_2015_classifier(features)
    if resize is not None:
        raise ValueError(
            "`resize` is for Inception's weights: other features have one way. Omit it."
        )
    return (None if features == RANDOM else files.open_model(features, compile=False)), None


def _input_shape(extractor) -> tuple[Any, ...]:
    shape = extractor.input_shape[1:]
    if len(shape) != 3:
        raise ValueError(f"`features` must be a model of images; got one of inputs {shape}.")
    return _channels_last(shape)


def _shape(source) -> tuple[Any, ...] | None:
    """Return (height, width, channels) of a source's images; None for a folder."""
    if reading.is_folder(source):
        return None
    return _channels_last(datasets.image_shape(datasets.load(source, shuffle=False)))


def _channels_last(shape):
    return (*shape[1:], shape[0]) if channels_first() else tuple(shape)


def _batches(source, sides, channels):
    """Return batches of a source's images, with as many channels as the extractor takes."""
    loaded = datasets.load(
        source, image_size=sides, grayscale=channels == 1, shuffle=False, skip_unreadable=True
    )
    for index in range(len(loaded)):
        images, *_ = loaded[index]
        grey = channels == 3 and images.shape[channel_axis()] == 1
        yield np.repeat(images, 3, channel_axis()) if grey else images
