"""Writes textures with drawn scratches, in the layout of MVTec AD, and with masks.

    python benchmarks/textures.py --output textures

Each of four textures gets a folder of 32x32 grey images: `clouds` are smoothed noise, `stripes` are
waves at a random angle, `weave` is two threads that cross, and `spots` are dots on a grid. All are
at a random place, and have grain. A scratch is a bent line of 6 to 16 pixels, 1 to 3 wide, and 25
to 60 of 255 grey levels lighter or darker than the texture, whose own standard deviation is 30.
`anomaly.load_mvtec` reads a folder, and `anomaly.py` measures detectors on them.
"""

import argparse
import itertools
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

SIDE, DEVIATION = 32, 30.0
GRAIN = 0.2  # of the deviation


def clouds(rng):
    smooth = ndimage.gaussian_filter(rng.normal(size=(SIDE, SIDE)), 5, mode="wrap")
    return smooth / smooth.std()


def stripes(rng):
    y, x = np.mgrid[:SIDE, :SIDE]
    angle, period = rng.uniform(-0.3, 0.3), rng.uniform(6, 9)
    along = x * np.cos(angle) + y * np.sin(angle)
    return np.sin(2 * np.pi * along / period + rng.uniform(0, 2 * np.pi))


def weave(rng):
    y, x = np.mgrid[:SIDE, :SIDE] + rng.uniform(0, 16, (2, 1, 1))
    over = (x // 8 + y // 8) % 2 < 1
    return np.where(over, np.sin(np.pi * x / 4), np.sin(np.pi * y / 4))


def spots(rng):
    y, x = np.mgrid[:SIDE, :SIDE] + rng.uniform(0, 10, (2, 1, 1))
    return np.exp(2 * np.cos(2 * np.pi * x / 10) + 2 * np.cos(2 * np.pi * y / 10))


TEXTURES = {"clouds": clouds, "stripes": stripes, "weave": weave, "spots": spots}


def textured(texture, rng):
    """Returns an image of a texture, as floats in grey levels."""
    image = TEXTURES[texture](rng)
    image = (image - image.mean()) / image.std() + rng.normal(0, GRAIN, image.shape)
    return 127.5 + DEVIATION * image


def scratch(rng):
    """Returns the mask of a scratch: the pixels near a line of two parts."""
    width, length = rng.integers(1, 4), rng.uniform(6, 16)
    angle = rng.uniform(0, 2 * np.pi) + np.array([0.0, rng.uniform(-0.5, 0.5)])
    steps = length / 2 * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    points = np.cumsum([[0.0, 0.0], *steps], axis=0)
    points += rng.uniform(4, SIDE - 5, 2) - points[1]
    pixels = np.stack(np.mgrid[:SIDE, :SIDE], axis=-1)
    near = [_distance(pixels, *pair) for pair in itertools.pairwise(points)]
    return np.min(near, axis=0) <= width / 2


def _distance(pixels, start, end):
    """Returns the distance of each pixel from a line between two points."""
    line = end - start
    along = ((pixels - start) @ line / (line @ line)).clip(0, 1)
    return np.linalg.norm(pixels - start - along[..., None] * line, axis=-1)


def save(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image.round().clip(0, 255).astype("uint8")).save(path)


def write(folder, texture, train, test, seed):
    """Writes good images to learn, and as many good as scratched images to judge."""
    rng = np.random.default_rng([seed, list(TEXTURES).index(texture)])
    for place, count in (("train/good", train), ("test/good", test)):
        for index in range(count):
            save(folder / place / f"{index:03d}.png", textured(texture, rng))
    for index in range(test):
        image, mask = textured(texture, rng), scratch(rng)
        image[mask] += rng.choice([-1, 1]) * rng.uniform(25, 60)
        save(folder / f"test/scratch/{index:03d}.png", image)
        save(folder / f"ground_truth/scratch/{index:03d}_mask.png", 255.0 * mask)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--output", type=Path, default=Path("textures"), help="the folder of the textures' folders")
    add("--train", type=int, default=300, help="good images to learn, per texture")
    add("--test", type=int, default=100, help="good and scratched images to judge, each")
    add("--seed", type=int, default=0)
    arguments = parser.parse_args()
    for texture in TEXTURES:
        folder = arguments.output / texture
        write(folder, texture, arguments.train, arguments.test, arguments.seed)
        print(folder)
