"""The images of a folder."""

import os
import warnings
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from keras_egan.datasets.preparation import Preparation, pillow, pixels
from keras_egan.extras import installed

# Not every Pillow reads these formats. They are tried, so that the error can name them.
_FOR_PLUGINS = (".avif", ".heic", ".heif")
_SUFFIXES = {
    *(".bmp", ".gif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm"),
    *(".ppm", ".tga", ".tif", ".tiff", ".webp", *_FOR_PLUGINS),
}
_HEIF = (".heic", ".heif")  # of phones
_ENDS = {"GIF": b";", "JPEG": b"\xff\xd9", "MPO": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82"}
_ORIENTATION, _SIDEWAYS = 0x0112, (5, 6, 7, 8)  # of EXIF


class Folder:
    """The images of a folder and its subfolders, linked ones too, read when they are indexed.

    Hidden ones are left out, and folders of trainings by `train`.
    `__init__` checks each file's header and end. A file without its format's end marker is decoded
    completely, to find out whether it can be read. `sizes` are the images' sizes, (width, height),
    in the order of `paths`; `unreadable` are the errors of the files that are left out; `others`
    counts the files without the suffix of an image, in words.
    """

    def __init__(
        self, folder: str | os.PathLike, prepare: Preparation, skip_unreadable: bool = False
    ):
        self.mode = "L" if prepare.grayscale else "RGB"
        # `crop_size` counts pixels of the file, so that such images are decoded at full size.
        sides = None if prepare.crop_size else prepare.image_size
        self.enough = sides and 2 * max(sides)
        self.folder = Path(folder)
        self.paths: list[Path] = []
        self.sizes: list[tuple[int, int]] = []
        self.unreadable: dict[Path, ValueError] = {}
        others: Counter[str] = Counter()  # suffixes
        for path in _files(self.folder):
            if path.suffix.lower() not in _SUFFIXES:
                others[path.suffix.lower()] += 1
                continue
            try:
                self.sizes.append(self._look(path))
                self.paths.append(path)
            except ValueError as error:
                self.unreadable[path] = error
        if self.unreadable:
            self._report(self.unreadable, skip_unreadable)
        self.others = _counted(others)
        if not self.paths:
            reason = f", as {next(iter(self.unreadable.values()))}" if self.unreadable else ""
            raise ValueError(
                f"`source` is empty: the folder {folder} holds no readable images{reason}"
                f"{plugins(self.unreadable)}{'; other files: ' + self.others if others else ''}."
            )
        if others:
            count = others.total()
            warnings.warn(
                f"{count} of the {count + len(self.paths) + len(self.unreadable)} files "
                f"in {folder} have no suffix of an image and are left out: "
                f"{self.others}.",
                stacklevel=3,
            )
        sizes: dict[tuple[int, int], Path] = {}
        for size, path in zip(self.sizes, self.paths, strict=True):
            sizes.setdefault(size, path)
        rows, columns = prepare.crop_size or (0, 0)
        for (width, height), path in sizes.items():
            if width < columns or height < rows:
                raise ValueError(
                    f"`crop_size` must fit into every image; got {prepare.crop_size}, but {path} "
                    f"is {height}x{width}. Lower `crop_size`."
                )
        if len(sizes) > 1 and not prepare.fixes_size:
            (one, first), (other, second), *_ = sizes.items()
            raise ValueError(
                f"The images differ in size: {first} is {one[0]}x{one[1]}, {second} is "
                f"{other[0]}x{other[1]}. Pass `image_size=`."
            )

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        return _read(self.paths[index], self._pixels)

    def labels(self) -> tuple[np.ndarray, tuple[str, ...]]:
        """Return the images' labels, int32, and the class names, which are the subfolders'."""
        places = [path.relative_to(self.folder).parts for path in self.paths]
        if alone := next((parts for parts in places if len(parts) == 1), None):
            raise ValueError(
                f"`labels=True` uses the subfolders of {self.folder} as classes, but "
                f"{self.folder / alone[0]} is in none. Move it into its class's subfolder."
            )
        names, labels = np.unique([parts[0] for parts in places], return_inverse=True)
        return labels.astype("int32"), tuple(names.tolist())

    def _look(self, path):
        def size(image):
            if not _whole(path, image):
                self._pixels(image)
            # Without this, Pillow decodes a PNG, because its EXIF may come last.
            tagged = image.format != "PNG" or "exif" in image.info
            turned = tagged and image.getexif().get(_ORIENTATION) in _SIDEWAYS
            return image.size[::-1] if turned else image.size

        return _read(path, size)

    def _pixels(self, image):
        if self.enough:
            _draft(image, self.enough)
        return pixels(image, self.mode)

    def _report(self, unreadable, skip):
        named = "; ".join(map(str, [*unreadable.values()][:10]))
        named += "; ..." if len(unreadable) > 10 else ""
        named += plugins(unreadable)
        images = len(self.paths) + len(unreadable)
        count = f"{len(unreadable)} of the {images} images in {self.folder}"
        if not skip:
            raise ValueError(
                f"{count} cannot be read: {named}. Remove or replace them, or pass "
                "`skip_unreadable=True`."
            )
        warnings.warn(f"{count} cannot be read and are left out: {named}.", stacklevel=4)


def plugins(unreadable: Iterable[Path]) -> str:
    """Return what unreadable files need, as the end of a sentence, or ""."""
    if not any(path.suffix.lower() in _FOR_PLUGINS for path in unreadable):
        return ""
    heif = "" if installed("pillow_heif") else ". HEIC files need `pip install pillow-heif`"
    return f"{heif}. AVIF files need Pillow 11.3"


def _files(folder):
    """Return a folder's files, sorted, each of a folder that is linked twice once."""
    found: list[Path] = []
    seen = set()
    for at, folders, names in os.walk(folder, followlinks=True):
        inside, real = Path(at) != folder, os.path.realpath(at)
        if real in seen or (inside and {"run.json", "images.npz"} <= {*names}):
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(at, name) for name in names if not name.startswith(".")]
    return sorted(path for path in found if path.is_file())


def _counted(suffixes):
    return ", ".join(f"{n} of {suffix or 'no suffix'}" for suffix, n in suffixes.most_common())


def _draft(image, enough):
    """Decode a JPEG at 1/8, 1/4 or 1/2 of its size, much faster, if `enough` pixels remain.

    The scale must divide both sides, because the last pixels would else reach beyond the picture.
    """
    width, height = image.size
    for scale in (8, 4, 2):
        if not (width % scale or height % scale) and min(width, height) >= scale * enough:
            image.draft(None, (width // scale, height // scale))
            return


def _whole(path, image):
    """Return whether a file visibly ends with its format's end marker."""
    with path.open("rb") as file:
        size = path.stat().st_size
        if image.format == "WEBP":
            length = int.from_bytes(file.read(8)[4:], "little")
            return size >= length + 8
        if image.format == "HEIF":  # boxes, each with its length: ISO/IEC 14496-12, section 4.2
            at = 0
            while 0 <= at < size:
                file.seek(at)
                length = int.from_bytes(file.read(4), "big")
                at += length if length > 1 else size + 1  # other lengths are of huge files
            return at == size
        end = _ENDS.get(image.format)
        if end is None:
            return False
        file.seek(-len(end), os.SEEK_END)
        return file.read() == end


def _read(path, look):
    try:
        if path.suffix.lower() in _HEIF and installed("pillow_heif"):
            import pillow_heif

            opened = pillow_heif.HeifImageFile(path)
        else:
            opened = pillow().open(path)
        with opened as image:
            return look(image)
    except ImportError:
        raise
    except Exception as error:  # Pillow's decoders raise errors of any type
        raise ValueError(f"{path} cannot be read ({error})") from error
