"""The facts of a set of images, from which a plan follows, and the sentences about them."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from keras_egan.automatic.reading import Images, Sizes
from keras_egan.metrics.streams import squared_distances

FEWEST = 20
FEW = 500  # for a training: it may end in samples that resemble single images
DRAWN = 0.4  # the share of equal neighbours above which images are drawings
LINES = 0.75  # above which grey ones are lines on a background: digits have 0.8, clothes 0.4 to 0.7
ALIGNED = 0.1  # the share of variation in the mean image above which parts have fixed places
MOST_HELD_OUT = 1000
FEW_HELD_OUT = 50  # below it, real images may have a larger figure than the Gaussian
DARK = 64  # of 255: if no pixel is brighter, values may be classes, or of 12 bits in 16
_COMPARED = 1000
_NAMED = 20  # classes
_SIDE = 16  # of the small pictures by which images are compared


class Look(NamedTuple):
    """The facts of a set of images, as it is trained on.

    Attributes:
        total: the number of different images, all held-out ones included.
        left_out: the files that were left out, in words, or "".
        duplicates: the number of images that are equal to an earlier one, and left out.
        short: the median of the shorter side before resizing, in pixels.
        aspect: the median of width by height before resizing.
        cropped: the share of images whose shape differs, so that their middle part is taken.
        sides: (height, width) of the images to train on.
        channels: 1 if all images are grey, else 3 or 4.
        transparent: the share of files whose pixels can be transparent.
        flat: the share of neighbouring pixels with the same colour: above 0.4 in drawings, letters
            and the like, below 0.2 in photographs.
        background: the value in [-1, 1] of most borders, or None if they differ.
        own_side: the share of images that are more like another image than like a mirrored one:
            0.5 if mirrored images look like the data, 1 for letters.
        alike: the median distance to the nearest other image, by that to any other image.
        aligned: the share of the variation over an image that the mean image has: 0.2 for faces
            whose eyes are at one place, 0.04 for horses at any.
        classes: the names of the classes, or None.
        brightest: the largest value of a pixel, of 255.
    """

    total: int
    left_out: str
    duplicates: int
    short: float
    aspect: float
    cropped: float
    sides: tuple[int, int]
    channels: int
    transparent: float
    flat: float
    background: float | None
    own_side: float
    alike: float
    aligned: float
    classes: tuple[str, ...] | None = None
    brightest: int = 255

    @property
    def held_out(self) -> int:
        """The number of images to hold out: a tenth, at least 8, at most 1,000."""
        return min(MOST_HELD_OUT, max(8, self.total // 10), self.total // 3)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """The shape of one image, channels last."""
        return (*self.sides, self.channels)


class Split(NamedTuple):
    """Different images in a random order, uint8, and their labels or None; held-out ones first."""

    images: np.ndarray
    labels: np.ndarray | None


def look(read: Images, sizes: Sizes, seed: int = 0) -> tuple[Look, Split]:
    """Return the facts of images, and the different ones among them in a random order.

    Raises:
        ValueError: if there are fewer than 20 different images, or they have 2, or more than 4,
            channels.
    """
    images, labels = read.images, read.labels
    if images.shape[-1] not in (1, 3, 4):
        raise ValueError(
            f"Images must have 1, 3 or 4 channels; got {images.shape[-1]}. Pass three of them."
        )
    _, first = np.unique([hash(image.tobytes()) for image in images], return_index=True)
    duplicates = len(images) - len(first)
    if len(first) < FEWEST:
        what = f"{len(first)} different images" if duplicates else f"{len(first)} images"
        raise ValueError(
            f"A training needs {FEWEST} different images or more; got {what}. Add images: a few "
            "hundred of one kind are a beginning."
        )
    order = np.random.default_rng(seed).permutation(np.sort(first))
    images = images[order]
    labels = None if labels is None else labels[order]
    if images.shape[-1] == 3 and all(_grey(part) for part in _parts(images)):
        images = np.ascontiguousarray(images[..., :1])
    own_side, alike = _compared(images[:_COMPARED])
    found = Look(
        total=len(images),
        left_out=read.left_out,
        duplicates=duplicates,
        short=sizes.short,
        aspect=sizes.aspect,
        cropped=1.0 - (sizes.square if images.shape[1] == images.shape[2] else sizes.alike),
        sides=(images.shape[1], images.shape[2]),
        channels=images.shape[3],
        transparent=read.transparent,
        flat=_flat(images[:_COMPARED]),
        background=_background(images[:_COMPARED]),
        own_side=own_side,
        alike=alike,
        aligned=_aligned(images[:_COMPARED]),
        classes=read.names,
        brightest=int(images[:_COMPARED].max()),
    )
    return found, Split(images, labels)


def sentences(look: Look) -> Iterator[str]:
    """Yield what was found in the data, a sentence each."""
    height, width, channels = look.image_shape
    kind = {1: "grey", 3: "colour"}.get(channels, f"{channels}-channel")
    yield (
        f"{look.total:,} different {kind} images, trained on at {width}x{height}. In the median, "
        f"their shorter side is {look.short:.0f} pixels and their width {look.aspect:.2f} times "
        "their height."
    )
    if look.cropped:
        odd = "are not square: their middle square is taken"
        if width != height:
            odd = "have another aspect ratio: their middle part of this ratio is taken"
        yield f"{look.cropped:.0%} {odd}."
    if look.left_out:
        yield f"Left out: {look.left_out}."
    if look.duplicates:
        found = look.total + look.duplicates
        yield (
            f"{look.duplicates / found:.0%} are exact duplicates ({look.duplicates:,} of "
            f"{found:,}), and are left out."
        )
    if look.transparent:
        yield f"{look.transparent:.0%} have an alpha channel: transparent pixels become white."
    if look.short < min(look.sides):
        yield f"Most are smaller than {width}x{height}, and are enlarged."
    kind = "drawings" if look.flat > DRAWN else "photographs"
    yield (
        f"They are {kind} or the like: {look.flat:.0%} of neighbouring pixels are equal; drawings "
        f"have more than {DRAWN:.0%}."
    )
    if kind == "photographs":
        places = "at the same places in most" if look.aligned > ALIGNED else "at differing places"
        yield f"Their parts are {places}: the mean image has {look.aligned:.0%} of their variation."
    if look.background is not None:
        shade = {-1.0: "black", 1.0: "white"}.get(round(look.background, 1), "one colour")
        yield f"Most borders are {shade}."
    yield (
        f"{look.own_side:.0%} are nearer to another image than to any mirrored one: 50% if "
        "mirrored images look like the others, 100% if left and right differ."
    )
    if look.alike < 0.1:
        yield "Many are nearly the same: near duplicates teach little."
    if look.total < FEW:
        yield (
            f"{look.total} images are few: samples may resemble single images; a few thousand "
            "of one kind make a good generator."
        )
    if look.held_out < FEW_HELD_OUT:
        yield (
            f"Only {look.held_out} images are held out, too few for the figure to say much: look "
            "at the samples."
        )
    if look.brightest < DARK:
        yield (
            f"They are nearly black: no pixel is above {look.brightest} of 255. If these are not "
            "pictures, scale their values to 0 to 255 first."
        )
    if look.classes:
        more = f" and {len(look.classes) - _NAMED} more" if len(look.classes) > _NAMED else ""
        yield f"Classes: {', '.join(look.classes[:_NAMED])}{more}."


def _parts(images):
    return (images[start : start + 1000] for start in range(0, len(images), 1000))


def _grey(images):
    return bool(
        (images[..., 0] == images[..., 1]).all() and (images[..., 1] == images[..., 2]).all()
    )


def _flat(images):
    step = np.abs(np.diff(images.astype("int16"), axis=2)).max(axis=-1)
    return float((step <= 2).mean())


def _background(images):
    border = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], 1)
    common = np.median(border.reshape(-1, border.shape[-1]), axis=0)
    near = (np.abs(border - common) <= 8).all(axis=-1).mean()
    return round(float(common.mean()) / 127.5 - 1, 2) if near > 0.8 else None


def _aligned(images):
    small = _small(images)
    variances = small.var(axis=(1, 2)).mean(axis=0)  # of each channel
    return float(small.mean(axis=0).var(axis=(0, 1)).sum() / max(variances.sum(), 1e-12))


def _compared(images):
    """Return the share of images that are nearer to another than to any mirrored other; `alike`."""
    small = _small(images)
    vectors, mirrored = (x.reshape(len(x), -1) for x in (small, small[:, :, ::-1]))
    own, turned = np.empty(len(small)), np.empty(len(small))
    typical = []
    both = zip(
        squared_distances(vectors, vectors), squared_distances(vectors, mirrored), strict=True
    )
    for (block, near), (_, far) in both:
        rows = np.arange(block.start, block.stop)
        typical.append(np.median(near))
        for distances, kept in ((near, own), (far, turned)):
            distances[rows - block.start, rows] = np.inf
            kept[block] = distances.min(axis=1)
    wins = (own < turned).mean() + 0.5 * (own == turned).mean()
    return float(wins), float(np.sqrt(np.median(own) / max(np.mean(typical), 1e-12)))


def _small(images):
    """Return images as means over a grid of 16x16 or smaller, floats in [0, 1]."""
    height, width = images.shape[1:3]
    rows, columns = (np.linspace(0, n, min(n, _SIDE) + 1).astype(int)[:-1] for n in (height, width))
    sums = np.add.reduceat(np.add.reduceat(images.astype("float32"), rows, 1), columns, 2)
    area = np.diff([*rows, height])[:, None] * np.diff([*columns, width])
    return sums / (255.0 * area[None, :, :, None])
