"""A script that trains as a run did, with public functions alone."""

import json
from pathlib import Path

import keras

from keras_egan._version import __version__
from keras_egan.automatic.plan import Plan

_EPOCH = 50  # steps of an epoch at least, because the script draws a grid at its end
_TEXT = '''\
"""The training of this folder, by hand, as keras_egan {version} wrote it. Change what you like.

It has the settings of gan.keras. Unlike `keras_egan train`, it takes all images, duplicates too,
measures nothing, and keeps the last weights. An epoch is {every} steps of {batch_size} images.
For another preset, leave out `network_arguments`, `d_rate` and `g_rate`, which suit this one.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "{backend}")

{imports}
images = {images}
gan = presets.build(
    {preset},
    datasets.image_shape(images),
{arguments}
)
gan.fit(
    images,
    epochs={epochs},
    steps_per_epoch={every},
    callbacks=[
        callbacks.SampleGrid("by_hand/samples"),
        callbacks.Diagnosis(images),
        callbacks.Backup("by_hand/backup"),
    ],
)
gan.save("by_hand/gan.keras")
pictures.save_grid("by_hand/samples.png", gan.sample(64, seed=7))
'''


def text(source: str, plan: Plan) -> str:
    """Return the script of a plan, for the data of this name."""
    names = ["augment"] if plan.augment and plan.augment[1] else []
    names += ["callbacks", "datasets", "pictures", "presets"]
    imports = f"from keras_egan import {', '.join(names)}\n"
    folder = Path(source).expanduser()
    height, width, channels = plan.image_shape
    order = {"batch_size": plan.batch_size, "drop_remainder": True}
    order |= {"horizontal_flip": True} if plan.horizontal_flip else {}
    if folder.is_dir():
        options = {"image_size": (height, width), **order, "skip_unreadable": True}
        options |= {"grayscale": True} if channels == 1 else {}
        options |= {"labels": True} if plan.num_classes else {}
        images = f"datasets.load(\n    {_quoted(str(folder.resolve()))},\n{_lines(options)}\n)"
    else:  # the images that the run kept
        imports = f"import numpy as np\n\n{imports}"
        kept = 'np.load("images.npz")'
        arrays = f'{kept}["images"]'
        if plan.num_classes:
            arrays, order["labels"] = f'({arrays}, {kept}["labels"])', True
        images = f"datasets.load(\n    {arrays},\n{_lines(order)}\n)"
    arguments = {
        "network_arguments": {"filters": plan.filters},
        "num_classes": plan.num_classes,
        "d_rate": plan.d_rate,
        "g_rate": plan.g_rate,
        **plan.arguments,
    }
    lines = _lines({name: value for name, value in arguments.items() if value is not None})
    policy = _quoted(plan.augment[0]) if plan.augment else None
    if plan.augment and plan.augment[1]:
        policy = f"augment.DiffAugment({policy}, fill={plan.augment[1]!r})"
    every = min(max(plan.every, _EPOCH), plan.steps)
    return _TEXT.format(
        version=__version__,
        backend=keras.backend.backend(),
        imports=imports,
        images=images,
        preset=_quoted(plan.preset),
        arguments=f"{lines}\n    augment={policy},",
        epochs=plan.steps // every,
        every=every,
        batch_size=plan.batch_size,
    )


def _lines(options):
    return "\n".join(f"    {name}={_quoted(value)}," for name, value in options.items())


def _quoted(value):
    if not isinstance(value, str):
        return repr(value)
    # Names of files may hold what is no UTF-8.
    return json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace").decode()
