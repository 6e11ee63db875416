"""`train`: from images and minutes to a trained GAN and its report."""

import inspect
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

from keras_egan import checks, datasets
from keras_egan.automatic import plan as planning
from keras_egan.automatic import reading, report, script
from keras_egan.automatic.begin import begin
from keras_egan.automatic.build import batches, build, copy_weights, laid_out
from keras_egan.automatic.files import RunFiles
from keras_egan.automatic.remedy import MOST, remedied
from keras_egan.automatic.watch import Watch
from keras_egan.callbacks import Backup, Diagnosis
from keras_egan.datasets import Batches
from keras_egan.datasets.loaders import is_path
from keras_egan.gans.energy_gan import EnergyGAN
from keras_egan.metrics.anchors import AnchoredDistance
from keras_egan.saving import files

_EPOCHS = 1_000_000
_CHOSEN = {"image_size", "batch_size", "shuffle", "grayscale", "horizontal_flip"}
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
        source: the images, anything that `datasets.load` takes, or a `.npy` or `.npz` file of one
            array.
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
        ValueError: if there are fewer than 20 different images, or they have 2, or more than 4,
            channels; if an argument is out of its range or does not apply; if `output` holds a
            training on other data or with another seed, one that still runs, or other files of the
            names above, or is an address such as `"gs://bucket"`.
        PermissionError: if `output` may not be written.

    Example:

    ```python
    gan = keras_egan.train("photos/", minutes=30, output="run")
    images = gan.sample(64, seed=7)
    ```
    """
    checks.above_zero(minutes=minutes)
    checks.whole_number(0, seed=seed)
    _check_given(source, given)
    run = RunFiles(files.local(output=output))
    started = monotonic()
    name = reading.name_of(source)
    begun = None
    if not run.exists():
        run.check_new()
        begun = begin(source, name, minutes, labels, seed, say, given)
        started = monotonic()  # the time until now is in the state's `seconds`
    with Backup(run.backups).reserved():
        if begun is None:
            state, split, timed = run.read_state(), run.read_images(), None
            _check_same(run, state, source, labels, seed)
            say(f"Going on with {run.folder}: {state.seconds / 60:.1f} minutes are used.")
        else:
            if run.exists():  # since it was looked for
                raise ValueError(f"Another training began in {run.folder}. Give another folder.")
            state, split, timed = begun
            run.write_images(split)
            run.write_state(state)
        return _Training(run, state, split, timed, started, 60.0 * minutes, say).finish()


def _check_given(source, given):
    known = inspect.signature(datasets.load).parameters
    for name in given:
        if name in _CHOSEN:
            raise ValueError(
                f"`train` chooses {name} itself. Omit it, or train by hand, with `datasets.load`, "
                "`presets.build` and `fit`."
            )
        if name not in known:
            raise TypeError(f"train() got an unexpected keyword argument {name!r}")
        if reading.is_folder(source):
            raise ValueError(
                f"`train` takes no {name} with a folder. Omit it, or train by hand, with "
                "`datasets.load`, `presets.build` and `fit`."
            )


def _check_same(run, state, source, labels, seed):
    """Raise a `ValueError` if a run is one on other data, or with another seed."""
    names = {reading.name_of(source)}
    if is_path(source):  # the folder may be gone, and runs of version 0.2.0 keep the name as given
        names |= {os.fspath(source), str(Path(source).expanduser().resolve())}
    holds, remedy = f"{run.folder} holds a training", "Give another output folder"
    if state.source not in names:
        raise ValueError(f"{holds} on {state.source!r}; got {reading.name_of(source)!r}. {remedy}.")
    checksum = reading.checksum(reading.opened(source))
    if checksum != state.checksum and None not in (checksum, state.checksum):  # or the file is gone
        raise ValueError(f"{holds} on an array of other values. {remedy}.")
    if labels != bool(state.look.classes):
        raise ValueError(f"{holds} {'without' if labels else 'with'} labels. {remedy}.")
    if seed != state.seed:
        raise ValueError(f"{holds} with the seed {state.seed}; got {seed}. {remedy}.")


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
        plan = planning.prolonged(self.state.plan, self.budget / 60)
        if not self.state.finished:
            plan = plan._replace(every=self.state.plan.every)  # `fit` resumes within epochs of it
            self.state = self.state._replace(plan=plan)
        elif self.state.seconds < self.budget:
            good = self.state.figures[-1]["figure"] is not None
            begin = "last" if good else "best" if self.run.best.exists() else "new"
            self._change(plan=plan, part=self.state.part + 1, begin=begin, finished=False)
        else:
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
        backup = Backup(self.run.backup(state.part), every_minutes=planning.BACKUP_MINUTES)
        gan = self._gan(backup)
        data = batches(state.plan, self.training, self.labels, state.seed)
        reference = self.training[:64] if self.labels is None else data
        # In the beginning all samples are alike: a fifth of the budget is not too long for it.
        epoch = state.plan.every * state.plan.step_seconds
        patience = 5 * max(planning.EPOCHS, round(state.plan.interval / epoch))
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
                callbacks=[diagnosis, watch, backup],
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

    def _gan(self, backup):
        if snapshot := backup.newest():  # it has all values; best and last may be later ones
            gan = build(self.state.plan, self.state.seed)
            # `fit` takes a backup of what began with as many steps.
            gan._training_state.step.assign(snapshot.metadata["begun"])
            return gan
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
