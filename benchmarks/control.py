"""How soon does BEGAN reach its equilibrium, by the paper's rule and by `settle_steps`?

    python benchmarks/control.py --batch-sizes 16 64 --d-steps 1 2

Trains small networks on the 5,000 digits. Gamma changes halfway. For each half, the table has

- the settling time: the steps until the ratio of energies, averaged over 25 steps, stays within 5 %
  of gamma; a dash if it does not;
- the overshoot: the most by which the ratio exceeds gamma;
- the ratio of the mean energies over the second half of the half, as a multiple of gamma.
"""

import argparse

import keras
import numpy as np

from keras_egan import BEGAN, datasets, networks

AVERAGED = 25  # steps


def energies(rule, batch_size, d_steps, arguments):
    """Train by a rule; return the energies of data and of fakes, of shape `(steps, 2)`."""
    digits = datasets.load(
        "digits", image_size=28, batch_size=batch_size, seed=0, drop_remainder=True
    )
    keras.utils.set_random_seed(arguments.seed)
    pair = networks.dcgan_autoencoder((28, 28, 1), filters=arguments.filters)
    gan = BEGAN(*pair, d_steps=d_steps, seed=arguments.seed, **rule)
    gan.compile(*(keras.optimizers.Adam(arguments.rate, 0.5) for _ in range(2)))
    rows = []
    note = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: rows.append(
            [float(logs[name]) for name in ("real_energy", "fake_energy")]
        )
    )
    for gamma in arguments.gammas:
        gan.gamma = gamma
        gan.fit(digits, steps_per_epoch=arguments.steps, verbose=0, callbacks=[note])
    return np.array(rows)


def averaged(values):
    """Return the exponential averages of the rows so far."""
    share = 1 / AVERAGED
    kept = (1 - share) ** np.arange(len(values))[:, None]
    sums = np.cumsum(values / kept, axis=0) * kept
    return sums / np.cumsum(kept, axis=0)


def figures(rows, arguments):
    """Yield each half's settling time, overshoot and late ratio."""
    smooth = averaged(rows)
    for half, gamma in enumerate(arguments.gammas):
        part = slice(half * arguments.steps, (half + 1) * arguments.steps)
        ratio = smooth[part, 1] / smooth[part, 0] / gamma
        outside = np.flatnonzero(np.abs(ratio - 1) > 0.05)
        settled = 1 + outside[-1] if len(outside) else 0
        real, fake = rows[part][arguments.steps // 2 :].mean(axis=0)
        yield str(settled) if settled < arguments.steps else "-"
        yield f"{max(0.0, ratio.max() - 1):.0%}"
        yield f"{fake / real / gamma:.3f}"


parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
add = parser.add_argument
add("--lambda-k", type=float, nargs="*", default=[0.001, 0.02, 0.05], help="of the paper's rule")
add("--settle-steps", type=int, nargs="*", default=[100], help="of the other rule")
add("--gammas", type=float, nargs="+", default=[0.5, 0.7], help="one after the other")
add("--steps", type=int, default=500, help="of each gamma")
add("--batch-sizes", type=int, nargs="+", default=[16, 64], help="one by one")
add("--d-steps", type=int, nargs="+", default=[1, 2], help="one by one")
add("--rate", type=float, default=4e-3, help="both learning rates")
add("--filters", type=int, default=4, help="the width of both networks")
add("--seed", type=int, default=0, help="of weights and latents")
arguments = parser.parse_args()
rules = [("lambda_k", value) for value in arguments.lambda_k]
rules += [("settle_steps", value) for value in arguments.settle_steps]

heads = [f"{head}, gamma {g}" for g in arguments.gammas for head in ("settled", "over", "ratio")]
print("| rule | batch | d_steps |", " | ".join(heads), "|")
print("|---|---|---|" + "---|" * len(heads))
for batch_size in arguments.batch_sizes:
    for d_steps in arguments.d_steps:
        for name, value in rules:
            rows = energies({name: value}, batch_size, d_steps, arguments)
            cells = f"{name} {value:g}", batch_size, d_steps, *figures(rows, arguments)
            print("|", " | ".join(map(str, cells)), "|", flush=True)
