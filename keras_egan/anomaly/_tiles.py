"""Images larger than a network, in overlapping tiles of its size."""

from collections.abc import Sequence

import numpy as np

__all__ = ["Tiles"]


class Tiles:
    """Where the tiles of an image lie.

    Args:
        sides: the image's height and width.
        tile: a tile's height and width, at most as large.
        overlap: how much of a tile its neighbours share at least, from 0 to below 1.
    """

    def __init__(self, sides: Sequence[int], tile: Sequence[int], overlap: float):
        self.sides, self.tile = tuple(sides), tuple(tile)
        rows, columns = (
            _starts(side, part, overlap) for side, part in zip(sides, tile, strict=True)
        )
        self.places = [(row, column) for row in rows for column in columns]

    def __len__(self):
        return len(self.places)

    def cut(self, images: np.ndarray) -> np.ndarray:
        """Returns the tiles of images, those of each one together, in the order of `places`.

        Args:
            images: array of shape `(n, height, width, channels)`.
        """
        height, width = self.tile
        tiles = [
            images[:, row : row + height, column : column + width] for row, column in self.places
        ]
        return np.stack(tiles, axis=1).reshape(-1, height, width, images.shape[3])

    def join(self, maps: np.ndarray) -> np.ndarray:
        """Returns the maps of images, put together from those of their tiles.

        Where tiles overlap each counts the more the farther its own edges are.

        Args:
            maps: array of shape `(n * tiles, tile_height, tile_width)`.
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


def _starts(side, part, overlap):
    """Returns where tiles begin, spread evenly from the first pixel to the last."""
    count = 1 + int(np.ceil((side - part) / max(1, part * (1 - overlap))))
    return np.linspace(0, side - part, count).round().astype(int).tolist()


def _from_edges(side):
    return np.minimum(np.arange(1, side + 1), np.arange(side, 0, -1))
