"""The version of the package; a test compares the files that repeat it."""

__version__ = "0.2.0"
