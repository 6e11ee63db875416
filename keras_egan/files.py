"""Files: written whole or not at all, checked, and opened or refused in one sentence."""

import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from keras_egan import _keras_internals
from keras_egan.archives import configuration, reason, refusal, shortened

__all__ = ["check", "load", "open_model", "replacing", "save", "save_weights", "write"]

_NO_GAN, _OTHERWISE = "not a GAN of keras_egan", "Open it with keras.models.load_model"
_MARK = b"keras_egan sha256"
_HDF5 = b"\x89HDF\r\n\x1a\n\0"  # and version 0 of what follows, the one that h5py writes


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[Path]:
    """Gives the path of a temporary file beside `path`, which then takes its place at once.

    Args:
        path: the file to write. Its folder is made if need be; a link is followed.

    Example:

    ```python
    with replacing("figures.csv") as temporary:
        temporary.write_text(text)
    ```
    """
    path = Path(path).resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write(path: str | os.PathLike, data: bytes) -> None:
    """Writes a file whole, or leaves the one that is there as it was.

    Args:
        path: the file. Its folder is made if need be.
        data: all of its contents.

    Raises:
        OSError: if they cannot be written; where the disk is full, it names the folder and says
            how much is needed.
    """
    try:
        with replacing(path) as temporary, temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # or a loss of power could leave the new name without contents
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
    overwrite: bool = True,
    zipped: bool | None = None,
    **kwargs: Any,
) -> None:
    """Saves a model as `keras.Model.save` does, but whole or not at all, and to `.keras` only.

    Folders (`zipped=False`) and addresses such as `hf://` are left to Keras.

    Args:
        save: the model's `keras.Model.save`.
        filepath: as in `keras.Model.save`.
        overwrite: likewise.
        zipped: likewise.
        **kwargs: likewise.

    Raises:
        ValueError: if `filepath` does not end in `.keras`.
        OSError: as in `write`.
    """
    if zipped is False or _is_address(filepath):
        return save(filepath, overwrite, zipped, **kwargs)
    _check_name(filepath, ".keras")
    if overwrite or _may_replace(filepath):
        write(filepath, _keras_internals.written(save, ".keras", **kwargs))


def save_weights(
    save_weights: Callable[..., None],
    filepath: str | os.PathLike,
    overwrite: bool = True,
    max_shard_size: float | None = None,
) -> None:
    """Saves weights as `keras.Model.save_weights` does, but whole or not at all, with a checksum.

    Shards (`max_shard_size`) and addresses are left to Keras.

    Args:
        save_weights: the model's `keras.Model.save_weights`.
        filepath: as in `keras.Model.save_weights`.
        overwrite: likewise.
        max_shard_size: likewise.

    Raises:
        ValueError: if `filepath` does not end in `.weights.h5`.
        OSError: as in `write`.
    """
    if max_shard_size is not None or _is_address(filepath):
        return save_weights(filepath, overwrite, max_shard_size)
    _check_name(filepath, ".weights.h5")
    if overwrite or _may_replace(filepath):
        data = _keras_internals.written(save_weights, ".weights.h5")
        # HDF5 knows where its data end, and reads nothing beyond.
        write(filepath, data + _MARK + hashlib.sha256(data).digest())


def check(path: str | os.PathLike) -> None:
    """Raises a `ValueError` if a file of weights is not what was written.

    `.weights.h5` files of `save_weights` are held against their checksum (those of version 0.1.0
    and of Keras have none), `.keras` files against those that every archive has.

    Args:
        path: the file. Whatever is not one of the two is left to who opens it.
    """
    path = Path(path)
    if not path.is_file():
        return
    if path.suffix == ".keras":
        configuration(path)
    elif not _fits_its_checksum(path):
        raise ValueError(refusal(path, "is damaged: its checksum does not fit"))


def load(path: str | os.PathLike) -> keras.Model:
    """Opens a GAN's `.keras` file, written on any backend, as it was saved: ready to train on.

    The file is opened in Keras's safe mode, which makes nothing but registered classes and runs
    no code in the file; `Lambda` layers are refused.

    Args:
        path: a file that `gan.save` wrote; or the name of a GAN that comes trained, one of
            `presets.trained()`; or an address such as `"hf://user/model"`, which is left to Keras.
            Classes of your own in it must have been imported, and be registered with
            `keras.saving.register_keras_serializable`.

    Returns:
        The GAN, an `EnergyGAN`, compiled if it was.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: if something in it needs a package that is not installed.
        ValueError: if it is damaged, holds something else than a GAN, or something that cannot
            be made.

    Example:

    ```python
    gan = keras_egan.load("began.keras")
    images = gan.sample(64, seed=7)
    digits = keras_egan.load("began/mnist").sample(64)
    ```
    """
    from keras_egan import presets  # here, for they have GANs, which save themselves with this
    from keras_egan.energy_gan import EnergyGAN
    from keras_egan.presets._trained import load_trained

    if str(path) in presets.trained():
        return load_trained(str(path))
    if _is_address(path):
        model = _opened(path, compile=True)
        if isinstance(model, EnergyGAN):
            return model
        raise ValueError(
            refusal(
                path,
                f"holds {shortened(type(model).__name__, 60)}, {_NO_GAN}",
                _OTHERWISE,
            )
        )
    found = configuration(_existing(path))
    name = found.get("registered_name") or found.get("class_name")
    name = name if isinstance(name, str) else "no class"
    known = keras.saving.get_registered_object(name)
    if isinstance(known, type) and issubclass(known, EnergyGAN):
        return _opened(path, compile=True)
    if known or str(found.get("module")).partition(".")[0] == "keras":
        what, todo = _NO_GAN, _OTHERWISE
    else:
        what, todo = "which is not known here", "Import the module that registers it first"
    raise ValueError(refusal(path, f"holds {shortened(name, 60)}, {what}", todo))


def open_model(path: str | os.PathLike, compile: bool = True) -> keras.Model:
    """Opens any model's `.keras` file in Keras's safe mode; see `load`.

    Args:
        path: the file.
        compile: whether to compile the model as it was.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: if something in it needs a package that is not installed.
        ValueError: if it cannot be opened, whatever the reason.
    """
    configuration(_existing(path))
    return _opened(path, compile)


def _opened(path: str | os.PathLike, compile: bool) -> keras.Model:
    try:
        with _keras_internals.loading_all():
            return keras.models.load_model(path, compile=compile, safe_mode=True)
    except Exception as error:
        kind = ImportError if isinstance(error, ImportError) else ValueError
        # Not chained: Keras's own would print all of the configuration.
        raise kind(refusal(path, f"cannot be opened: {reason(error)}")) from None


def _existing(path: str | os.PathLike) -> Path:
    path = Path(path)
    if path.suffix != ".keras" or path.is_dir():
        what = "a folder" if path.is_dir() else "neither"
        raise ValueError(
            "`path` must be a `.keras` file, or a name of `presets.trained()`; "
            f"{shortened(path)} is {what}."
        )
    if not path.exists():
        raise FileNotFoundError(f"There is no file {shortened(path)}.")
    return path


def _fits_its_checksum(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(48)
        if not start.startswith(_HDF5):
            return True
        left = int.from_bytes(start[40:], "little")  # where HDF5 says that its data end
        file.seek(0)
        digest = hashlib.sha256()
        while left > 0 and (chunk := file.read(min(left, 2**20))):
            digest.update(chunk)
            left -= len(chunk)
        return file.read() in (b"", _MARK + digest.digest())


def _check_name(filepath: str | os.PathLike, suffix: str) -> None:
    if not str(filepath).endswith(suffix):
        raise ValueError(
            f"`filepath` must end in `{suffix}`; got {str(filepath)!r}. `gan.save('gan.keras')` "
            "saves all of it, `gan.save_weights('gan.weights.h5')` all but its configuration."
        )


def _may_replace(filepath: str | os.PathLike) -> bool:
    if not Path(filepath).exists():
        return True
    return input(f"{filepath} is there already. Replace it? [y/n] ").strip().lower() == "y"


def _is_address(filepath: str | os.PathLike) -> bool:
    return "://" in str(filepath)
