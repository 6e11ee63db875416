"""Imports that not every user needs, each with an error that names its extra."""

import importlib
import importlib.util
from types import ModuleType


def require(module: str, extra: str, purpose: str) -> ModuleType:
    """Imports a module that an extra brings; an ImportError says what for, where it is missing."""
    if not installed(module.partition(".")[0]):
        raise missing(module, extra, purpose)
    return importlib.import_module(module)


def missing(module: str, extra: str, purpose: str) -> ImportError:
    """Returns the ImportError for a module that is not installed; see `require`."""
    return ImportError(
        f"{purpose} needs {module.partition('.')[0]}, which is not installed. Install it with "
        f"`pip install 'keras_egan[{extra}]'`."
    )


def installed(module: str) -> bool:
    """Returns whether a package can be imported, without importing it."""
    return importlib.util.find_spec(module) is not None
