"""The formats: their file names, the backend that writes each, and the packages that it needs."""

import os
from pathlib import Path

from keras_egan import backend, checks
from keras_egan.extras import installed, missing

FORMATS = {
    "saved_model": "",
    "onnx": ".onnx",
    "litert": ".tflite",
    "openvino": ".xml",
    "torch": ".pt2",
}
"""The formats, and the suffix of each one's file. A SavedModel is a folder."""

# The backends that write a format; another backend starts a process on the first of them. Keras
# has four more pairs, each worse than that process: SavedModel on JAX holds programs of XLA;
# LiteRT on PyTorch fixes the batch size; OpenVINO on PyTorch refuses batch normalization; ONNX on
# JAX takes jax2onnx, whose 31 packages everybody with the extra `export` would get.
_WRITERS = {
    "saved_model": ("tensorflow",),
    "onnx": ("tensorflow", "torch"),
    "litert": ("tensorflow",),
    "openvino": ("tensorflow",),
    "torch": ("torch",),
}
_PACKAGES = {
    "onnx": ("onnx", "onnxruntime"),
    "litert": ("ai_edge_litert",),
    "openvino": ("openvino",),
}


def checked(
    path: str | os.PathLike,
    format: str,
    seed_endpoint: bool | str = False,
    opset_version: int | None = None,
) -> tuple[Path, str]:
    """Returns the resolved path and our name of the format, if all arguments fit together."""
    path = Path(path).resolve()
    format = "saved_model" if format == "tf_saved_model" else format  # which is Keras's name
    if format not in FORMATS:
        raise ValueError(f"`format` must be one of {', '.join(FORMATS)}; got {format!r}.")
    if seed_endpoint not in (False, True, "uniform", "normal"):
        raise ValueError(
            f"`seed_endpoint` must be a bool, 'uniform' or 'normal'; got {seed_endpoint!r}."
        )
    if seed_endpoint and format != "saved_model":
        raise ValueError(f"`seed_endpoint` needs `format='saved_model'`; got {format!r}.")
    if opset_version is not None:
        checks.whole_number(1, opset_version=opset_version)
        if format != "onnx":
            raise ValueError(f"`opset_version` needs `format='onnx'`; got {format!r}.")
    if FORMATS[format] not in ("", path.suffix):
        raise ValueError(
            f"The path must end in {FORMATS[format]!r} for `format={format!r}`; got {str(path)!r}."
        )
    if path.is_file() if format == "saved_model" else path.is_dir():
        kind, other = ("folder", "file") if format == "saved_model" else ("file", "folder")
        raise ValueError(f"`format={format!r}` writes a {kind}; there is a {other} at {path}.")
    if path.is_dir() and any(path.iterdir()) and not (path / "saved_model.pb").exists():
        raise ValueError(
            f"{path} is a folder that holds something else than a SavedModel, and is not "
            "overwritten. Give a folder of its own."
        )
    return path, format


def writer(format: str) -> str:
    """Returns the backend that writes a format: this process's own, if it can."""
    return backend.name if backend.name in _WRITERS[format] else _WRITERS[format][0]


def check_packages(format: str) -> None:
    """Raises an `ImportError` that names the first package that a format lacks."""
    own = writer(format)
    tf2onnx = ("tf2onnx",) if (format, own) == ("onnx", "tensorflow") else ()
    packages = _PACKAGES.get(format, ())
    for package in (own, *packages, *tf2onnx):
        if not installed(package):
            extra = "export" if packages else own
            raise missing(package, extra, f"`format={format!r}` on the {backend.name} backend")
