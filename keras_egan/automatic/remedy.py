"""What is changed when a training goes wrong: one thing each time, at most three times."""

from typing import NamedTuple

from keras_egan import presets
from keras_egan.automatic.plan import Plan

MOST = 3
"""The most interventions of a run."""


class Remedy(NamedTuple):
    """A change of a plan.

    Attributes:
        cause: what was seen: `"diverged"`, `"collapsed"`, `"stuck"` or `"risen"`.
        gan: the GAN's class, or None for all.
        rates: the factor of both learning rates.
        penalties: the factor of the weights of R1 and R2.
        augment: the policy to begin with, if there was none.
        reason: why.
    """

    cause: str
    gan: str | None
    rates: float
    penalties: float
    augment: str | None
    reason: str


REMEDIES = (
    Remedy("diverged", None, 0.1, 1.0, None, "values that overflow come from rates far too high"),
    Remedy("stuck", None, 0.2, 1.0, None, "a figure that never falls below 1 is a rate too high"),
    Remedy("collapsed", "RelativisticGAN", 1.0, 4.0, None, "both penalties let the game converge"),
    Remedy("collapsed", None, 0.3, 1.0, None, "a slower generator loses less of the data"),
    Remedy(
        "risen",
        None,
        1.0,
        1.0,
        "translation",
        "the discriminator has memorised its images, and shifts suit digits and faces alike",
    ),
    Remedy("risen", None, 0.5, 1.0, None, "smaller steps stay near what was found"),
)
"""The first for the cause and the GAN that changes anything is taken."""


def remedied(plan: Plan, cause: str) -> tuple[Plan, str]:
    """Return the changed plan, and the change in words."""
    gan = presets.get(plan.preset).gan
    for remedy in REMEDIES:
        if remedy.cause != cause or remedy.gan not in (None, gan):
            continue
        if remedy.augment and not plan.augment:
            return plan._replace(augment=(remedy.augment, 0.0)), (
                f"augmentation {remedy.augment}, because {remedy.reason}"
            )
        if remedy.rates != 1.0:
            rates = {side: getattr(plan, side) * remedy.rates for side in ("d_rate", "g_rate")}
            return plan._replace(**rates), (
                f"learning rates times {remedy.rates:g}, because {remedy.reason}"
            )
        if remedy.penalties != 1.0:
            before = {**presets.get(plan.preset).arguments, **plan.arguments}
            weights = {
                name: before.get(name, 1.0) * remedy.penalties
                for name in ("r1_weight", "r2_weight")
            }
            return plan._replace(arguments={**plan.arguments, **weights}), (
                f"penalties times {remedy.penalties:g}, because {remedy.reason}"
            )
    raise ValueError(f"`cause` must be one of REMEDIES; got {cause!r}.")
