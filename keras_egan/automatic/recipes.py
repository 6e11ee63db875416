"""Which GAN, networks and settings suit which kind of images, each with its reason."""

from collections.abc import Callable
from typing import Any, NamedTuple

from keras_egan.automatic.look import ALIGNED, DRAWN, LINES, Look

ENOUGH = 3000  # images: a critic was not measured with fewer
SMALL_LINES = 32  # pixels: up to here EBGAN learns lines within minutes; at 64 it loses variety


class Recipe(NamedTuple):
    """The settings for one kind of data.

    Attributes:
        name: the kind of data.
        suits: whether it suits a set of images.
        preset: the preset that it begins with.
        arguments: arguments of the GAN that replace the preset's.
        images: how many images training has to see, at the preset's width, to become good.
        widths: the values of `filters` to choose from.
        few: below this number of images, the discriminator sees them augmented.
        policy: how, as in `DiffAugment`.
        reason: why.
    """

    name: str
    suits: Callable[[Look], bool]
    preset: str
    arguments: dict[str, Any]
    images: int
    widths: tuple[int, ...]
    few: int
    policy: str
    reason: str


RECIPES = (
    Recipe(
        "thousands of letters and the like",
        lambda look: _has_lines(look) and look.sides[0] > SMALL_LINES and _suits_critic(look),
        "least_squares/photographs",
        {},
        250_000,
        (16, 24, 32, 48, 64),
        ENOUGH,
        "translation",
        "LSGAN with R1 made the most varied letters of 64x64, where EBGAN lost variety and "
        "RelativisticGAN failed (docs: results/own_images)",
    ),
    Recipe(
        "digits, letters and the like",
        lambda look: _has_lines(look),
        "ebgan/digits",
        {"margin": "auto"},
        200_000,
        (8, 12, 16, 20, 32),
        3000,
        "translation",
        "EBGAN had the lowest Fréchet distance on 500, 1,000 and 5,000 digits, and learns them in "
        "three minutes; its margin follows the data (docs: results/digits and own_images)",
    ),
    Recipe(
        "drawings",
        lambda look: look.channels > 1 and look.flat > DRAWN,
        "relativistic/drawings",
        {},
        80_000,
        (8, 12, 16, 24, 32, 48),
        5000,
        "color,translation,cutout",
        "of 3,786 drawings, it made the best samples that were tried: a distance of 0.42 of a "
        "Gaussian's, and a recall of 0.37, after 81,000 images (docs: results/equal_time)",
    ),
    Recipe(
        "thousands of photographs",
        lambda look: _suits_critic(look),
        "least_squares/photographs",
        {},
        100_000,
        (16, 24, 32, 48, 64),
        ENOUGH,
        "color,translation,cutout",
        "LSGAN with R1 made the best horses and clothes in equal time, and the best faces from 20 "
        "minutes on (docs: results/own_images and equal_time)",
    ),
    Recipe(
        "photographs with parts at fixed places",
        lambda look: look.channels > 1 and look.aligned > ALIGNED,
        "began/celeba64",
        {},
        250_000,
        (12, 16, 24, 32, 48, 64),
        5000,
        "color,translation,cutout",
        "their parts have fixed places, and BEGAN made the best faces of those GANs that do not "
        f"need {ENOUGH:,} square images without classes, as LSGAN with R1 does (docs: "
        "results/own_images)",
    ),
    Recipe(
        "photographs, and all else in grey",
        lambda look: True,
        "ebgan/photographs",
        {},
        200_000,
        (12, 16, 24, 32, 48, 64),
        3000,
        "color,translation,cutout",
        "on horses at differing places BEGAN collapsed, and EBGAN made the best samples; its "
        "margin follows the data (docs: results/own_images)",
    ),
)
"""The first that suits is taken."""


def _has_lines(look):
    return look.channels == 1 and look.flat > LINES


def _suits_critic(look):
    """Return whether LSGAN with R1 suits, whose networks need squares, with a power of 2."""
    height, width = look.sides
    square = height == width >= 8 and not height & (height - 1)
    return look.total >= ENOUGH and not look.classes and square


def recipe_for(look: Look) -> Recipe:
    """Return the first recipe that suits the data."""
    return next(recipe for recipe in RECIPES if recipe.suits(look))
