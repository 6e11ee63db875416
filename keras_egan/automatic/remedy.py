"""What is changed when a training goes wrong: one thing each time, at most three times."""

from typing import NamedTuple

from keras_egan import presets
from keras_egan.automatic.plan import Plan
from keras_egan.automatic.recipes import RECIPES

MOST = 3
"""The most interventions of a run."""


class Remedy(NamedTuple):
    """A change of a plan.

    Attributes:
        cause: what was seen; `cause_of` names it.
        gan: the GAN's class, or None for all.
        change: what is changed: `"rates"`, both learning rates, and `"penalties"`, the weights of
            R1 and R2, are multiplied by the value; `"augment"` gets it as its policy, if there was
            none; `"preset"` gets it as its name, and training begins anew.
        value: the factor, the policy or the name.
        reason: why.
    """

    cause: str
    gan: str | None
    change: str
    value: float | str
    reason: str


_RATE = "a figure that never falls below 1 is a rate too high"
_SAFEST = "EBGAN collapsed on none of the sets of images that were tried"
_SHIFTS = "the discriminator has memorised its images, and shifts suit digits and faces alike"
_SMALLER = "smaller steps stay near what was found"

REMEDIES = (
    Remedy("diverged", None, "rates", 0.1, "values that overflow come from rates far too high"),
    Remedy("stuck", "EBGAN", "rates", 0.2, _RATE),
    Remedy("stuck", None, "preset", "ebgan/photographs", _SAFEST),
    Remedy("collapsed", "RelativisticGAN", "penalties", 4.0, "they let the game converge"),
    Remedy("collapsed", None, "rates", 0.3, "a slower generator loses less of the data"),
    Remedy("memorised", None, "augment", "translation", _SHIFTS),
    Remedy("memorised", None, "rates", 0.5, _SMALLER),
    Remedy("risen", None, "rates", 0.5, _SMALLER),
)
"""The first for the cause and the GAN that changes anything is taken."""


def remedied(plan: Plan, cause: str, fill: float = 0.0) -> tuple[Plan, str]:
    """Return the changed plan, and the change in words.

    `fill` is the value in [-1, 1] of the images' background, which shifts bring into them.
    """
    gan = presets.get(plan.preset).gan
    for remedy in REMEDIES:
        suits = remedy.cause == cause and remedy.gan in (None, gan)
        if suits and not (remedy.change == "augment" and plan.augment):
            changed, said = _changed(plan, remedy, fill)
            return changed, f"{said}, because {remedy.reason}"
    raise ValueError(f"`cause` must be one of REMEDIES; got {cause!r}.")


def _changed(plan, remedy, fill):
    value = remedy.value
    if remedy.change == "augment":
        return plan._replace(augment=(value, fill)), f"augmentation {value}"
    if remedy.change == "rates":
        rates = {side: getattr(plan, side) * value for side in ("d_rate", "g_rate")}
        return plan._replace(**rates), f"learning rates times {value:g}"
    preset = presets.get(plan.preset)
    if remedy.change == "penalties":
        before = {**preset.arguments, **plan.arguments}
        weights = {name: before.get(name, 1.0) * value for name in ("r1_weight", "r2_weight")}
        changed = plan._replace(arguments={**plan.arguments, **weights})
        return changed, f"penalties times {value:g}"
    other = presets.get(value)
    changed = plan._replace(
        preset=value,
        arguments={},
        filters=other.network_arguments["filters"],
        images_needed=next(recipe.images for recipe in RECIPES if recipe.preset == value),
        d_rate=other.d_rate,
        g_rate=other.g_rate,
    )
    return changed, f"the preset {value}, from the beginning"
