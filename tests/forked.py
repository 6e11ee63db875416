"""Processes of their own, each a copy of one that has imported the engine already.

So that a process that lives for a few steps costs a few steps, rather than the imports.
"""

import multiprocessing
import os
import socket

from tests.conftest import XLA_FLAGS

TIMEOUT = 900

_context = multiprocessing.get_context("spawn" if os.name == "nt" else "forkserver")
# Keras imports TensorFlow on each backend, when it first describes a layer.
_context.set_forkserver_preload(["pytest", "tests.group", "tensorflow"])


class Forked:
    """A process that calls a function, as a module's, with what it prints in a file.

    Args:
        path: the file.
        function: what it calls.
        *args: the function's arguments.
        devices: how many devices JAX finds.
    """

    def __init__(self, path, function, *args, devices=1):
        self.path = path
        arguments = (str(path), devices, function, *args)
        self.process = _context.Process(target=_call, args=arguments, daemon=True)
        self.process.start()

    @property
    def exitcode(self):
        """None while it runs; negative if a signal has killed it."""
        return self.process.exitcode

    def wait(self):
        """Waits for its end, and returns what it printed."""
        self.process.join(TIMEOUT)
        return self.path.read_text(errors="replace")

    def kill(self):
        self.process.kill()
        self.process.join()


def _call(path, devices, function, *args):
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    # Which JAX reads when it is first used, not when it is imported.
    os.environ["XLA_FLAGS"] = f"{XLA_FLAGS} --xla_force_host_platform_device_count={devices}"
    function(*args)


def ended(group):
    """Waits for processes, which must end well, and returns what each printed."""
    try:
        found = [process.wait() for process in group]
    finally:
        for process in group:
            process.kill()
    for process, printed in zip(group, found, strict=True):
        assert process.exitcode == 0, printed[-3000:]
    return found


def address():
    """Returns where processes may meet."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def together(function, folder, kind, *args):
    """Starts a group: one process with one device or with two, or two processes."""
    count, place = 2 if kind == "processes" else 1, address()
    return [
        Forked(
            folder / f"{kind}{index}.log",
            function,
            *(folder, kind, index, count, place, *args),
            devices=2 if kind == "devices" else 1,
        )
        for index in range(count)
    ]
