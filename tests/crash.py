"""Train BEGAN and MAGAN in processes that are killed, and once in a process that is not.

Run as `python -m tests.crash DIRECTORY STEP...`: below the directory, `<gan>/killed` and
`<gan>/whole` then hold the CSV and an npz file of all variables. The processes are forked after
the imports and before anything else, so that they start at once.
"""

import os
import signal
import sys
from pathlib import Path

import numpy as np
import tensorflow  # noqa: F401  # Keras imports it on each backend, when it describes a layer

from keras_egan import callbacks
from tests.interrupted import Stateless
from tests.registry import CASES, EAGERLY, uint8_images, weights

EPOCHS, STEPS = 4, 4


class Kill(Stateless):
    def __init__(self, at):
        super().__init__()
        self.at = at

    def on_epoch_begin(self, epoch, logs=None):
        self.first = int(self.model.step)

    def on_train_batch_begin(self, batch, logs=None):
        if self.first + batch == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


def train(name, folder, kill_at):
    (case,) = (case for case in CASES if case.name == name)
    gan = case.build(**EAGERLY)
    if name == "magan":
        gan.epochs_done.assign(0)
        gan.margin.assign(0.0)
    history = gan.fit(
        uint8_images(16 * STEPS - 14),
        batch_size=16,
        epochs=EPOCHS,
        verbose=0,
        callbacks=[
            callbacks.EquilibriumLogger(folder / "log.csv"),
            callbacks.Backup(folder / "backup", every=3),
            Kill(kill_at),
        ],
    ).history
    arrays = weights(gan) + [np.array(values[-1]) for _, values in sorted(history.items())]
    np.savez(folder / "end.npz", *arrays, *map(np.array, gan.optimizer.variables))


def in_a_process(*arguments):
    """Return whether the process was killed."""
    child = os.fork()
    if not child:
        status = 1
        try:
            train(*arguments)
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        sys.exit("the training failed")
    return os.WIFSIGNALED(status)


def run(directory, steps):
    for name in ("began", "magan"):
        for kind in ("whole", "killed"):
            folder = directory / name / kind
            folder.mkdir(parents=True)
            for step in steps if kind == "killed" else ():
                assert in_a_process(name, folder, step)
            assert not in_a_process(name, folder, -1)
        assert len(list((folder / "backup").iterdir())) == 1


if __name__ == "__main__":
    run(Path(sys.argv[1]), sorted(map(int, sys.argv[2:])))
    print("done")
