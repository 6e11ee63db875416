"""Controllers whose gains fit any data, as pure functions of scalars.

**Augmentation.** The probability p follows the overfitting r by integral control of its relative
error, limited to 1, so that p goes from 0 to 1 within 500 steps at the fastest, however large r
is. p itself is the integral, so that nothing winds up at 0 or 1.

**Why BEGAN's settling rule is relative.** Doubling k_t raised the ratio r = L(G(z)) / L(x) by 15 to
50 %, on digits, at learning rates of 2.5e-4 to 4e-3. This held both at a k_t of 0.02 and at 0.1. So
the gain g = d ln r / d ln k_t varies little (0.2 to 0.6), while d r / d k_t varies eightfold. The
controller therefore moves u = ln(k_t + FLOOR) by the relative error e = 1 - r / gamma.

**The gains.** Near its equilibrium the plant is a lag, tau e' = -e - g u + const. Most of the
response took tau = 20 to 60 steps. A proportional gain K and an integral gain K / T close the loop:

    tau s^2 + (1 + g K) s + g K / T = 0.

Both roots are real, so that e does not overshoot, if tau <= T (1 + g K)^2 / (4 g K). This bound is
at least T. For a small tau the slower root is -1 / S with S = T (1 + 1 / (g K)), and e falls to 5 %
within 3 S. With K = 4 and T = settle_steps / 4, that is 1.1 settle_steps at g = 0.5. The energies
are averaged over T / 5 steps, a lag that is short compared with T. The average keeps noise out of
k_t. It also keeps the proportional part stable if the plant responds at once, which needs
1 + g K < 2 T / 5.

**Saturation.** At 0 and 1 nothing winds up, because the controller keeps only u, not a sum of
errors. k_t leaves 1 as soon as K (e_t - e_{t-1}) + K e_t / T is negative, which happens before the
error itself is.
"""

from typing import Any

from keras import ops

OVERFITTING = 0.1
"""The overfitting that augmentation holds, except a critic's: below it, p falls.

It lies between that of 500 digits, with which augmentation helps, and that of 5,000, with which it
does not; the documentation's results have the curves, on the page of automatic settings.
"""

OF_CRITICS = 0.8
"""That of a critic: LSGAN's samples of 500 digits were worse with augmentation, at an r of 0.9."""

TRAVEL = 500
"""The fewest steps in which the probability of augmentation goes from 0 to 1."""

FLOOR = 0.01
"""The k_t below which changes are absolute rather than relative, so that k_t may begin at 0."""

GAIN = 4.0


def running_mean(mean: Any, value: Any, before: Any, steps: float) -> Any:
    """Return the mean of all values so far, or their moving average after `steps` values.

    Args:
        mean: the mean so far, a scalar; any finite number before the first value.
        value: the next value, a scalar.
        before: the number of values before it.
        steps: the time constant of the exponential moving average, in values.
    """
    before = ops.cast(before, "float32")
    kept = ops.minimum(before / (before + 1.0), (1.0 - 1.0 / steps) * ops.ones_like(before))
    return kept * mean + (1.0 - kept) * value


def relative_error(real_energy: Any, fake_energy: Any, gamma: Any) -> Any:
    """Return 1 - r / gamma, a scalar: BEGAN's balance in units of gamma L(x)."""
    target = gamma * ops.convert_to_tensor(real_energy)
    return 1.0 - fake_energy / ops.maximum(target, 1e-12 * ops.ones_like(target))


def settling_k(k_t: Any, error: Any, error_before: Any, *, settle_steps: float) -> Any:
    """Return k_{t+1}, a scalar in [0, 1], by proportional-integral control of ln(k_t + FLOOR).

    Args:
        k_t: the present k_t, a scalar in [0, 1].
        error: the present relative error of the ratio of energies, a scalar.
        error_before: the error of the step before; 0 at the first step.
        settle_steps: about how many steps an error should take to fall to 5 %.

    Source: our own. Shao et al., ControlVAE, https://arxiv.org/abs/2004.05988, apply
    proportional-integral control with anti-windup to the weight of a loss.
    """
    change = GAIN * (error - error_before) + 4.0 * GAIN / settle_steps * error
    k_t = (ops.convert_to_tensor(k_t) + FLOOR) * ops.exp(change) - FLOOR
    return ops.clip(k_t, ops.zeros_like(k_t), ops.ones_like(k_t))


def followed(probability: Any, overfitting: Any, *, target: float, steps: int) -> Any:
    """Return the next probability of augmentation, a scalar in [0, 1].

    Args:
        probability: the present one.
        overfitting: r, a scalar in [-1, 1], as `energies.overfitting` gives it.
        target: the r to hold, above 0.
        steps: the number of training steps since the last move.

    Source: Karras et al., https://arxiv.org/abs/2006.06676, section 3, who move p by a constant
    with the sign of the error, 0 to 1 within 500,000 images.
    """
    error = ops.convert_to_tensor(overfitting) / target - 1.0
    one = ops.ones_like(error)
    moved = probability + steps / TRAVEL * ops.clip(error, -one, one)
    return ops.clip(moved, ops.zeros_like(one), one)
