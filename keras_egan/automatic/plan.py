"""The plan of a training: a pure function of the data, the machine's speed and the minutes.

The rules are the constants below and the table of `recipes`, each with its reason.
"""

import math
from typing import Any, NamedTuple

from keras_egan import presets
from keras_egan.automatic.look import Look
from keras_egan.automatic.reading import Sizes
from keras_egan.automatic.recipes import recipe_for

SIDE = 64  # the presets were tuned at 64x64
SMALLEST = 16  # of a side, for the distance
SMALL = 48  # images with a shorter side keep about their own size
QUICK_MINUTES = 5
QUICK_SIDE = 32  # below so many minutes: a step takes a quarter of the time
ENLARGED = 1.2  # at most, for networks that need a power of 2: 28 becomes 32
LARGE_SIDE = 128  # only if the data has the pixels, and the time for it
FIGURES_TIME = 0.15  # of the budget; training needs the rest
FIGURES_APART = 0.04  # of the budget: a figure that rises is seen before much is lost
EPOCHS = 4  # between figures, so that one is not late if steps take longer than expected
MOST_SAMPLES = 1000  # of a figure; more hardly change it
FEWEST_SAMPLES = 100  # fewer make the figure noise
REBUILD = 0.1  # of the time left, which compiling networks of another size may take
MIRROR_BELOW = 0.6  # the share of images on their own side: letters have 0.9, faces 0.5
BACKUP_MINUTES = 0.6  # a power cut loses at most a minute


class Timing(NamedTuple):
    """The speed of a machine.

    Attributes:
        step: the seconds of a training step at the preset's width.
        figure: the seconds to measure one sample.
        build: the seconds until the first step was done, most of them for compiling.
        spent: the seconds of the budget that are spent already.
    """

    step: float
    figure: float
    build: float = 0.0
    spent: float = 0.0


class Plan(NamedTuple):
    """All that a training needs except the images; plain values.

    Attributes:
        preset: the preset's name.
        image_shape: the shape of one image, channels last.
        filters: the networks' width.
        num_classes: the number of classes, or None.
        arguments: arguments of the GAN that replace the preset's.
        augment: the policy of `DiffAugment` and its fill, or None.
        d_rate: the discriminator's learning rate.
        g_rate: the generator's learning rate.
        batch_size: the number of images per step.
        horizontal_flip: whether images are mirrored at random.
        step_seconds: the expected duration of a step.
        steps: the number of steps that the minutes should allow.
        every: the number of steps of an epoch, at whose end a figure may be due.
        interval: the seconds between figures.
        samples: the number of samples of a figure.
        images_needed: the number of images that training has to see to become good.
        decisions: pairs of a decision and its reason.
    """

    preset: str
    image_shape: tuple[int, int, int]
    filters: int
    num_classes: int | None
    arguments: dict[str, Any]
    augment: tuple[str, float] | None
    d_rate: float
    g_rate: float
    batch_size: int
    horizontal_flip: bool
    step_seconds: float
    steps: int
    every: int
    interval: float
    samples: int
    images_needed: int
    decisions: tuple[tuple[str, str], ...]

    @property
    def images_seen(self) -> int:
        """The number of images that training should see, repeats included."""
        return self.steps * self.batch_size


def sides_for(sizes: Sizes, minutes: float) -> tuple[int, int]:
    """Return the (height, width) to begin with, given the images' own sizes."""
    if sizes.short < SMALL:
        own = sizes.short >= SMALLEST and sizes.short % 4 == 0
        side = int(sizes.short) if own else QUICK_SIDE
    else:
        side = SIDE if minutes >= QUICK_MINUTES else QUICK_SIDE
    long = max(sizes.aspect, 1 / sizes.aspect)
    if sizes.alike < 0.9 or not 1.15 < long <= 2.1:  # also of differing aspects: a square
        return side, side
    short = max(SMALLEST, 8 * round(side / long**0.5 / 8))
    other = 8 * round(short * long / 8)
    return (short, other) if sizes.aspect > 1 else (other, short)


def plan(look: Look, minutes: float, timing: Timing | None = None) -> Plan:
    """Return the plan; without a timing, the one whose step is to be timed.

    The time of a step grows with the square of the width. A narrower network saves at least the
    ratio of the widths.
    """
    recipe = recipe_for(look)
    preset = presets.get(recipe.preset)
    training = look.total - look.held_out
    batch_size = preset.batch_size
    while batch_size > 8 and batch_size > training // 2:
        batch_size //= 2
    base = preset.network_arguments["filters"]
    left = 60 * minutes - (timing.spent if timing else 0)
    seconds = max(left * (1 - FIGURES_TIME), 1.0)
    filters, step, width = base, 1.0, "the preset's width"
    if timing:
        filters, step, width = _width(recipe, base, batch_size, timing, seconds)
    steps = max(1, int(seconds / step))
    seen, needed = steps * batch_size, int(recipe.images * filters / base)
    fitting = (
        f"{width}; a step takes {step:.2g} s, so that training sees about {_round(seen):,} images, "
        f"of {_round(needed):,} that it needs"
    )
    interval = 60 * minutes * FIGURES_APART
    samples = MOST_SAMPLES
    if timing:
        share = FIGURES_TIME * interval / timing.figure
        samples = min(samples, max(FEWEST_SAMPLES, int(share)))
    samples = min(samples, look.held_out)
    if timing:
        interval = max(interval, samples * timing.figure / FIGURES_TIME)
    augment = None
    if look.total < recipe.few:
        fill = look.background if recipe.policy == "translation" and look.background else 0.0
        augment = recipe.policy, fill
    mirror = look.own_side < MIRROR_BELOW
    kind = "an auto-encoder" if "autoencoder" in preset.network else "a critic"
    decisions = (
        (f"{preset.gan} with networks.{preset.network}, as in {recipe.preset}", recipe.reason),
        (f"images of {look.sides[1]}x{look.sides[0]}", _why_this_size(look)),
        (f"{filters} filters, batches of {batch_size}", fitting),
        (
            f"rates of {preset.d_rate:g} and {preset.g_rate:g}, Adam's beta_1 {preset.beta_1:g}",
            "those of the preset",
        ),
        (
            "augmentation: " + (augment[0] if augment else "none"),
            f"{look.total:,} images for {kind}; below {recipe.few:,} it is augmented",
        ),
        (
            "mirrored at random" if mirror else "not mirrored",
            f"the share that is nearer to another image than to any mirrored one is "
            f"{'below' if mirror else 'not below'} the limit of {MIRROR_BELOW:.0%}",
        ),
        _figures(samples, interval),
    )
    return Plan(
        preset=recipe.preset,
        image_shape=look.image_shape,
        filters=filters,
        num_classes=len(look.classes) if look.classes else None,
        arguments=recipe.arguments,
        augment=augment,
        d_rate=preset.d_rate,
        g_rate=preset.g_rate,
        batch_size=batch_size,
        horizontal_flip=mirror,
        step_seconds=step,
        steps=steps,
        every=_every(interval, step),
        interval=interval,
        samples=samples,
        images_needed=needed,
        decisions=decisions,
    )


def prolonged(plan: Plan, minutes: float) -> Plan:
    """Return a plan for more minutes, with the same networks and number of samples."""
    interval = max(plan.interval, 60 * minutes * FIGURES_APART)
    return plan._replace(
        interval=interval,
        every=_every(interval, plan.step_seconds),
        decisions=(*plan.decisions[:-1], _figures(plan.samples, interval)),
    )


def _every(interval, step):
    return max(1, int(interval / step / EPOCHS))


def _figures(samples, interval):
    return (
        f"{samples} samples are measured every {interval:.0f} s",
        f"in at most {FIGURES_TIME:.0%} of the minutes; the figure is their distance to held-out "
        "images, divided by that of blurs in the same colours, a Gaussian's: lower is better",
    )


def _why_this_size(look):
    side = (look.sides[0] * look.sides[1]) ** 0.5
    if look.short < SMALL:
        return "near their own size"
    if side < 0.75 * SIDE:
        return f"there are fewer than {QUICK_MINUTES} minutes, and larger images take longer"
    if side > 1.5 * SIDE:
        return "there is time for twice the usual size"
    return f"the presets were tuned at {SIDE}x{SIDE}"


def warning(plan: Plan, spent: float) -> str | None:
    """Return a sentence if less than half of what training needs fits after `spent` seconds."""
    if 2 * plan.images_seen >= plan.images_needed:
        return None
    seconds = plan.images_needed / plan.batch_size * plan.step_seconds / (1 - FIGURES_TIME)
    return (
        f"There is time for {plan.images_seen / plan.images_needed:.0%} of the training that good "
        f"samples need: it takes about {math.ceil((spent + seconds) / 60):,} minutes."
    )


def behind(plan: Plan, steps: int, seconds: float, step_seconds: float) -> str | None:
    """Return a sentence if `steps` are less than half of what is needed.

    `seconds` are those that were used, `step_seconds` those of one more step.
    """
    seen = steps * plan.batch_size
    if 2 * seen >= plan.images_needed:
        return None
    more = (plan.images_needed - seen) / plan.batch_size * step_seconds
    minutes = math.ceil((seconds + more) / 60)
    return (
        f"{presets.get(plan.preset).gan} has seen {seen:,} of the {plan.images_needed:,} images "
        f"that good samples need, which takes {minutes:,} minutes at this speed: go on by the same "
        f"command with `--minutes {minutes}`. The size of the images stays."
    )


def fitting_sides(look: Look) -> tuple[int, int] | None:
    """Return slightly larger sides, if another recipe than for the present ones suits there."""
    height, width = look.sides
    side = 2 ** math.ceil(math.log2(width))
    if not height == width < side <= ENLARGED * width:
        return None
    enlarged = look._replace(sides=(side, side))
    return None if recipe_for(enlarged) is recipe_for(look) else enlarged.sides


def larger_sides(look: Look, minutes: float, timing: Timing) -> tuple[int, int] | None:
    """Return twice the sides, if the data has the pixels and the minutes are enough for them.

    Beyond the sides of the presets, training has to see twice as many images.
    """
    height, width = look.sides
    if 2 * max(look.sides) > LARGE_SIDE or look.short < 2 * min(look.sides):
        return None
    recipe = recipe_for(look)
    seconds = 60 * minutes - timing.spent
    if timing.build > REBUILD * seconds:
        return None
    seen = seconds / (4 * timing.step) * presets.get(recipe.preset).batch_size
    needed = recipe.images * (1 if 2 * height * width * 2 <= SIDE**2 else 2)
    return (2 * height, 2 * width) if seen >= needed else None


def _width(recipe, base, batch_size, timing, seconds):
    """Return the widest network whose images the time allows, its step's seconds, and why."""
    step = timing.step
    if timing.build > REBUILD * seconds:
        return base, step, "the preset's width, because to compile another takes long"
    for filters in reversed(recipe.widths):
        ratio = filters / base
        estimated = step * (ratio**2 if ratio > 1 else ratio)
        if seconds / estimated * batch_size >= recipe.images * ratio:
            return filters, estimated, "the widest network for which there is time"
    narrowest = recipe.widths[0]
    return narrowest, step * narrowest / base, "the narrowest network, because time is short"


def _round(number):
    return int(float(f"{number:.1e}"))  # two digits
