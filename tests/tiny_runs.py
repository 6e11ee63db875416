"""Trainings by `train` of a few seconds."""

import itertools

import numpy as np
from PIL import Image

from keras_egan.automatic import _train, begin, watch

MINUTES = 0.05


def blobs(n, seed=0, channels=1):
    """Return uint8 images of discs at random places, which a generator can learn."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:16, :16]
    center = rng.uniform(4, 12, (n, 2, 1, 1))
    inside = (y - center[:, 0]) ** 2 + (x - center[:, 1]) ** 2 < rng.uniform(4, 16, (n, 1, 1))
    return np.repeat((255 * inside[..., None]).astype("uint8"), channels, axis=-1)


def save(folder, images):
    """Save images as PNG files in a new folder, and return its name."""
    folder.mkdir()
    for index, image in enumerate(images):
        Image.fromarray(image.squeeze()).save(folder / f"{index:03d}.png")
    return str(folder)


def steady(monkeypatch, **changes):
    """Let every look at the clock take 40 ms, so that nothing depends on the machine's speed.

    Three seconds are about 35 steps and five figures.
    """
    looks = itertools.count()
    for module in (_train, begin, watch):
        monkeypatch.setattr(module, "monotonic", lambda: next(looks) / 25)
    plan = _train.planning.plan
    fixed = {"interval": 0.5, "every": 2, "samples": 8, **changes}

    def planned(look, minutes, timing=None):
        made = plan(look, minutes, timing)
        return made if timing is None else made._replace(**fixed)

    monkeypatch.setattr(_train.planning, "plan", planned)
    monkeypatch.setattr(_train.planning, "BACKUP_MINUTES", 1e-9)
