"""The report of a run: one HTML file with all pictures in it."""

import base64
import io
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_egan import metrics, pictures, presets
from keras_egan._version import __version__
from keras_egan.automatic.files import RunFiles, RunState
from keras_egan.automatic.look import FEW_HELD_OUT, sentences
from keras_egan.automatic.plan import FIGURES_TIME, behind
from keras_egan.automatic.watch import grid_of
from keras_egan.datasets.preparation import pillow
from keras_egan.metrics.anchors import AnchoredDistance
from keras_egan.saving import files

_GRIDS = 6
_SHOWN = 8  # samples beside their nearest images
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 0 auto; padding: 1rem;
  color: #222; background: #fff; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; }
img, svg { max-width: 100%; height: auto; } img { image-rendering: pixelated; }
.grids { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: .75rem; }
figure { margin: 0; } figure img { width: 100%; } figcaption { color: #666; font-size: .85rem; }
table { border-collapse: collapse; width: 100%; } td { border-top: 1px solid #ddd;
  padding: .35rem .5rem .35rem 0; vertical-align: top; overflow-wrap: anywhere; }
.figure { font-size: 2rem; } .large { width: 100%; max-width: 30rem; }
"""


def write(
    run: RunFiles, state: RunState, distance: AnchoredDistance, training: np.ndarray | None = None
) -> None:
    """Write the report; `training` are the images to look for copies in, uint8, or None."""
    body = "\n".join(_sections(run, state, distance, training))
    page = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>keras_egan: {escape(_named(state))}</title>\n<style>{_STYLE}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )
    files.write(run.report, page.encode(errors="replace"))


def _sections(run, state, distance, training) -> Iterator[str]:
    yield f"<h1>A GAN of {escape(_named(state))}</h1>"
    if not state.finished:
        yield "<p>Training has not ended. If it was stopped, the same command goes on.</p>"
    rows = [row for row in state.figures if row["figure"] is not None]
    if rows:
        best = min(rows, key=lambda row: row["figure"])
        yield (
            f'<p><span class="figure">{best["figure"]:.2f}</span> is the distance of samples to '
            "images that were held out. Lower is better. Random blurs in the images' colours, "
            f"samples of a Gaussian, have 1; real images have {distance.floor:.2f}. gan.keras has "
            f"this distance: {_gan(state, best)} after {best['step']:,} steps of "
            f"{state.plan.batch_size} images. Training took {state.seconds / 60:.1f} minutes.</p>"
        )
        if said := learnt_little(state, distance.floor):
            yield f"<p>{said}</p>"
        if state.look.held_out < FEW_HELD_OUT:
            yield (
                f"<p>Only {state.look.held_out} images were held out, so that the distance says "
                "little. Look at the samples.</p>"
            )
        if said := too_short(state):
            yield f"<p>{escape(said)}</p>"
        yield from _grids(run, state, rows, best)
        yield "<h2>The distance to held-out images</h2>"
        levels = {"Gaussian": 1.0, "real images": distance.floor}
        yield "<p>Lower is better. It should fall below the Gaussian, towards real images.</p>"
        yield _chart(rows, {"samples": "figure"}, levels)
        yield "<h2>The energies</h2>"
        autoencoder = "autoencoder" in presets.get(state.plan.preset).network
        energy = "the error of its reconstruction" if autoencoder else "minus its score"
        yield (
            f"<p>The discriminator gives data low energies; an image's energy is {energy}. The two "
            "curves should stay near each other; a gap that keeps growing means that one network "
            "has won.</p>"
        )
        yield _chart(rows, {"data": "real_energy", "samples": "fake_energy"}, {})
    if training is not None and run.best.exists():
        yield from _copies(run, distance, training)
    yield "<h2>What was seen in the data</h2><ul>"
    for sentence in sentences(state.look):
        yield f"<li>{escape(sentence)}</li>"
    yield "</ul><h2>What was decided, and why</h2><table>"
    for decision, reason in state.plan.decisions:
        yield f"<tr><td>{escape(decision)}</td><td>{escape(reason)}</td></tr>"
    yield "</table>"
    yield "<h2>What was changed on the way</h2>"
    if not state.interventions:
        yield "<p>Nothing: no divergence, collapse or lasting rise of the distance was seen.</p>"
    for change in state.interventions:
        yield f"<p>After {change['seconds'] / 60:.1f} minutes. {escape(change['sentence'])}.</p>"
    yield (
        f"<p>keras_egan {__version__}, backend {keras.backend.backend()}. A step was expected to "
        f"take {state.plan.step_seconds:.2g} s. train.py beside this file has the settings of "
        "gan.keras.</p>"
    )


def _named(state):
    path = Path(state.source)
    return path.name if path.is_absolute() and path.name else state.source


def _grids(run, state, rows, best):
    paths = {id(row): grid_of(run.samples, index) for index, row in enumerate(state.figures)}
    rows = [row for row in rows if paths[id(row)].exists()]
    if best in rows:
        yield _picture(paths[id(best)].read_bytes(), "Samples", "large")
    yield '<h2>How it came along</h2><div class="grids">'
    spread = np.linspace(0, len(rows) - 1, _GRIDS).round().astype(int)
    several = len({_gan(state, row) for row in rows}) > 1
    for index, row in enumerate(rows):
        if index in spread or row is best:
            when = f"{row['seconds'] / 60:.1f} minutes: {row['figure']:.2f}"
            when += f", {_gan(state, row)}" if several else ""
            image = _picture(paths[id(row)].read_bytes(), f"Samples after {when}")
            yield f"<figure>{image}<figcaption>{when}</figcaption></figure>"
    yield "</div>"


def _gan(state, row):
    # Runs of version 0.2.0 do not say it.
    return row.get("gan", presets.get(state.plan.preset).gan)


def learnt_little(state: RunState, floor: float) -> str | None:
    """Return a sentence if the best samples are no better than those of the Gaussian."""
    best = min(row["figure"] for row in state.figures if row["figure"] is not None)
    few = state.look.held_out < FEW_HELD_OUT
    if best < max(1.0, 2.0 * floor if few else 0.0):
        return None
    return "From 1 up, samples are no better than blurs: training learnt too little."


def too_short(state: RunState) -> str | None:
    """Return a sentence if training saw less than half of the images that it needs."""
    if not state.figures:
        return None
    last = state.figures[-1]
    step_seconds = state.plan.step_seconds / (1 - FIGURES_TIME)
    for one, next_one in zip(state.figures, state.figures[1:], strict=False):
        steps = next_one["step"] - one["step"]
        if steps >= state.plan.every:  # fewer, of a training that was stopped, are mostly its start
            step_seconds = (next_one["seconds"] - one["seconds"]) / steps
    return behind(state.plan, last["step"], state.seconds, step_seconds)


def _copies(run, distance, training):
    gan = files.open_model(run.best)
    samples = gan.sample(distance.count, seed=1)
    found = metrics.nearest(samples, training, k=3)
    usual = np.median(metrics.nearest(distance.held_out, training, k=1).distances)
    ratio = float(np.median(found.distances[:, 0]) / max(usual, 1e-12))
    yield "<h2>Copies?</h2>"
    meaning = "near 0 are copies; blurred samples have low ones too"
    if ratio <= 0.5:
        meaning = "as low as this mean that many are copies, or blurred"
    yield (
        "<p>Each row is a sample and the three training images nearest to it. Samples are "
        f"{ratio:.2f} times as far from their nearest image as held-out images are. Values "
        f"{meaning}. Values from about 1 up show no copies; in between, look at the rows.</p>"
    )
    yield _picture(_png(pictures.grid(found.rows[:_SHOWN])), "Samples and nearest images", "large")


def _png(pixels):
    file = io.BytesIO()
    pillow().fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def _picture(data, text, kind=""):
    encoded = base64.b64encode(data).decode()
    return f'<img class="{kind}" alt="{escape(text)}" src="data:image/png;base64,{encoded}">'


def _chart(rows: Sequence[dict[str, Any]], names: dict[str, str], levels: dict[str, float]) -> str:
    """Return an SVG of metrics over the minutes, with named horizontal lines."""
    width, height, left, bottom = 640, 240, 48, 24
    curves = {
        text: [(row["seconds"] / 60, row[key]) for row in rows if key in row]
        for text, key in names.items()
    }
    values = [y for points in curves.values() for _, y in points] + [*levels.values()]
    if not values:
        return ""
    low, high = min(0.0, *values), max(values) or 1.0
    end = max(row["seconds"] / 60 for row in rows) or 1.0

    def place(x: float, y: float) -> tuple[float, float]:
        across = left + (width - left - 8) * x / end
        return across, 8 + (height - bottom - 8) * (1 - (y - low) / (high - low))

    parts = [f'<svg viewBox="0 0 {width} {height}" role="img" font-size="12">']
    for text, level in levels.items():
        y = place(0, level)[1]
        parts.append(f'<path d="M{left} {y:.1f}H{width - 8}" stroke="#aaa" stroke-dasharray="4"/>')
        parts.append(f'<text x="{width - 8}" y="{y - 4:.1f}" text-anchor="end" fill="#666">{text}')
        parts.append("</text>")
    for (text, points), colour in zip(curves.items(), ("#1565c0", "#c62828"), strict=False):
        if not points:
            continue
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in points))
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        x, y = place(*points[0])
        y = max(y, 20.0)  # within the picture
        parts.append(f'<text x="{x + 6:.1f}" y="{y - 6:.1f}" fill="{colour}">{text}</text>')
    for value in (low, high):
        parts.append(f'<text x="{left - 6}" y="{place(0, value)[1] + 4:.1f}" text-anchor="end">')
        parts.append(f"{value:.3g}</text>")
    parts.append(
        f'<text x="{width - 8}" y="{height - 6}" text-anchor="end">{end:.3g} minutes</text>'
    )
    return "".join(parts) + "</svg>"
