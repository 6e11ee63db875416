"""The beginning of a run: it looks at the images, times a step, and plans."""

import warnings
from collections.abc import Callable
from time import monotonic, perf_counter
from typing import Any

import keras
import numpy as np

from keras_egan.automatic import plan as planning
from keras_egan.automatic import reading
from keras_egan.automatic.build import batches, build, laid_out
from keras_egan.automatic.files import RunState
from keras_egan.automatic.look import Look, Split, look, sentences
from keras_egan.gans.energy_gan import EnergyGAN
from keras_egan.metrics.anchors import AnchoredDistance, in_range

_TIMED = 4  # steps
_BUILT = "filters", "arguments", "augment", "d_rate", "g_rate"  # of a plan


def begin(
    source: Any,
    name: str,
    minutes: float,
    labels: bool,
    seed: int,
    say: Callable[[str], None],
    given: dict[str, Any],
) -> tuple[RunState, Split, EnergyGAN | None]:
    """Look and plan; return the state, the images, and the GAN if it is that which was timed."""
    started = monotonic()
    source = reading.opened(source)
    sizes = reading.sizes_of(source, **given)
    sides = planning.sides_for(sizes, minutes)

    def looked(sides: tuple[int, int]) -> tuple[Look, Split]:
        return look(reading.read(source, sides, labels=labels, seed=seed, **given), sizes, seed)

    say(f"Reading the images of {name}.")
    facts, split = looked(sides)
    if fitting := planning.fitting_sides(facts):
        facts, split = looked(fitting)
    for sentence in sentences(facts):
        say(sentence)
    device = str(keras.ops.zeros(()).device).split("device:")[-1]
    say(f"Timing a step on {device}, with {keras.backend.backend()}.")
    timed = planning.plan(facts, minutes)
    timing, gan = _timed(timed, facts, split, seed)
    timing = timing._replace(spent=monotonic() - started)
    while larger := planning.larger_sides(facts, minutes, timing):
        say(f"There is time for images of {larger[1]}x{larger[0]}.")
        facts, split = looked(larger)
        timed = planning.plan(facts, minutes)
        timing, gan = _timed(timed, facts, split, seed)
        timing = timing._replace(spent=monotonic() - started)
    chosen = planning.plan(facts, minutes, timing)
    for decision, reason in chosen.decisions:
        say(f"Plan: {decision} ({reason}).")
    if said := planning.warning(chosen, timing.spent):
        say(said)
    crc, used = reading.checksum(source), monotonic() - started
    state = RunState(name, seed, facts, chosen, 0, "new", used, [], [], checksum=crc)
    same = all(getattr(chosen, name) == getattr(timed, name) for name in _BUILT)
    return state, split, gan if same else None  # compiling another may take a minute


def _timed(plan, facts, split, seed):
    """Return the seconds of a step and of a sample's measurement, and the GAN."""
    images = laid_out(split.images)
    held, training = images[: facts.held_out], images[facts.held_out :]
    begun = perf_counter()
    gan = build(plan, seed)
    labels = None if split.labels is None else split.labels[facts.held_out :]
    data = batches(plan, training, labels, seed)
    times: list[float] = []

    class Clock(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            times.append(perf_counter())

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        gan.fit(data, steps_per_epoch=2 + _TIMED, verbose=0, callbacks=[Clock()])
    step = float(np.median(np.diff(times)[-_TIMED:]))
    few = min(50, len(held))
    started = perf_counter()
    distance = AnchoredDistance(training[:few], held[:few])
    distance(in_range(training[:few]))
    figure = (perf_counter() - started) / 3 / few
    return planning.Timing(step, figure, build=times[0] - begun), gan
