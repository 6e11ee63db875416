"""Draws the plots of the pages in `docs/results` from the tables on those pages.

python benchmarks/plots.py
"""

import re
from pathlib import Path

import matplotlib.pyplot as plt

DOCS = Path(__file__).parent.parent / "docs"
STEPS = (200, 400, 800, 1200, 1600, 2000)


def rows(page, first):
    """Return the cells below the header of a page's table whose header starts with `first`."""
    lines = [line.strip() for line in (DOCS / "results" / page).read_text().splitlines()]
    table = lines[next(i for i, line in enumerate(lines) if line.startswith(first)) + 2 :]
    length = next((i for i, line in enumerate(table) if not line.startswith("|")), len(table))
    return [
        [cell.replace("<wbr>", "").strip() for cell in line[1:-1].split("|")]
        for line in table[:length]
    ]


def save(name):
    """Write the current figure as a picture of the site, and close it."""
    plt.savefig(DOCS / "images" / name, dpi=120, bbox_inches="tight")
    plt.close()


def step_time():
    """The ratio of `fit` to the hand-written loop: a bar per backend and network."""
    ratios = rows("step_time.md", "| network | TensorFlow")
    plt.figure(figsize=(4, 4.5))
    for place, backend in enumerate(("TensorFlow", "JAX", "PyTorch")):
        heights = [float(row[1 + place]) for row in ratios]
        plt.barh([y + 0.25 * (place - 1) for y in range(len(ratios))], heights, 0.23, label=backend)
    plt.axvline(1, color="black", linewidth=0.8)
    names = [re.sub("`--gan (.*)`", r"\1", row[0]).replace(", ", ",\n") for row in ratios]
    plt.yticks(range(len(ratios)), names)
    plt.gca().invert_yaxis()
    plt.xlabel("time of a step of fit / of a hand-written loop")
    plt.legend()
    save("results_step_time.png")


def small_data():
    """Fréchet distance against the number of digits, with shifts and without: a plot per GAN."""
    measured = rows("small_data.md", "|  | digits")
    gans = list(dict.fromkeys(row[0] for row in measured))
    figure, axes = plt.subplots(2, 3, figsize=(6, 4.2), sharex=True, sharey=True)
    for axis, gan in zip(axes.flat, gans, strict=False):
        own = [row for row in measured if row[0] == gan]
        digits = [int(row[1].replace(",", "")) for row in own]
        axis.plot(digits, [float(row[2]) for row in own], "o--", label="as they are")
        axis.plot(digits, [float(row[3]) for row in own], "s-", label="shifted")
        axis.set(title=gan, xscale="log", yscale="log")
        axis.set_xticks([500, 1000, 5000], ["500", "1,000", "5,000"])
        axis.set_yticks([100, 300, 1000], ["100", "300", "1000"])
        axis.minorticks_off()
    axes[0, 0].set_ylabel("Fréchet distance")
    axes[1, 0].set(ylabel="Fréchet distance", xlabel="digits")
    axes[1, 2].axis("off")
    axes[1, 2].legend(*axes[0, 0].get_legend_handles_labels(), loc="center")
    figure.tight_layout()
    save("results_small_data.png")


def automatic():
    """The overfitting r and the probability p of augmentation over the steps: a plot per GAN."""
    measured = rows("automatic_settings.md", "| GAN | digits | value")
    figure, axes = plt.subplots(1, 3, figsize=(8, 3.6), sharey=True)
    styles = {"r, as they are": "k:", "r, automatic": "C0-", "p, automatic": "C1--"}
    for axis, gan in zip(axes, dict.fromkeys(row[0] for row in measured), strict=True):
        for digits, marker in (("500", "o"), ("5,000", "s")):
            for value, style in styles.items():
                (row,) = (row for row in measured if row[:3] == [gan, digits, value])
                label = f"{value}, {digits} digits"
                heights = [float(cell) for cell in row[3:]]
                axis.plot(STEPS, heights, style, marker=marker, markersize=4, label=label)
        axis.set(title=gan, xlabel="training steps", ylim=(-0.03, 1.05))
    figure.tight_layout()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="upper center", ncols=2)
    figure.subplots_adjust(top=0.68)
    save("results_automatic.png")


if __name__ == "__main__":
    step_time()
    small_data()
    automatic()
