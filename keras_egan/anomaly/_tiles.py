"""Images larger than a network, in overlapping tiles of its size."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_egan.datasets.loaders import as_numpy
from keras_egan.image_format import channel_axis


class Tiles:
    """The places of tiles in an image; neighbours share at least `overlap` of a tile."""

    def __init__(self, sides: Sequence[int], tile: Sequence[int], overlap: float):
        self.sides, self.tile = tuple(sides), tuple(tile)
        rows, columns = map(_starts, sides, tile, (overlap, overlap))
        self.places = [(row, column) for row in rows for column in columns]

    def __len__(self):
        return len(self.places)

    def cut(self, images: np.ndarray) -> np.ndarray:
        """Return the tiles of images, channels last, grouped by image."""
        height, width = self.tile
        tiles = [
            images[:, row : row + height, column : column + width] for row, column in self.places
        ]
        return np.stack(tiles, axis=1).reshape(-1, height, width, images.shape[3])

    def join(self, maps: np.ndarray) -> np.ndarray:
        """Return the maps of images, joined from the maps of their tiles.

        Where tiles overlap, a tile's weight grows with the distance from its edges.
        """
        height, width = self.tile
        weights = np.minimum.outer(_from_edges(height), _from_edges(width))
        maps = maps.reshape(-1, len(self), height, width)
        total = np.zeros((len(maps), *self.sides))
        weight = np.zeros(self.sides)
        for index, (row, column) in enumerate(self.places):
            place = slice(row, row + height), slice(column, column + width)
            total[:, *place] += weights * maps[:, index]
            weight[place] += weights
        return (total / weight).astype("float32")


def tiled(images: Any, tile: Sequence[int], overlap: float) -> tuple[Tiles, np.ndarray]:
    """Return the places of tiles of a shape, and the images cut into them.

    Flattened images become one tile each. Images no larger than a tile, or channels first, stay
    whole.
    """
    images = np.atleast_1d(as_numpy(images))
    if images.shape[1:] == (math.prod(tile),):
        images = images.reshape(-1, *tile)
    larger = (
        images.ndim == 4
        and channel_axis() == -1
        and images.shape[3] == tile[2]
        and min(np.subtract(images.shape[1:3], tile[:2])) >= 0
    )
    tiles = Tiles(images.shape[1:3] if larger else tile[:2], tile[:2], overlap)
    if not len(images):
        raise ValueError("`X` is empty: give it some images.")
    return tiles, images if len(tiles) == 1 else tiles.cut(images)


def _starts(side, part, overlap):
    """Return the first pixels of tiles that are spread evenly over a side."""
    count = 1 + int(np.ceil((side - part) / max(1, part * (1 - overlap))))
    return np.linspace(0, side - part, count).round().astype(int).tolist()


def _from_edges(side):
    return np.minimum(np.arange(1, side + 1), np.arange(side, 0, -1))
