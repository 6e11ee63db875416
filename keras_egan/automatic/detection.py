"""A detector that learns from good images, and judges others."""

import csv
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import keras
import numpy as np

from keras_egan import checks, pictures
from keras_egan.automatic import reading
from keras_egan.automatic.build import laid_out
from keras_egan.automatic.plan import sides_for
from keras_egan.saving.files import local, replacing

_SHOWN = 24


class _Progress(keras.callbacks.Callback):
    """Say early, and at each quarter of a training, how long it will take."""

    def __init__(self, say):
        super().__init__()
        self.say, self.shares, self.started = say, [0.05, 0.25, 0.5, 0.75], monotonic()

    def on_epoch_end(self, epoch, logs=None):
        done = (epoch + 1) / self.params["epochs"]
        if self.shares and self.shares[0] <= done < 1:
            self.shares = [share for share in self.shares if share > done]
            left = (monotonic() - self.started) * (1 - done) / done / 60
            self.say(f"{done:.0%} of the steps are done; about {left:.1f} minutes are left.")


def detect(
    good: str | Path,
    inspected: str | Path,
    output: str | Path,
    false_alarm_rate: float = 0.05,
    seed: int = 0,
    say: Callable[[str], None] = print,
) -> None:
    """Learn from good images, and write a table and maps of others.

    `output` gets `scores.csv`, with a row per image, the most abnormal first; `maps.png`, the most
    abnormal images, each beside a map of where it is odd; and `detector.keras`.

    Args:
        good: a folder of good images. `EnergyDetector` sets the threshold by a fifth of them or
            more.
        inspected: a folder of images to judge.
        output: the folder of all that is written.
        false_alarm_rate: the share of good images that may be called abnormal, in (0, 0.5].
        seed: the integer, 0 or more, that fixes the network's first weights.
        say: takes each sentence about what is done.

    Raises:
        ValueError: if there are too few good images for the rate, or an argument is out of its
            range.
        ImportError: if PyOD is not installed (the extra `anomaly`).
    """
    from keras_egan.anomaly import EnergyDetector, _thresholds, overlay  # need an optional package

    if not (checks.is_finite(false_alarm_rate) and 0 < false_alarm_rate <= 0.5):
        raise ValueError(f"`false_alarm_rate` must be in (0, 0.5]; got {false_alarm_rate!r}.")
    output = local(output=output).expanduser()
    sides = sides_for(reading.sizes_of(good), minutes=30)
    learnt, judged = reading.read(good, sides), reading.read(inspected, sides)
    least = 2 * _thresholds.least(false_alarm_rate)
    if len(learnt.images) < least:
        raise ValueError(
            f"A false-alarm rate of {false_alarm_rate:g} needs {least} good images or more; got "
            f"{len(learnt.images)}."
        )
    for folder, found in ((good, learnt), (inspected, judged)):
        if found.left_out:
            say(f"{folder}: left out: {found.left_out}.")
    images = laid_out(learnt.images)
    say(
        f"Learning from {len(images):,} good images of {sides[1]}x{sides[0]} in about 1,200 steps. "
        "A fifth of them or more are kept back, to set the threshold."
    )
    keras.utils.set_random_seed(seed)
    detector = EnergyDetector(contamination=false_alarm_rate)
    detector.fit(images, callbacks=[_Progress(say)])
    images = laid_out(judged.images)
    scores, abnormal = detector.decision_function(images), detector.predict(images)
    ranked = np.argsort(scores, kind="stable")[::-1]
    with replacing(output / "scores.csv") as path, path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "score", "abnormal"])
        for index in ranked:
            writer.writerow([judged.paths[index], f"{scores[index]:.6g}", int(abnormal[index])])
    most = images[ranked[:_SHOWN]]
    maps = overlay(most, detector.anomaly_map(most))
    plain = overlay(most, np.zeros(maps.shape[:3]))
    pairs = np.stack([plain, maps], axis=1).reshape(-1, *maps.shape[1:])
    pictures.save_grid(output / "maps.png", pairs, columns=6)
    detector.save(output / "detector.keras")
    say(
        f"{abnormal.sum():,} of {len(images):,} are abnormal, with a score above "
        f"{detector.threshold_:.3g}. See {output / 'scores.csv'}."
    )
