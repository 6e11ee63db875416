"""Imports of optional packages, with an error that names the extra to install."""

import importlib
import importlib.util
from types import ModuleType


def require(module: str, extra: str, purpose: str) -> ModuleType:
    """Import a module of an extra; if it is missing, an ImportError names purpose and extra."""
    if not installed(module.partition(".")[0]):
        raise missing(module, extra, purpose)
    return importlib.import_module(module)


def missing(module: str, extra: str, purpose: str) -> ImportError:
    """Return the ImportError for a module that is not installed; see `require`."""
    return ImportError(
        f"{purpose} needs {module.partition('.')[0]}, which is not installed. Install it with "
        f"{command(extra)}."
    )


def command(extra: str) -> str:
    """Return the command that installs an extra, as errors name it.

    The package is on no index yet. Once it is, the command is `pip install 'keras_egan[...]'`.
    """
    return f'`python -m pip install ".[{extra}]"` in the folder of the repository'


def installed(module: str) -> bool:
    """Return whether a package can be imported, without importing it."""
    return importlib.util.find_spec(module) is not None
