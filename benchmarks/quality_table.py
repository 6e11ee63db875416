"""Makes a Markdown table of the rows that `quality.py` wrote.

python benchmarks/quality_table.py quality
"""

import argparse
import json
from pathlib import Path

COLUMNS = {
    "kept": ("of", "{:,}"),
    "augment": ("augmented", "{}"),
    "images": ("images", "{:,}"),
    "frechet_distance": ("Fréchet", "{:.2f}"),
    "kernel_distance": ("kernel", "{:.1f}"),
    "inception_score": ("Inception score", "{:.2f}"),
    "precision": ("precision", "{:.3f}"),
    "recall": ("recall", "{:.3f}"),
    "min_share": ("smallest class share", "{:.1%}"),
    "max_share": ("largest class share", "{:.1%}"),
    "images_per_second": ("images per second", "{:.0f}"),
    "peak_memory_mib": ("peak memory, MiB", "{:.0f}"),
}

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
parser.add_argument("folder", type=Path, help="where the rows are")
rows = [json.loads(path.read_text()) for path in sorted(parser.parse_args().folder.glob("*.json"))]

columns = {
    key: column for key, column in COLUMNS.items() if any(row.get(key) is not None for row in rows)
}
print("| | seed |", " | ".join(title for title, _ in columns.values()), "|")
print("|" + "---|" * (2 + len(columns)))
for row in rows:
    cells = [
        form.format(row[key]) if row.get(key) is not None else ""
        for key, (_, form) in columns.items()
    ]
    print(f"| {row['name']} | {row['seed']} |", " | ".join(cells), "|")
