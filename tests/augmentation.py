"""DiffAugment in NumPy, by loops over the images, and the random numbers for it."""

import contextlib

import keras
import numpy as np


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor)


@contextlib.contextmanager
def channels_first():
    keras.config.set_image_data_format("channels_first")
    try:
        yield
    finally:
        keras.config.set_image_data_format("channels_last")


def noise(*shape):
    return np.random.default_rng(0).uniform(-1.0, 1.0, shape).astype("float32")


def drawn(n, seed=0):
    """Return numbers as `draw` does, from NumPy; the first two are the ends of the range."""
    rng = np.random.default_rng(seed)
    ends = np.array([[0.0, 0.0], [1.0 - 2.0**-24, 1.0 - 2.0**-24]])
    numbers = {
        "brightness": rng.uniform(-0.5, 0.5, n),
        "saturation": rng.uniform(0.0, 2.0, n),
        "contrast": rng.uniform(0.5, 1.5, n),
        "translation": np.concatenate([ends, rng.uniform(0.0, 1.0, (n - 2, 2))]),
        "cutout": np.concatenate([ends, rng.uniform(0.0, 1.0, (n - 2, 2))]),
    }
    return {name: value.astype("float32") for name, value in numbers.items()}


def expected_color(image, numbers, fill):
    image = image + numbers["brightness"]
    gray = image.mean(axis=2, keepdims=True)
    image = gray + numbers["saturation"] * (image - gray)
    return image.mean() + numbers["contrast"] * (image - image.mean())


def expected_translation(image, numbers, fill):
    """Shift down and right by whole pixels; negative numbers shift up and left."""
    height, width, _ = image.shape
    down, right = (
        list(range(-(side // 8), side // 8 + 1))[int(place * (2 * (side // 8) + 1))]
        for side, place in zip((height, width), numbers["translation"], strict=True)
    )
    moved = np.full_like(image, fill)
    for row in range(height):
        for column in range(width):
            if 0 <= row + down < height and 0 <= column + right < width:
                moved[row + down, column + right] = image[row, column]
    return moved


def expected_cutout(image, numbers, fill):
    """Cut a rectangle around a centre, which lies between pixels if the size is even."""
    spans = []
    for side, place in zip(image.shape, numbers["cutout"], strict=False):
        size = side // 2
        centers = np.arange(side) + 0.5 if size % 2 else np.arange(side + 1.0)
        center = centers[int(place * len(centers))]
        spans.append(range(max(int(center - size / 2), 0), min(int(center + size / 2), side)))
    cut = image.copy()
    for row in spans[0]:
        for column in spans[1]:
            cut[row, column] = fill
    return cut


EXPECTED = {
    "color": expected_color,
    "translation": expected_translation,
    "cutout": expected_cutout,
}


def expected(policy, images, numbers, fill=0.0):
    augmented = []
    for i, image in enumerate(images.astype("float64")):
        for word in policy.split(","):
            image = EXPECTED[word](image, {k: v[i] for k, v in numbers.items()}, fill)
        augmented.append(image)
    return np.stack(augmented)
