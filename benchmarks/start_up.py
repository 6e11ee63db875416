"""How long does it take from starting Python to the first training step, and for what?

    KERAS_BACKEND=tensorflow python benchmarks/start_up.py

Each turn is a new process that trains `--preset` on the digits for two steps. It prints a JSON row
with the medians of the turns, in seconds: `python` until the script runs, `keras` and `keras_egan`
for their imports, `data` and `gan` until they are made, `first step` of `fit` with compilation, and
`second step`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time


def parts(started, preset):
    """Return the times of one process that has just begun."""
    now = [started, time.time()]

    def took():
        now.append(time.time())
        return now[-1] - now[-2]

    found = {"python": now[1] - now[0]}
    import keras

    found["keras"] = took()
    from keras_egan import datasets, presets

    found["keras_egan"] = took()
    settings = presets.get(preset)
    size = settings.image_shape[0]
    images = datasets.load("digits", image_size=size, batch_size=settings.batch_size)
    found["data"] = took()
    gan = presets.build(preset, datasets.image_shape(images))
    found["gan"] = took()

    class Clock(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            keras.ops.convert_to_numpy(logs["d_loss"])
            found[("first step", "second step")[batch]] = took()

    gan.fit(images, steps_per_epoch=2, verbose=0, callbacks=[Clock()])
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", default="began/digits", help="settings by name")
    parser.add_argument("--rounds", type=int, default=5, help="turns")
    parser.add_argument("--started", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.started is not None:
        print(json.dumps(parts(arguments.started, arguments.preset)))
        sys.exit()
    rows = []
    for _ in range(arguments.rounds):
        command = [sys.executable, __file__, "--preset", arguments.preset, "--started"]
        child = subprocess.run([*command, str(time.time())], stdout=subprocess.PIPE, check=True)
        rows.append(json.loads(child.stdout))
    row = {name: round(statistics.median(turn[name] for turn in rows), 2) for name in rows[0]}
    row["until the first step is done"] = round(sum(row.values()) - row["second step"], 2)
    print(json.dumps({"backend": os.environ.get("KERAS_BACKEND"), **row}))
