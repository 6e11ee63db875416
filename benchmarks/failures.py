"""How long does it take until all processes of a training have ended, after one is killed?

Two processes on this machine train by a launcher of `examples/distributed`. In the middle of the
training, one gets SIGKILL. They are started by torchrun, by the launcher for one machine, or one by
one, as on several machines:

    python benchmarks/failures.py torch jax
    python benchmarks/failures.py torch jax --one-by-one

Processes that do not end are given up after `--limit` seconds.
"""

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SCRIPTS = Path(__file__).parent.parent / "examples" / "distributed"
ENDLESS = ["--epochs", "1000000", "--steps-per-epoch", "5", "--filters", "2"]


def commands(engine, one_by_one):
    """Return commands to start, each with its environment variables."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    script = str(SCRIPTS / f"{engine}_processes.py")
    if engine == "jax":
        each = ["--address", f"127.0.0.1:{port}", "--index"]
        cpu = {"JAX_PLATFORMS": "cpu"}
        return [([script, *each, i], cpu) for i in "01"] if one_by_one else [([script], cpu)]
    if not one_by_one:
        return [(["-m", "torch.distributed.run", "--nproc-per-node", "2", script], {})]
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2"}
    return [([script], {**place, "RANK": i, "LOCAL_RANK": "0"}) for i in "01"]


def workers(script):
    """Return the processes that train, in the order of their start, without the launcher."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            arguments = (folder / "cmdline").read_text().split("\0")
            ready = script in arguments and "torch.distributed.run" not in arguments
            if ready and (script.endswith("torch_processes.py") or "--index" in arguments):
                found[int(folder.name)] = arguments
    return sorted(found)


def alive(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def measured(engine, one_by_one, victim, limit):
    """Return the seconds until the others had ended; None if they did not end."""
    script = str(SCRIPTS / f"{engine}_processes.py")
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder)
        with (output / "printed").open("w") as printed:
            group = [
                subprocess.Popen(
                    [sys.executable, *command, *ENDLESS, "--output", folder],
                    env={**os.environ, **further},
                    stdout=printed,
                    stderr=subprocess.STDOUT,
                )
                for command, further in commands(engine, one_by_one)
            ]
        try:
            while "Epoch 5/" not in (output / "printed").read_text(errors="replace"):
                if any(process.poll() is not None for process in group):
                    raise SystemExit((output / "printed").read_text()[-3000:])
                time.sleep(0.2)
            pids = workers(script)
            others = {*pids, *(process.pid for process in group)} - {pids[victim]}
            os.kill(pids[victim], signal.SIGKILL)
            begin = time.monotonic()
            while any(process.poll() is None for process in group) or any(map(alive, others)):
                if time.monotonic() - begin > limit:
                    return None
                time.sleep(0.05)
            return time.monotonic() - begin
        finally:
            for pid in workers(script):
                os.kill(pid, signal.SIGKILL)
            for process in group:
                process.kill()
                process.wait()
            named = (output / "printed").read_text(errors="replace").splitlines()
            print("\n".join(line[:200] for line in named[-12:]), file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("engines", nargs="+", choices=["torch", "jax"])
    parser.add_argument("--one-by-one", action="store_true", help="without a launcher")
    parser.add_argument("--limit", type=float, default=400)
    arguments = parser.parse_args()
    for engine in arguments.engines:
        for victim in range(2):
            took = measured(engine, arguments.one_by_one, victim, arguments.limit)
            how = "one by one" if arguments.one_by_one else "launcher"
            shown = "not" if took is None else f"{took:.1f} s"
            print(f"{engine}, {how}, process {victim} killed: ended after {shown}", flush=True)


if __name__ == "__main__":
    main()
