"""Trains on JAX in several processes, each with its own devices.

Two processes on this machine, on the CPU:

    python examples/distributed/jax_processes.py --processes 2

Two machines: on each, with the address of the first and one of its free ports,

    python examples/distributed/jax_processes.py --processes 2 --address first:29500 --index 0

and `--index 1` on the second. One process with several devices needs none of this:
`keras.distribution.set_distribution(keras.distribution.DataParallel())` is enough.

A killed training resumes when it is started again, also with another number of processes.
"""

import os
import socket
import subprocess
import sys
import time

import training

parser = training.flags(__doc__)
parser.add_argument("--processes", type=int, default=2, help="the number of processes")
parser.add_argument("--address", help="host:port on which the first process listens")
parser.add_argument("--index", type=int, help="this process's number, from 0")
arguments = parser.parse_args()


def start_here():
    """Start all processes on this machine; if one dies, end the others."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, *sys.argv, "--address", address, "--index"]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    group = [
        subprocess.Popen([*command, str(index)], env=environment)
        for index in range(arguments.processes)
    ]
    try:
        while any(process.poll() is None for process in group):
            for index, process in enumerate(group):
                if process.poll():
                    sys.exit(f"Process {index} has ended with {process.returncode}; all end.")
            time.sleep(0.2)
    finally:
        for process in group:
            process.kill()


def work():
    os.environ["KERAS_BACKEND"] = "jax"
    import keras

    # Before anything is computed. It gives all processes the same random seed.
    keras.distribution.initialize(arguments.address, arguments.processes, arguments.index)
    # Before the networks are made.
    keras.distribution.set_distribution(keras.distribution.DataParallel())
    training.train(arguments, *training.build(arguments))


if arguments.index is None:
    start_here()
else:
    work()
