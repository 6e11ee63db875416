"""What can be exported where, and the arguments that are refused."""

from pathlib import Path
from typing import Any

from keras_egan import backend
from keras_egan.extras import installed, missing

__all__ = [
    "ALIASES",
    "FORMATS",
    "check_arguments",
    "check_options",
    "check_packages",
    "check_signature",
]

FORMATS = {"saved_model": "", "onnx": ".onnx", "litert": ".tflite", "openvino": ".xml"}
"""The formats, and how the names of their files end."""

ALIASES = {"tf_saved_model": "saved_model"}
"""What Keras calls a format otherwise."""

PACKAGES = {
    "saved_model": ("tensorflow",),
    "onnx": ("tensorflow", "tf2onnx", "onnxruntime"),
    "litert": ("tensorflow", "ai_edge_litert"),
    "openvino": ("tensorflow", "openvino"),
}
if backend.name == "torch":
    PACKAGES["onnx"] = ("onnx", "onnxruntime")  # PyTorch writes it without TensorFlow


def check_arguments(argument: str, path: Path, format: str, seed_endpoint: bool | str) -> None:
    """Raises a `ValueError` unless `format` and `seed_endpoint` go together, and with the path.

    Args:
        argument: what the path is called where the user gave it.
        path: where to write.
        format: as in `export`.
        seed_endpoint: as in `export`.
    """
    if format not in FORMATS:
        raise ValueError(f"`format` must be one of {', '.join(FORMATS)}; got {format!r}.")
    if seed_endpoint not in (False, True, "uniform", "normal"):
        raise ValueError(
            f"`seed_endpoint` must be a bool, 'uniform' or 'normal'; got {seed_endpoint!r}."
        )
    if seed_endpoint and format != "saved_model":
        raise ValueError(f"`seed_endpoint` needs `format='saved_model'`; got {format!r}.")
    if path.suffix != FORMATS[format] and FORMATS[format]:
        raise ValueError(
            f"`{argument}` must end in {FORMATS[format]!r} for `format={format!r}`; "
            f"got {str(path)!r}."
        )
    if path.is_file() if format == "saved_model" else path.is_dir():
        kind, other = ("folder", "file") if format == "saved_model" else ("file", "folder")
        raise ValueError(f"`format={format!r}` writes a {kind}; `{argument}` is a {other}, {path}.")
    if path.is_dir() and any(path.iterdir()) and not (path / "saved_model.pb").exists():
        raise ValueError(
            f"`{argument}` is {str(path)!r}, a folder that holds something else than a SavedModel, "
            "which is not overwritten. Give a folder of its own."
        )


def check_options(format: str, options: dict[str, Any]) -> None:
    """Raises a `ValueError` that names the first of Keras's options that cannot be kept.

    Args:
        format: as in `export`.
        options: what `keras.Model.export` takes for one format or another.
    """
    for name, value in options.items():
        if name != "opset_version":
            raise ValueError(
                f"`{name}` is not taken: the file is made in the one way that is compared with the "
                "generator. Use `gan.generator.export`, which is Keras's."
            )
        if format != "onnx":
            raise ValueError(f"`opset_version` needs `format='onnx'`; got {format!r}.")
        if not isinstance(value, int) or value < 1:
            raise ValueError(f"`opset_version` must be a whole number from 1 up; got {value!r}.")


def check_signature(signature: Any, latent_dim: int, classes: int | None = None) -> None:
    """Raises a `ValueError` unless a signature is None, or that of all that is exported.

    Args:
        signature: as in `keras.Model.export`.
        latent_dim: the length of a latent vector.
        classes: how many classes the generator has, or None.
    """
    if isinstance(signature, (list, tuple)) and len(signature) == 1:
        (signature,) = signature
    if signature is None:
        return
    if classes:
        raise ValueError(
            "`input_signature` must be left out for a GAN with `num_classes`: it is that of "
            f"latents and labels in batches of any size; got {signature!r}."
        )
    shape = getattr(signature, "shape", None)
    dtype = getattr(signature, "dtype", None)
    given = None if shape is None else tuple(shape), getattr(dtype, "name", dtype) or "float32"
    if given != ((None, latent_dim), "float32"):
        raise ValueError(
            "`input_signature` must be left out, or be that of latents in batches of any size, "
            f"float32 of shape (None, {latent_dim}); got {signature!r}."
        )


def check_packages(format: str) -> None:
    """Raises an `ImportError` that names the first package that a format lacks."""
    for package in PACKAGES[format]:
        if not installed(package):
            extra = "tensorflow" if format == "saved_model" else "export"
            raise missing(package, extra, f"`format={format!r}` on the {backend.name} backend")
