"""The formats, with their file names, the backends that write them and the packages they need."""

import os
from pathlib import Path
from typing import NamedTuple

from keras_egan import backend, checks
from keras_egan.extras import installed, missing
from keras_egan.saving.files import local


class Format(NamedTuple):
    """The requirements of a format."""

    suffix: str  # of the file; a SavedModel is a folder
    backends: tuple[str, ...]  # those that write it; others start a process on the first
    packages: tuple[str, ...] = ()  # beside the backend


# Keras supports four more pairs, each worse than a second process. SavedModel on JAX holds programs
# of XLA. LiteRT on PyTorch fixes the batch size. OpenVINO on PyTorch refuses batch normalization.
# ONNX on JAX needs jax2onnx, which would add 31 packages to the extra `export`.
FORMATS = {
    "saved_model": Format("", ("tensorflow",)),
    "onnx": Format(".onnx", ("tensorflow", "torch"), ("onnx", "onnxruntime")),
    "litert": Format(".tflite", ("tensorflow",), ("ai_edge_litert",)),
    "openvino": Format(".xml", ("tensorflow",), ("openvino",)),
    "torch": Format(".pt2", ("torch",)),
}


def checked(
    path: str | os.PathLike,
    format: str,
    seed_endpoint: bool | str = False,
    opset_version: int | None = None,
) -> tuple[Path, str]:
    """Return the resolved path and our name of the format; raise for bad arguments."""
    path = local(filepath=path).resolve()
    format = "saved_model" if format == "tf_saved_model" else format  # Keras's name
    if format not in FORMATS:
        raise ValueError(f"`format` must be one of {', '.join(FORMATS)}; got {format!r}.")
    if seed_endpoint not in (False, True, "uniform", "normal"):
        raise ValueError(
            f"`seed_endpoint` must be a bool, 'uniform' or 'normal'; got {seed_endpoint!r}."
        )
    if seed_endpoint and format != "saved_model":
        raise ValueError(f"`seed_endpoint` needs `format='saved_model'`; got {format!r}.")
    if checks.optional_whole(1, opset_version=opset_version) and format != "onnx":
        raise ValueError(f"`opset_version` needs `format='onnx'`; got {format!r}.")
    endings = {kind.suffix: name for name, kind in FORMATS.items() if kind.suffix}
    if format == "saved_model" and path.suffix in endings:
        raise ValueError(
            "`format='saved_model'` writes a folder. To write a file that ends in "
            f"{path.suffix!r}, pass `format={endings[path.suffix]!r}`."
        )
    suffix = FORMATS[format].suffix
    if suffix not in ("", path.suffix):
        raise ValueError(
            f"The path must end in {suffix!r} for `format={format!r}`; got {str(path)!r}."
        )
    if path.is_file() if format == "saved_model" else path.is_dir():
        kind, other = ("folder", "file") if format == "saved_model" else ("file", "folder")
        raise ValueError(f"`format={format!r}` writes a {kind}; there is a {other} at {path}.")
    if path.is_dir() and any(path.iterdir()) and not (path / "saved_model.pb").exists():
        raise ValueError(
            f"{path} must be an empty folder or one with a SavedModel; got a folder with other "
            "files. Pass another folder."
        )
    return path, format


def writer(format: str) -> str:
    """Return the backend that writes a format: this process's own if possible."""
    backends = FORMATS[format].backends
    return backend.name if backend.name in backends else backends[0]


def check_packages(format: str) -> None:
    """Raise an `ImportError` that names the first package that a format lacks."""
    own, packages = writer(format), FORMATS[format].packages
    tf2onnx = ("tf2onnx",) if (format, own) == ("onnx", "tensorflow") else ()
    for package in (own, *packages, *tf2onnx):
        if not installed(package):
            extra = "export" if packages else own
            raise missing(package, extra, f"`format={format!r}` on the {backend.name} backend")
