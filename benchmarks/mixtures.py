"""Counts the modes that each GAN finds on the ring and on the grid, and prints a table.

Runs `examples/mixture_of_gaussians.py` with its default settings for every GAN, mixture and seed,
one after the other, and skips runs that are already in the output folder:

    python benchmarks/mixtures.py --seeds 3 --output mixtures
"""

import argparse
import csv
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parent.parent / "examples" / "mixture_of_gaussians.py"
GANS = {
    "began": "BEGAN",
    "ebgan": "EBGAN",
    "magan": "MAGAN",
    "least_squares": "LSGAN",
    "loss_sensitive": "LS-GAN",
}

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument("--gans", nargs="+", choices=GANS, default=list(GANS), help="which GANs")
parser.add_argument("--seeds", type=int, default=3, help="how many seeds, from 0 up")
parser.add_argument("--output", type=Path, default=Path("mixtures"), help="the folder of the runs")
arguments, example_arguments = parser.parse_known_args()


def run(gan, mixture, seed):
    """Return the last row of a run's log."""
    output = arguments.output / f"{gan}_{mixture}_{seed}"
    if not (output / "done").exists():
        command = [EXAMPLE, "--gan", gan, "--mixture", mixture, "--seed", seed, "--output", output]
        subprocess.run([sys.executable, *map(str, command), *example_arguments], check=True)
        (output / "done").touch()
    with (output / "log.csv").open() as log:
        *_, last = csv.DictReader(log)
    return last


rows = []
for gan in arguments.gans:
    cells = [GANS[gan]]
    for mixture in ("ring", "grid"):
        found = [run(gan, mixture, seed) for seed in range(arguments.seeds)]
        cells.append(", ".join(row["modes"] for row in found))
        cells.append(", ".join(f"{100 * float(row['high_quality']):.1f}" for row in found))
    rows.append(cells)

print("| | ring: modes of 8 | high quality, % | grid: modes of 25 | high quality, % |")
print("|---|---|---|---|---|")
for cells in rows:
    print(f"| {' | '.join(cells)} |")
