"""Files: written whole or not at all, and models opened from them in Keras's safe mode."""

import errno
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from keras_egan.backend import keras_internals

_SMALL = 2**26
_EXPANSION = 100  # Keras compresses nothing


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Gives the path of a temporary file beside `path`, which then takes its place at once.

    The folder is made if need be; a link is followed.
    """
    path = Path(path).resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        move(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def move(source: Path, path: Path) -> None:
    """Puts a finished file or folder in the place of another on the same disk, at once."""
    for inner in source.rglob("*") if source.is_dir() else ():
        _sync(inner)
    _sync(source)
    replaced = source.with_name(f"{source.name}.replaced")  # where leftovers are tidied up
    if path.is_dir() and source.is_dir():  # which no system replaces in one step
        path.rename(replaced)
    os.replace(source, path)
    _sync(path.parent)
    shutil.rmtree(replaced, ignore_errors=True)


def write(path: str | os.PathLike, data: bytes) -> None:
    """Writes a file whole, or leaves the one that is there as it was."""
    try:
        with replacing(path) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        folder = Path(path).resolve().parent
        raise OSError(
            error.errno,
            f"{Path(path).name!r} needs {len(data):,} bytes, and {folder} has "
            f"{shutil.disk_usage(folder).free:,} left: make room, or save elsewhere. "
            "What was there is as it was",
        ) from None


def save(
    save: Callable[..., None],
    filepath: str | os.PathLike,
    suffix: str = ".keras",
    overwrite: bool = True,
    in_place: bool = False,
    **kwargs: Any,
) -> None:
    """Saves by a model's `save` or `save_weights`, but whole or not at all.

    Keras writes addresses such as `hf://` in place, and, by `in_place`, folders and shards.
    """
    if in_place or is_address(filepath):
        save(filepath, overwrite, **kwargs)
    elif not str(filepath).endswith(suffix):
        raise ValueError(
            f"`filepath` must end in `{suffix}`; got {str(filepath)!r}. `gan.save('gan.keras')` "
            "saves all of it, `gan.save_weights('gan.weights.h5')` all but its configuration."
        )
    elif overwrite or _may_replace(filepath):
        write(filepath, keras_internals.written(save, suffix, **kwargs))


def open_model(path: str | os.PathLike, compile: bool = True) -> keras.Model:
    """Opens any model's `.keras` file in Keras's safe mode, which runs no code in the file.

    A missing package gives an `ImportError`, any other fault in the file a `ValueError`.
    """
    try:
        check_size(path)
        return keras.models.load_model(path, compile=compile, safe_mode=True)
    except (FileNotFoundError, PermissionError):
        raise
    except Exception as error:
        kind = ImportError if isinstance(error, ImportError) else ValueError
        raise kind(f"{path} cannot be opened: {error}") from error


def check_size(path: str | os.PathLike) -> None:
    """Raises a `ValueError` if a `.keras` file would take absurdly much memory once unpacked.

    `zipfile` unpacks no more than the file's directory says. All else is left to Keras.
    """
    if not str(path).endswith(".keras") or is_address(path) or Path(path).is_dir():
        return
    with zipfile.ZipFile(path) as archive:
        total, size = sum(member.file_size for member in archive.infolist()), os.path.getsize(path)
    if total > max(_SMALL, _EXPANSION * size):
        raise ValueError(f"unpacked it would take {total:,} bytes, and it has {size:,}.")


def is_address(filepath: str | os.PathLike) -> bool:
    """Whether a path is one that only Keras knows, such as `"hf://user/model"`."""
    return "://" in str(filepath)


def _may_replace(filepath):
    if not Path(filepath).exists():
        return True
    return input(f"{filepath} is there already. Replace it? [y/n] ").strip().lower() == "y"


def _sync(path):
    """Writes a file, or a folder's names, to the disk, because a loss of power could empty it."""
    folder = path.is_dir()
    if folder and os.name == "nt":  # Windows opens no folder
        return
    descriptor = os.open(path, os.O_RDONLY if folder else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
