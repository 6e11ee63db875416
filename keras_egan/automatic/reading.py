"""All images of a source at one size, and what was left out."""

import os
import warnings
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_egan import datasets
from keras_egan.datasets.folder import Folder, plugins
from keras_egan.datasets.loaders import as_numpy, described, is_array, is_path
from keras_egan.datasets.preparation import Preparation, pillow
from keras_egan.image_format import channels_first

MOST_BYTES = 2**31
_NAMED = 5  # files that were left out
_CHECKED = 100  # files whose transparency is looked for


class Sizes(NamedTuple):
    """The sizes of a source's images, before they are resized.

    Attributes:
        short: the median of the shorter side, in pixels.
        aspect: the median of width by height.
        alike: the share of images whose aspect is within 5 % of the median.
        square: the share of images whose aspect is within 5 % of 1.
    """

    short: float
    aspect: float
    alike: float
    square: float

    @classmethod
    def of(cls, sizes: Sequence[tuple[int, int]]) -> "Sizes":
        """Return the statistics of pairs of width and height."""
        width, height = np.array(sizes, "float64").T
        aspects = width / height
        aspect = float(np.median(aspects))
        alike, square = ((np.abs(np.log(aspects / a)) < 0.05).mean() for a in (aspect, 1.0))
        return cls(float(np.median(np.minimum(width, height))), aspect, float(alike), float(square))


class Images(NamedTuple):
    """Images that were read.

    Attributes:
        images: uint8 of shape `(n, height, width, channels)`.
        labels: int32 of shape `(n,)`, or None.
        names: the names of the classes, or None.
        left_out: the files that were left out, in words, or "".
        transparent: the share of files whose pixels can be transparent.
        paths: the files, if the source is a folder.
    """

    images: np.ndarray
    labels: np.ndarray | None
    names: tuple[str, ...] | None
    left_out: str
    transparent: float
    paths: tuple[Path, ...] = ()


def is_folder(source: Any) -> bool:
    """Return whether a source is a folder of images, and not the digits, as in `datasets.load`."""
    return is_path(source) and source != "digits" and Path(source).expanduser().is_dir()


def name_of(source: Any) -> str:
    """Return the name of a source: of a folder or file its whole path."""
    if not is_path(source):
        return described(source)
    return str(Path(source).expanduser().resolve()) if _exists(source) else os.fspath(source)


def checksum(source: Any) -> int | None:
    """Return a checksum of an array, which has no name, or of the one with labels; else None."""
    images = source[0] if isinstance(source, tuple) and source else source
    return zlib.crc32(np.ascontiguousarray(as_numpy(images)).data) if is_array(images) else None


def opened(source: Any) -> Any:
    """Return the array in a `.npy` or `.npz` file; any other source as it is.

    Raises:
        ValueError: if a `.npz` file holds several arrays, and none that is named "images".
    """
    if not (is_path(source) and _exists(source) and Path(source).suffix in (".npy", ".npz")):
        return source
    path = Path(source).expanduser()
    loaded = np.load(path, mmap_mode="r", allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return loaded
    with loaded:
        names = loaded.files
        if "images" not in names and len(names) != 1:
            raise ValueError(f"{path} must hold one array, or one named 'images'; got {names}.")
        return loaded["images" if "images" in names else names[0]]


def _exists(source):
    return source != "digits" and Path(source).expanduser().exists()


def sizes_of(source: Any, **given: Any) -> Sizes:
    """Return the sizes of a source's images; of other sources than folders, of the first image."""
    if is_folder(source):
        return Sizes.of(_folder(source).sizes)
    if isinstance(source, str) and source == "digits":
        return Sizes.of([(28, 28)])
    try:
        shape = datasets.image_shape(datasets.load(source, shuffle=False, **given))
    except ValueError as error:
        if "image_size" not in str(error):
            raise
        return Sizes(64.0, 1.0, 0.0, 1.0)  # unknown: they differ, and are read once, as squares
    height, width = shape[1:] if channels_first() else shape[:2]
    return Sizes.of([(width or 64, height or 64)])


def read(
    source: Any, sides: tuple[int, int], *, labels: bool = False, seed: int = 0, **given: Any
) -> Images:
    """Read all images, resized to `sides`, (height, width), and cropped if their aspect differs.

    If they would take more than 2 GiB, as many as do not are taken: of a folder, drawn by the seed;
    of other sources, the first. `left_out` says so.
    """
    most = MOST_BYTES // (3 * sides[0] * sides[1])
    rng = np.random.default_rng(seed)
    if not is_folder(source):
        return _read_batches(source, sides, labels, most, **given)
    prepare = Preparation(sides)
    folder = _folder(source, prepare)
    classes, names = folder.labels() if labels else (None, None)
    chosen = np.sort(rng.permutation(len(folder))[:most])

    def one(index: int) -> np.ndarray | None:
        try:
            return prepare(folder[index])
        except (ValueError, OSError):  # damaged within, or gone since it was listed
            return None

    with ThreadPoolExecutor(4) as pool:
        found = [*pool.map(one, chosen.tolist())]
    gone = [folder.paths[i] for i, image in zip(chosen, found, strict=True) if image is None]
    kept = [index for index, image in zip(chosen, found, strict=True) if image is not None]
    images = np.stack([image for image in found if image is not None])
    return Images(
        np.moveaxis(images, 1, -1) if channels_first() else images,
        None if classes is None else classes[kept],
        names,
        _left_out([*folder.unreadable, *gone], folder, len(folder) - len(chosen)),
        _transparent(folder.paths[:: max(1, len(folder) // _CHECKED)]),
        tuple(folder.paths[index] for index in kept),
    )


def _folder(source, prepare=None):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the number is said in a sentence
        return Folder(Path(source).expanduser(), prepare or Preparation(64), skip_unreadable=True)


def _left_out(unreadable, folder, beyond):
    said = []
    if unreadable:
        files = "1 file" if len(unreadable) == 1 else f"{len(unreadable):,} files"
        names = [str(path.relative_to(folder.folder)) for path in unreadable[:_NAMED]]
        names += ["..."] if len(unreadable) > _NAMED else []
        said.append(f"{files} that cannot be read ({', '.join(names)}{plugins(unreadable)})")
    if folder.others:
        said.append(f"files without the suffix of an image ({folder.others})")
    if beyond > 0:
        said.append(f"{beyond:,} files drawn at random, because all would take more than 2 GiB")
    return ", and ".join(said)


def _transparent(paths):
    def transparent(path):
        try:
            with pillow().open(path) as image:
                return image.has_transparency_data
        except OSError:
            return False

    return float(np.mean([transparent(path) for path in paths]))


def _read_batches(source, sides, labels, most, **given):
    loaded = datasets.load(source, image_size=sides, shuffle=False, labels=labels, **given)
    batches: list[tuple[np.ndarray, ...]] = []
    count = 0
    for batch in _batches(loaded):
        batches.append(batch)
        count += len(batch[0])
        if count >= most:
            break
    images, *classes = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
    names = loaded.class_names
    if classes and names is None:
        names = tuple(map(str, range(int(classes[0].max()) + 1)))
    left_out = ""
    if len(batches) < len(loaded):
        left_out = f"all images after the first {count:,}, because they would take more than 2 GiB"
    return Images(images, classes[0] if classes else None, names, left_out, 0.0)


def _batches(loaded) -> Iterator[tuple[np.ndarray, ...]]:
    for index in range(len(loaded)):
        images, *labels = loaded[index]
        if channels_first():
            images = np.moveaxis(images, 1, -1)
        yield (images, *labels)
