"""Imports that not every user needs, each with an error that names its extra."""

import importlib
import importlib.util

__all__ = ["installed", "require"]


def require(module, extra, purpose):
    """Imports a module that an extra brings.

    Args:
        module: the module's full name.
        extra: the extra of keras_egan that brings it.
        purpose: what needs it, the beginning of the error's sentence.

    Returns:
        The module.

    Raises:
        ImportError: if the package is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and importlib.util.find_spec(module.partition(".")[0]):
            raise
        raise ImportError(
            f"{purpose} needs {module.partition('.')[0]}, which is not installed. Install it with "
            f"`pip install 'keras_egan[{extra}]'`."
        ) from error


def installed(module):
    """Returns whether a package can be imported, without importing it."""
    return importlib.util.find_spec(module) is not None
