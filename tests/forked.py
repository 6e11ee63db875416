"""Separate processes, forked from one that has imported the backend already.

A process that lives for a few steps then costs a few steps, without the imports.
"""

import multiprocessing
import os
import socket

from tests.conftest import XLA_FLAGS

TIMEOUT = 900

_context = multiprocessing.get_context("spawn" if os.name == "nt" else "forkserver")
# Keras imports TensorFlow on each backend when it first describes a layer.
_context.set_forkserver_preload(["pytest", "tests.group", "tensorflow"])


class Forked:
    """A process that calls a function of a module, with its output in a file.

    Args:
        path: the file of the output.
        function: the function that the process calls.
        *args: the function's arguments.
        devices: the number of devices that JAX finds.
    """

    def __init__(self, path, function, *args, devices=1):
        self.path = path
        arguments = (str(path), devices, function, *args)
        self.process = _context.Process(target=_call, args=arguments, daemon=True)
        self.process.start()

    @property
    def exitcode(self):
        """The exit code: None while it runs, negative if a signal has killed it."""
        return self.process.exitcode

    def wait(self):
        """Wait for its end, and return its output."""
        self.process.join(TIMEOUT)
        return self.path.read_text(errors="replace")

    def kill(self):
        self.process.kill()
        self.process.join()


def _call(path, devices, function, *args):
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, 1)
    os.dup2(file, 2)
    # JAX reads this when it is first used, not when it is imported.
    os.environ["XLA_FLAGS"] = f"{XLA_FLAGS} --xla_force_host_platform_device_count={devices}"
    function(*args)


def ended(group):
    """Wait for processes, which must succeed, and return the output of each."""
    try:
        found = [process.wait() for process in group]
    finally:
        for process in group:
            process.kill()
    for process, printed in zip(group, found, strict=True):
        assert process.exitcode == 0, printed[-3000:]
    return found


def address():
    """Return an address where processes can meet."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def together(function, folder, kind, *args):
    """Start a group: one process with one device or with two, or two processes."""
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
