"""How long does `keras_egan evaluate` take for two folders, and how much memory does it need?

    python benchmarks/evaluation.py --images 10000

Writes two folders of 64x64 colour PNGs, smooth random colours with grain, of which one folder's are
a little darker, and runs the command in a process of its own. Prints the command's table, its time,
the processor's time, and the peak memory. Other options are passed to the command.
"""

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 64


def write(folder, count, brightness, seed):
    """Writes a folder of images, unless it is there already."""
    if folder.exists() and len([*folder.iterdir()]) == count:
        return
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for index in range(count):
        coarse = rng.uniform(0, brightness, (4, 4, 3)).astype("uint8")
        smooth = np.asarray(Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
        image = smooth + rng.normal(0, 6, smooth.shape)
        Image.fromarray(image.clip(0, 255).astype("uint8")).save(folder / f"{index:05d}.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--images", type=int, default=10_000, help="per folder")
    add("--output", type=Path, default=Path("evaluation"), help="the folder of the two")
    arguments, flags = parser.parse_known_args()
    folders = arguments.output / "generated", arguments.output / "real"
    for seed, (folder, brightness) in enumerate(zip(folders, (230, 256), strict=True)):
        write(folder, arguments.images, brightness, seed)
    start = time.perf_counter()
    command = [sys.executable, "-m", "keras_egan", "evaluate", *map(str, folders), *flags]
    subprocess.run(command, check=True)
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(
        f"{seconds:.0f} seconds, {used.ru_utime + used.ru_stime:.0f} of the processor, "
        f"{used.ru_maxrss / 2**10:.0f} MiB at most"
    )
