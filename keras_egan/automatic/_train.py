"""`train`: from images and minutes to a trained GAN and its report."""

import os
import warnings
from collections.abc import Callable
from time import monotonic, perf_counter
from typing import Any

import keras
import numpy as np

from keras_egan import checks
from keras_egan.automatic import plan as planning
from keras_egan.automatic import reading, report, script
from keras_egan.automatic.build import batches, build, copy_weights, laid_out
from keras_egan.automatic.files import RunFiles, RunState
from keras_egan.automatic.look import Look, Split, look, sentences
from keras_egan.automatic.remedy import MOST, remedied
from keras_egan.automatic.watch import Watch
from keras_egan.callbacks import Backup, Diagnosis
from keras_egan.datasets import Batches
from keras_egan.datasets.loaders import described, is_path
from keras_egan.gans.energy_gan import EnergyGAN
from keras_egan.metrics.anchors import AnchoredDistance, in_range
from keras_egan.saving import files

_EPOCHS = 1_000_000
_TIMED = 4  # steps
_CHOSEN = {"image_size", "batch_size", "shuffle", "grayscale", "horizontal_flip"}
_BUILT = "filters", "arguments", "augment", "d_rate", "g_rate"  # of a plan
_SAID = {
    "diverged": "diverged",
    "collapsed": "collapsed",
    "stuck": "does not get below the Gaussian",
    "memorised": "gets worse",
    "risen": "gets worse",
}


def train(
    source: Any,
    minutes: float = 30,
    output: str | os.PathLike = "run",
    *,
    labels: bool = False,
    seed: int = 0,
    say: Callable[[str], None] = print,
    **given: Any,
) -> EnergyGAN:
    """Train a GAN on images, with settings that follow from them and from the minutes.

    It looks at the images, times a step on this machine, chooses size, networks, GAN, rates and
    augmentation, and trains. All of this counts as minutes, compilation too. After each few per
    cent of the minutes it measures samples on a held-out tenth of the images: 1 is the figure of a
    Gaussian with the images' principal components, lower is better. The best weights are kept. If
    training diverges, collapses or gets worse, it goes on from the best with one thing changed, at
    most three times.

    `output` gets `gan.keras`, the best GAN; `report.html`, with all decisions and their reasons;
    `train.py`, a script that trains likewise; `samples/`; and what is needed to go on. The same
    call goes on with a training that was interrupted, or that may now take more minutes.

    Args:
        source: the images, anything that `datasets.load` takes.
        minutes: how long it may take in all, above 0.
        output: the folder of all that is written.
        labels: whether to train with classes, as in `datasets.load`.
        seed: the integer, 0 or more, that fixes everything random.
        say: takes each sentence about what is done.
        **given: further arguments of `datasets.load`, such as `data_dir`; not those that `train`
            chooses, such as `image_size`.

    Returns:
        The GAN with the best figure.

    Raises:
        ValueError: if there are fewer than 20 different images, an argument is out of its range, or
            `output` holds a training on other data, or other files of the names above, or is an
            address such as `"gs://bucket"`.

    Example:

    ```python
    gan = keras_egan.train("photos/", minutes=30, output="run")
    images = gan.sample(64, seed=7)
    ```
    """
    checks.above_zero(minutes=minutes)
    checks.whole_number(0, seed=seed)
    if names := given.keys() & _CHOSEN:
        raise ValueError(
            f"`train` chooses {', '.join(sorted(names))} itself. Omit it, or train by hand, with "
            "`datasets.load`, `presets.build` and `fit`."
        )
    run = RunFiles(files.local(output=output))
    started = monotonic()
    name = os.fspath(source) if is_path(source) else described(source)
    if run.exists():
        state, split, timed = run.read_state(), run.read_images(), None
        if state.source != name:
            raise ValueError(
                f"{run.folder} holds a training on {state.source!r}; got {name!r}. Give another "
                "output folder."
            )
        say(f"Going on with {run.folder}: {state.seconds / 60:.1f} minutes are used.")
    else:
        run.check_new()
        state, split, timed = _begin(run, source, name, minutes, labels, seed, say, given)
        started = monotonic()  # the time until now is in `state.seconds`
    return _Training(run, state, split, timed, started, 60.0 * minutes, say).finish()


def _begin(run, source, name, minutes, labels, seed, say, given):
    """Look and plan; return the state, the images, and the GAN if it is that which was timed."""
    started = monotonic()
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
    state = RunState(name, seed, facts, chosen, 0, "new", 0.0, [], [])
    run.write_images(split)
    state = state._replace(seconds=monotonic() - started)
    run.write_state(state)
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


class _Training:
    """The parts of a run, one call of `fit` each."""

    def __init__(self, run, state, split, timed, started, budget, say):
        self.run, self.state, self.budget, self.say = run, state, budget, say
        self.timed = timed
        self.started = started  # when `state.seconds` were used
        count = state.look.held_out
        images = laid_out(split.images)
        self.held, self.training = images[:count], images[count:]
        labels = split.labels
        self.labels = None if labels is None else labels[count:]
        self.unseen = Batches(self.held, count, labels=None if labels is None else labels[:count])
        self.distance = AnchoredDistance(self.training, self.held[: state.plan.samples], state.seed)

    def finish(self) -> EnergyGAN:
        """Train until the minutes are used, and return the best GAN."""
        if self.state.finished and self.state.seconds < self.budget:
            good = self.state.figures[-1]["figure"] is not None
            begin = "last" if good else "best"
            self._change(part=self.state.part + 1, begin=begin, finished=False)
        elif self.state.finished:
            self.say("The minutes are used: to train on, give more `--minutes` than those.")
        while not self.state.finished:
            self._part()
        report.write(self.run, self.state, self.distance, self.training)
        known = [row["figure"] for row in self.state.figures if row["figure"] is not None]
        if not known:
            times = len(self.state.interventions) + 1
            raise ValueError(
                f"Training diverged from the beginning, {times} times. Check that the images are "
                "what they should be, or give more minutes."
            )
        self.say(f"Done: {self._said(min(known))}. See {self.run.report}.")
        said = report.learnt_little(self.state, self.distance.floor), report.too_short(self.state)
        for sentence in filter(None, said):
            self.say(sentence)
        gan = files.open_model(self.run.best)
        assert isinstance(gan, EnergyGAN)
        return gan

    def _part(self):
        state = self.state
        if not self.run.script.exists():
            self._write_script()
        gan = self._gan()
        data = batches(state.plan, self.training, self.labels, state.seed)
        reference = self.training[:64] if self.labels is None else data
        # In the beginning all samples are alike: a fifth of the budget is not too long for it.
        patience = 5 * planning.EPOCHS
        diagnosis = Diagnosis(reference, patience=patience, held_out=self.unseen)
        watch = Watch(
            self.distance,
            state.plan.samples,
            state.plan.interval,
            self.run.best,
            self.run.samples,
            self.budget,
            state.plan.images_needed / state.plan.batch_size,
            state.seconds,
            self.started,
            state.figures,
            diagnosis,
            self.distance.floor,
            len(state.interventions) < MOST,
            self._told,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # findings are said in sentences
            gan.fit(
                data,
                epochs=_EPOCHS,
                steps_per_epoch=state.plan.every,
                verbose=0,
                callbacks=[
                    diagnosis,
                    watch,
                    Backup(self.run.backup(state.part), every_minutes=planning.BACKUP_MINUTES),
                ],
            )
        done = {"seconds": watch.used, "figures": watch.figures}
        self.started = monotonic()
        if watch.cause is None:
            gan.save(self.run.last)
            self._change(**done, finished=True)
            return
        chosen, change = remedied(state.plan, watch.cause, state.look.background or 0.0)
        anew = chosen.preset != state.plan.preset or not self.run.best.exists()
        to = "it goes on" if anew else "back to the best,"
        sentence = f"Training {_SAID[watch.cause]}: {to} with {change}"
        self.say(f"{sentence}.")
        note = {"seconds": watch.used, "cause": watch.cause, "sentence": sentence}
        self._change(
            **done,
            plan=chosen,
            part=state.part + 1,
            begin="new" if anew else "best",
            interventions=[*state.interventions, note],
        )

    def _gan(self):
        if self.state.begin == "last":
            return files.open_model(self.run.last)
        if self.timed is not None:
            gan, self.timed = self.timed, None
            return gan
        gan = build(self.state.plan, self.state.seed)
        if self.state.begin == "best":
            copy_weights(files.open_model(self.run.best), gan)
        return gan

    def _change(self, **values):
        self.state = self.state._replace(**values)
        self.run.write_state(self.state)

    def _told(self, watch):
        row = watch.figures[-1]
        if watch.improved:
            self._write_script()
        figure = "samples are not finite" if row["figure"] is None else self._said(row["figure"])
        now = self.state._replace(seconds=watch.used, figures=watch.figures)
        report.write(self.run, now, self.distance)
        # The figures of a training that is stopped are in its backup.
        self.run.write_state(self.state._replace(seconds=watch.used))
        self.say(f"{row['seconds'] / 60:.1f} of {self.budget / 60:g} minutes: {figure}.")

    def _write_script(self):
        text = script.text(self.state.source, self.state.plan)
        files.write(self.run.script, text.encode())

    def _said(self, figure):
        return f"{figure:.2f} (a Gaussian has 1, real images {self.distance.floor:.2f})"
