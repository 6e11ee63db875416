"""The console script `keras_egan`.

It lies outside the package: importing the package imports Keras, which fails without its backend
and takes seconds in which a user may press Ctrl-C. Neither must end in a traceback.
"""

import json
import os
import signal
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

_BACKENDS = "tensorflow", "jax", "torch"
_STOPPED = 130


def main() -> int:
    """Import the package, run its command, and return the exit code."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:  # which a shell sets for what it runs in the background
            signal.signal(number, _stopped)
    _choose_backend()
    # TensorFlow leaves oneDNN off on some processors, and steps then take up to three times as
    # long (docs/guides/backends.md). It reads this when it is imported.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    try:
        from keras_egan import cli
    except ImportError as error:
        if "--debug" in sys.argv:
            raise
        print(f"keras_egan: {error}", file=sys.stderr)
        return 1
    for number, handler in before.items():
        signal.signal(number, handler)
    code = cli.main()
    if code == _STOPPED:
        _leave()
    return code


def _choose_backend() -> None:
    """Choose a backend that is installed, unless the user's choice is, or there is none."""
    if "KERAS_BACKEND" in os.environ:
        return
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    chosen = "tensorflow"
    with suppress(OSError, ValueError):  # no file, or not JSON, which Keras ignores too
        chosen = json.loads((home / "keras.json").read_text()).get("backend", chosen)
    installed = [name for name in _BACKENDS if find_spec(name)]
    if chosen not in installed and installed:
        os.environ["KERAS_BACKEND"] = installed[0]


def _stopped(number, frame):
    print("Stopped before anything was done.", file=sys.stderr)
    _leave()


def _leave():
    """End at once: threads of a backend that still compute can crash Python's own way out."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(_STOPPED)
