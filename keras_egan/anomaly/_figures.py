"""The figures of a detector: are abnormal images found, and where they are abnormal?"""

from typing import Any, NamedTuple

import numpy as np
from scipy import ndimage
from sklearn.metrics import roc_auc_score

from keras_egan import checks
from keras_egan.datasets.loaders import as_numpy

NEIGHBORS = np.ones((3, 3))  # pixels that touch at a corner are of one region


class DetectorFigures(NamedTuple):
    """The result of `evaluate`; areas are from 0 to 1, NaN if images of one kind are missing.

    Attributes:
        image_auroc: the area under the ROC curve of the images' scores.
        pixel_auroc: the area under the ROC curve of all pixels of the maps.
        aupro: the area under the per-region overlap, up to a false-positive rate of 0.3.
        normal: number of images without an abnormal pixel.
        abnormal: number of images with one.
        regions: number of abnormal regions.
    """

    image_auroc: float
    pixel_auroc: float
    aupro: float
    normal: int
    abnormal: int
    regions: int


def evaluate(detector: Any, images: Any, masks: Any) -> DetectorFigures:
    """Measure a fitted detector by images with masks, as detectors of MVTec AD are.

    Args:
        detector: an `EnergyDetector`, or any object with `decision_function` and `anomaly_map`.
        images: normal and abnormal images, as the detector takes them.
        masks: bools of shape `(n, height, width)`, true where an image is abnormal.

    Raises:
        ValueError: if the shapes of masks and maps differ.

    Example:

    ```python
    data = anomaly.load_mvtec("bottle", image_size=64)
    detector = anomaly.EnergyDetector(epochs=20).fit(data.train)
    evaluate(detector, data.test, data.masks).aupro
    ```
    """
    maps, masks = _checked(detector.anomaly_map(images), masks)
    abnormal = masks.any(axis=(1, 2))
    _, regions = _regions(masks)
    both = 0 < abnormal.sum() < len(abnormal)
    scores = detector.decision_function(images)
    return DetectorFigures(
        image_auroc=float(roc_auc_score(abnormal, scores)) if both else np.nan,
        pixel_auroc=float(roc_auc_score(masks.ravel(), maps.ravel())) if regions else np.nan,
        aupro=aupro(maps, masks) if regions else np.nan,
        normal=int(np.sum(~abnormal)),
        abnormal=int(abnormal.sum()),
        regions=regions,
    )


def aupro(maps: Any, masks: Any, limit: float = 0.3) -> float:
    """Return the area under the per-region overlap (PRO) of maps, from 0 to 1.

    For each threshold, the overlap is the share of an abnormal region's pixels above it, averaged
    over the regions, so that a small region counts as much as a large one. A region is made of
    abnormal pixels of one image that touch, also at a corner. The curve is the overlap over the
    share of normal pixels above the threshold. Its area up to `limit` is divided by `limit`. Maps
    that are equal everywhere have `limit` / 2. All pixels are sorted at once: 20 bytes per pixel.

    Args:
        maps: the maps of all images, of shape `(n, height, width)`, higher if more abnormal.
        masks: bools of that shape, true where an image is abnormal.
        limit: the largest share of normal pixels, in (0, 1].

    Raises:
        ValueError: if the shapes differ, `limit` is out of its range, or normal or abnormal pixels
            are missing.

    Source: Bergmann et al., The MVTec anomaly detection dataset, IJCV 2021,
    https://doi.org/10.1007/s11263-020-01400-4, section 5.1.2. Not checked against the paper's text;
    regions and the area are those of anomalib's `AUPRO`.

    Example:

    ```python
    aupro(detector.anomaly_map(images), masks)  # a float
    ```
    """
    checks.share(limit=limit)
    maps, masks = _checked(maps, masks)
    labels, regions = _regions(masks)
    if not regions or masks.all():
        raise ValueError("`masks` must have normal and abnormal pixels; got one kind.")
    order = np.argsort(-maps, axis=None)
    ranked, labels = maps.ravel()[order], labels.ravel()[order]
    weights = 1.0 / np.bincount(labels, minlength=regions + 1)
    normal = np.cumsum(np.where(labels, 0.0, weights[0]))
    overlap = np.cumsum(np.where(labels, weights[labels], 0.0)) / regions
    last = np.append(ranked[1:] != ranked[:-1], True)  # equal values are above a threshold together
    x, y = (np.append(0.0, curve[last]) for curve in (normal, overlap))
    end = int(np.searchsorted(x, limit, side="right"))
    if end < len(x):
        share = (limit - x[end - 1]) / (x[end] - x[end - 1])
        y[end] = y[end - 1] + share * (y[end] - y[end - 1])
        x[end] = limit
    return float(np.trapezoid(y[: end + 1], x[: end + 1]) / limit)


def _checked(maps, masks):
    maps, masks = as_numpy(maps), as_numpy(masks).astype(bool)
    if maps.ndim != 3 or maps.shape != masks.shape:
        raise ValueError(
            "`masks` must have the shape of the maps, (n, height, width); got "
            f"{masks.shape} and {maps.shape}."
        )
    return maps, masks


def _regions(masks):
    """Return the number of each pixel's region, 0 for none, and the number of regions."""
    labels = np.zeros(masks.shape, "int32")
    regions = 0
    for place in np.flatnonzero(masks.any(axis=(1, 2))):
        found, count = ndimage.label(masks[place], NEIGHBORS)
        labels[place] = np.where(found, found + regions, 0)
        regions += count
    return labels, regions
