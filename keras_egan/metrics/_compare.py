"""Two sets of images, or of features, compared by all figures at once, with their errors."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_egan import checks
from keras_egan.datasets.examples import batches_of
from keras_egan.datasets.inputs import check_values
from keras_egan.datasets.loaders import as_numpy
from keras_egan.datasets.preparation import to_uint8
from keras_egan.image_format import is_image
from keras_egan.metrics._density_coverage import DensityCoverage
from keras_egan.metrics._frechet_distance import FrechetDistance
from keras_egan.metrics._generative_metric import GenerativeMetric, ReferenceMetric
from keras_egan.metrics._inception_score import InceptionScore
from keras_egan.metrics._kernel_distance import KernelDistance
from keras_egan.metrics._precision_recall import PrecisionRecall

LEAST = 40  # so that half of the samples serve every metric
BLOCK = 1000  # features at once, of the classifier


class Figure(NamedTuple):
    """A figure and its standard error, NaN if it was not estimated.

    `value` plus and minus 1.96 errors is an interval of 95 % for the figure of as many other
    samples, not for that of infinitely many.

    Attributes:
        value: the figure.
        error: its standard error.
    """

    value: float
    error: float

    def __str__(self):
        error = "" if np.isnan(self.error) else f" ± {self.error:.2g}"
        return f"{self.value:12.5g}{error}"


class Source(NamedTuple):
    """The features of one set of images.

    Attributes:
        features: float array of shape `(count, features)`.
        extractor: the name of the extractor and a checksum of its weights.
        shape: the shape of one image; None if features were given.
    """

    features: np.ndarray
    extractor: str
    shape: tuple[int, ...] | None


@dataclass(frozen=True)
class Comparison:
    """The result of `compare`, with all that another result must share to be comparable.

    Attributes:
        figures: the figures by name.
        protocol: the backend, the extractor, the number of features, the classifier, how images are
            resized and floats rounded, and the number and shape of real and generated images.
            Figures of two results are comparable if only the generated images' shapes differ.
        real: the features of the real images.
        generated: the features of the generated images.
    """

    figures: dict[str, Figure]
    protocol: dict[str, Any]
    real: Source = field(repr=False)
    generated: Source = field(repr=False)
    _metrics: tuple[Any, ...] = field(repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Return figures and protocol as plain values, for a JSON file: None for a NaN error."""
        figures = {
            name: {"value": value, "error": None if np.isnan(error) else error}
            for name, (value, error) in self.figures.items()
        }
        return {"figures": figures, "protocol": dict(self.protocol)}

    def __str__(self):
        figures = [
            f"{name:24}{figure!s:24}{BETTER.get(name, '')}".rstrip()
            for name, figure in self.figures.items()
        ]
        protocol = [f"{name:24}{value}" for name, value in self.protocol.items()]
        return "\n".join([*figures, *protocol])

    def minus(self, other: "Comparison", resamples: int = 50, seed: int = 0) -> dict[str, Figure]:
        """Return the figures of this generator less those of another, with paired errors.

        Both are compared with the same halves of the same real features, and with halves of the
        same samples by index, so that what both share leaves no error: the error of a difference is
        often much smaller than those of the two figures. Draw the samples of both from the same
        seed. A difference of more than two errors is unlikely to be chance.

        Args:
            other: a result of `compare` with the same real images and protocol.
            resamples: number of pairs of halves, 2 or more.
            seed: an integer, 0 or more, that fixes the halves.

        Raises:
            ValueError: if the protocols differ, or the real features do.
        """
        checks.whole_number(2, resamples=resamples)
        differing = [
            name
            for name in self.protocol
            if name != "generated_shape" and self.protocol[name] != other.protocol.get(name)
        ]
        if not np.array_equal(self.real.features, other.real.features):
            differing.append("real features")
        if differing or self.figures.keys() != other.figures.keys():
            raise ValueError(
                "Results can be subtracted if they have the same protocol, real images and "
                f"figures; these differ in {', '.join(differing) or 'figures'}. Compare both "
                "generators with the same arguments."
            )
        drawn: Any = (self._halves(resamples, seed), other._halves(resamples, seed))
        differences = [_minus(*pair) for pair in zip(*drawn, strict=True)]
        return {
            name: Figure(figure.value - other.figures[name].value, error)
            for (name, figure), error in zip(
                self.figures.items(), _errors(differences, self.figures), strict=True
            )
        }

    def _halves(self, resamples: int, seed: int) -> Iterator[dict[str, float]]:
        rng = np.random.default_rng(seed)
        for _ in range(resamples):
            real, fake = (
                features[rng.permutation(len(features))[: len(features) // 2]]
                for features in (self.real.features, self.generated.features)
            )
            yield _measure(self._metrics, real, fake)


def compare(
    real: Any,
    generated: Any,
    extractor: keras.Model | None = None,
    classifier: keras.Model | None = None,
    *,
    metrics: Sequence[GenerativeMetric] | None = None,
    resamples: int = 20,
    batch_size: int = 64,
    seed: int = 0,
) -> Comparison:
    """Compare two sets of images by the usual figures, with standard errors.

    Float images are rounded to uint8 first, as files are, because published figures are of files.
    Images pass in batches; only features stay in memory: 8 KB per image with Inception's.

    The errors come from halves of both sets, drawn without replacement: the spread of a figure over
    halves estimates its standard error over whole sets. Sets drawn with replacement, as by the
    bootstrap, hold copies, which all distances between neighbours would count, and which raise a
    Fréchet distance. With 20 halves, an error is known to about 16 %. Errors of precision and
    recall are too large, by 20 to 30 % for 600 images in a trial, because halves have larger balls.

    Args:
        real: images in any finite form that `fit` takes, such as an array, `datasets.load(...)` or
            a generator of batches; features of shape `(n, features)` if `extractor` is None; or
            `result.real` of an earlier result, which saves the passes through the extractor.
        generated: likewise. `(gan.sample(500, seed=i) for i in range(100))` holds few at once.
        extractor: a Keras model from images to features, such as `inception_2015(path)`.
        classifier: a Keras model from features to probabilities, such as
            `inception_2015_classifier(path)`; None for no Inception score.
        metrics: metrics of features without labels, in place of the usual `FrechetDistance`,
            `KernelDistance`, `PrecisionRecall` and `DensityCoverage`.
        resamples: number of halves, 2 or more; 0 for no errors. Each costs less than half of the
            figures themselves.
        batch_size: number of images per forward pass of the extractor.
        seed: an integer, 0 or more, that fixes the halves.

    Raises:
        ValueError: if there are fewer than 40 real or 40 generated images, images are NaN, infinite
            or out of range, or an argument is out of its range.

    Source: Politis and Romano, Large sample confidence regions based on subsamples under minimal
    assumptions, 1994; for halves, the spread needs no other factor.

    Example:

    ```python
    result = compare(test_images, gan.sample(1000, seed=0), classifier_features)
    print(result)  # each figure ± its error, and the protocol
    result.figures["frechet_distance"].value
    ```
    """
    checks.whole_number(1, batch_size=batch_size)
    checks.whole_number(0, seed=seed, resamples=resamples)
    if resamples == 1:
        raise ValueError("`resamples` must be 2 or more, or 0 for no errors; got 1.")
    usual = [FrechetDistance(), KernelDistance(), PrecisionRecall(), DensityCoverage()]
    used = list(usual if metrics is None else metrics)
    for metric in used:
        if not isinstance(metric, GenerativeMetric) or metric.labeled:
            raise ValueError(f"`metrics` must be metrics without labels; got {metric!r}.")
    if classifier is not None:
        used.append(InceptionScore(classifier))
    left = _read(real, "real", extractor, batch_size)
    right = _read(generated, "generated", extractor, batch_size)
    if left.features.shape[1] != right.features.shape[1]:
        raise ValueError(
            f"`real` has {left.features.shape[1]} features per image, `generated` "
            f"{right.features.shape[1]}. Take both from one extractor."
        )
    name = getattr(extractor, "name", "")
    protocol = {
        "backend": keras.backend.backend(),
        "extractor": left.extractor,
        "features": left.features.shape[1],
        "classifier": _described(classifier),
        "resize": RESIZE.get(name, "as the extractor does" if extractor else "unknown"),
        "rounding": "to uint8" if left.shape and right.shape else "unknown",
        "real_count": len(left.features),
        "generated_count": len(right.features),
        "real_shape": left.shape,
        "generated_shape": right.shape,
    }
    figures = _measure(used, left.features, right.features)
    result = Comparison({}, protocol, left, right, tuple(used))
    errors = _errors(list(result._halves(resamples, seed)), figures)
    values = zip(figures.items(), errors, strict=True)
    result.figures.update({name: Figure(value, error) for (name, value), error in values})
    return result


HIGHER = "precision", "recall", "density", "coverage", "inception_score"
BETTER = dict.fromkeys(HIGHER, "higher is better") | {
    "frechet_distance": "lower is better",
    "kernel_distance": "lower is better",
}
RESIZE = {
    "inception_2015_legacy": "legacy: bilinear, not smoothed",
    "inception_2015_clean": "clean: bicubic, smoothed",
}


def _read(data, argument, extractor, batch_size) -> Source:
    described = _described(extractor)
    if isinstance(data, Source):
        if data.extractor != described:
            raise ValueError(
                f"`{argument}` has features of {data.extractor}, but `extractor` is {described}."
            )
        return data
    space = GenerativeMetric(extractor)
    features, shape = [], None
    for (batch,) in batches_of(data, None, batch_size, argument):
        batch = as_numpy(batch)
        check_values(batch, argument)
        if is_image(batch.shape[1:]):
            shape = batch.shape[1:]
            batch = batch if batch.dtype == np.uint8 else to_uint8(batch, (-1.0, 1.0))
        features.append(space.extract(batch, batch_size))
    count = sum(map(len, features))
    if count < LEAST:
        raise ValueError(f"`{argument}` must hold {LEAST} images or more; got {count}.")
    return Source(np.concatenate(features), described, shape)


def _measure(metrics, real, generated) -> dict[str, float]:
    results: dict[str, float] = {}
    for metric in metrics:
        _forget(metric)
        if isinstance(metric, ReferenceMetric):
            metric.accumulate_real(real)
            metric.accumulate(generated)
        else:
            for start in range(0, len(generated), BLOCK):
                metric.update_state(generated[start : start + BLOCK])
        result = metric.result()
        result = result if isinstance(result, dict) else {metric.name: result}
        results |= {name: value for name, value in result.items() if not name.endswith("_error")}
        _forget(metric)  # before the next one copies the features
    return results


def _forget(metric):
    metric.reset_state()
    if isinstance(metric, ReferenceMetric):
        metric.reset_real()


def _errors(halves: list[dict[str, float]], names: Any) -> list[float]:
    """Return the standard error of each figure from its values on halves."""
    if not halves:
        return [float("nan") for _ in names]
    return [float(np.std([half[name] for half in halves], ddof=1)) for name in names]


def _minus(one, other):
    return {name: one[name] - other[name] for name in one}


def _described(network: keras.Model | None) -> str:
    if network is None:
        return "none"
    checksum = 0
    for weight in network.get_weights():
        checksum = zlib.crc32(weight.tobytes(), checksum)
    return f"{network.name}, weights {checksum:08x}"
