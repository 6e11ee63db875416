"""Files: atomic writes, and models opened in Keras's safe mode."""

import errno
import os
import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from keras_egan.backend import keras_internals

_SMALL = 2**26
_EXPANSION = 100  # a large margin, because Keras does not compress its files


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Yield the path of a temporary file beside `path`, then move it to `path` atomically.

    A missing folder is created; a link is followed. An address raises a `ValueError`.
    """
    path = local(path=path).resolve()
    make_folder(path.parent)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        move(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def move(source: Path, path: Path) -> None:
    """Replace a file or folder by a finished one on the same disk, a file atomically."""
    for inner in source.rglob("*") if source.is_dir() else ():
        _sync(inner)
    _sync(source)
    replaced = source.with_name(f"{source.name}.replaced")  # a name whose leftovers are removed
    if path.is_dir() and source.is_dir():  # no system replaces a folder in one step
        path.rename(replaced)
    os.replace(source, path)
    _sync(path.parent)
    shutil.rmtree(replaced, ignore_errors=True)


def make_folder(folder: Path) -> None:
    """Create a folder and its parents so that they survive a power loss."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        _sync(path.parent)


def local(**argument: str | os.PathLike) -> Path:
    """Return an argument as a `Path`; raise a `ValueError` if it is an address."""
    ((name, path),) = argument.items()
    if is_address(path):
        raise ValueError(
            f"`{name}` must be a local path; got {str(path)!r}. Write to a local or mounted "
            "disk, and copy the files from there."
        )
    return Path(path)


def write(path: str | os.PathLike, data: bytes) -> None:
    """Write a file completely, or leave the existing file unchanged.

    Raises:
        OSError: if it cannot be written; if the disk is full, the message tells the sizes.
    """
    try:
        with replacing(path) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        folder = Path(path).resolve().parent
        raise OSError(
            error.errno,
            f"{Path(path).name!r} needs {len(data):,} bytes, but {folder} has only "
            f"{shutil.disk_usage(folder).free:,} free. Make room, or save elsewhere. An existing "
            "file is unchanged",
        ) from None


def save(
    save: Callable[..., None],
    filepath: str | os.PathLike,
    suffix: str = ".keras",
    overwrite: bool = True,
    in_place: bool = False,
    **kwargs: Any,
) -> None:
    """Save by a model's `save` or `save_weights`, but completely or not at all.

    Keras writes addresses such as `hf://` in place, and if `in_place` also folders and shards.
    """
    if in_place or is_address(filepath):
        save(filepath, overwrite, **kwargs)
    elif not str(filepath).endswith(suffix):
        raise ValueError(
            f"`filepath` must end in `{suffix}`; got {str(filepath)!r}. `gan.save('gan.keras')` "
            "saves everything, `gan.save_weights('gan.weights.h5')` everything except the "
            "configuration."
        )
    elif overwrite or _may_replace(filepath):
        write(filepath, keras_internals.written(save, suffix, **kwargs))


def open_model(path: str | os.PathLike, compile: bool = True) -> keras.Model:
    """Open any model's `.keras` file in Keras's safe mode, which runs no code from the file.

    Raises:
        ImportError: if the model needs a package that is not installed.
        ValueError: if the file has any other fault.
        FileNotFoundError: if the file does not exist.
        PermissionError: if it may not be read.
    """
    try:
        check_size(path)
        return keras.models.load_model(path, compile=compile, safe_mode=True)
    except (FileNotFoundError, PermissionError):
        raise
    except Exception as error:
        kind = ImportError if isinstance(error, ImportError) else ValueError
        reason = str(error).partition("Full object config")[0].strip()  # of a GAN, many pages
        raise kind(f"{path} cannot be opened: {reason}") from error


def check_size(path: str | os.PathLike) -> None:
    """Raise a `ValueError` if a `.keras` file would take absurdly much memory once unpacked.

    `zipfile` unpacks no more than the file's directory declares. Keras checks everything else.
    """
    if not str(path).endswith(".keras") or is_address(path) or Path(path).is_dir():
        return
    with zipfile.ZipFile(path) as archive:
        total, size = sum(member.file_size for member in archive.infolist()), os.path.getsize(path)
    if total > max(_SMALL, _EXPANSION * size):
        raise ValueError(f"its {size:,} bytes would unpack to {total:,}.")


def is_address(filepath: str | os.PathLike) -> bool:
    """Return whether a path is an address that only Keras opens, such as `"hf://user/model"`.

    `pathlib` drops one of the slashes. A drive of Windows is a single letter.
    """
    return re.match(r"[a-zA-Z][\w+.-]+:/", str(filepath)) is not None


def _may_replace(filepath):
    if not Path(filepath).exists():
        return True
    return input(f"{filepath} already exists. Replace it? [y/n] ").strip().lower() == "y"


def _sync(path):
    """Flush a file, or a folder's entries, to the disk, because a power loss could empty it."""
    folder = path.is_dir()
    if folder and os.name == "nt":  # Windows cannot open folders
        return
    descriptor = os.open(path, os.O_RDONLY if folder else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
