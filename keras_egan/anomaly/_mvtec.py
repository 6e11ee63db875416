"""Folders of good and defective images with masks, laid out as MVTec AD is."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from keras_egan.datasets.folder import Folder
from keras_egan.datasets.preparation import Preparation, pillow

GOOD = "good"


class Inspection(NamedTuple):
    """The result of `load_mvtec`.

    Attributes:
        train: good images, uint8 of shape `(n, *image_shape)`.
        test: good and abnormal images, uint8 of shape `(m, *image_shape)`.
        masks: bools of shape `(m, height, width)`, true where a test image is abnormal.
        kinds: the folder of each test image, such as "good" or "scratch".
    """

    train: np.ndarray
    test: np.ndarray
    masks: np.ndarray
    kinds: tuple[str, ...]


def load_mvtec(
    directory: str | os.PathLike,
    image_size: int | Sequence[int] | None = None,
    grayscale: bool = False,
) -> Inspection:
    """Load a folder that is laid out like a category of MVTec AD.

    Good images to learn are in `train/good/`. Test images are in `test/good/` and in one folder per
    kind of defect, such as `test/scratch/`. The mask of `test/scratch/000.png` is
    `ground_truth/scratch/000_mask.png`; what is not black is abnormal. All images are read at once.

    Args:
        directory: the folder of the category.
        image_size: a side or (height, width) to resize images and masks to, without keeping the
            aspect. A mask's pixel is abnormal if it covers any abnormal pixel of the file. By
            default the size stays.
        grayscale: whether to convert images to grey, instead of RGB.

    Raises:
        ValueError: if a folder has no images, a mask is missing, or its size is not its image's.

    Example:

    ```python
    train, test, masks, kinds = load_mvtec("bottle", image_size=64)
    ```
    """
    prepare = Preparation(image_size, aspect="stretch", grayscale=grayscale)
    root = Path(directory)
    train, test = (Folder(root / name, prepare) for name in (f"train/{GOOD}", "test"))
    labels, names = test.labels()
    kinds = tuple(names[label] for label in labels)
    images, masks = [], []
    for index, path in enumerate(test.paths):
        image = test[index]
        masks.append(_mask(root, path, kinds[index], image.shape[:2], prepare.image_size))
        images.append(prepare(image))
    return Inspection(_stack(train, prepare), np.stack(images), np.stack(masks), kinds)


def _stack(folder, prepare):
    return np.stack([prepare(folder[index]) for index in range(len(folder))])


def _mask(root, path, kind, sides, image_size):
    height, width = image_size or sides
    if kind == GOOD:
        return np.zeros((height, width), bool)
    file = root / "ground_truth" / kind / f"{path.stem}_mask.png"
    if not file.is_file():
        raise ValueError(f"{path} has no mask: there is no file {file}.")
    with pillow().open(file) as image:
        mask = np.asarray(image.convert("L")) > 0
    if mask.shape != sides:
        raise ValueError(f"{file} is {mask.shape[0]}x{mask.shape[1]}, but its image is {sides}.")
    whole = pillow().fromarray(mask.astype("float32"))
    return np.asarray(whole.resize((width, height), pillow().Resampling.BOX)) > 0
