"""What a backup keeps of a callback, by the words of `callbacks.Flushable`."""

import json

import numpy as np


def remembered(callback, before=None):
    """Returns the attributes that are plain, and differ from those that it had before."""
    before = before or {}
    return {
        name: value
        for name, value in vars(callback).items()
        if name not in ("params", "_model")
        and _is_plain(value)
        and (name not in before or value is not before[name])
    }


def _is_plain(value):
    try:
        json.dumps(value, default=_listed)
    except TypeError:
        return False
    return True


def _listed(value):
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    raise TypeError
