"""Searches gamma, the width and the learning rate of a BEGAN by Optuna, in some two minutes.

The objective is the sliced Wasserstein distance of samples to held-out digits, which
`EvaluateSamples` puts into the logs after each epoch. A trial that is worse than the others at the
same epoch is stopped. No trial begins after the time is used up. It needs `pip install optuna`.

    python examples/tune.py --seconds 120
"""

import argparse
import os

import common

parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
add = parser.add_argument
add("--dataset", default="digits", help="'digits', a folder, or a name for tfds")
add("--image-size", type=int, default=28, help="the side to resize to")
add("--data-dir", help="where tensorflow-datasets keeps its files")
add("--backend", choices=common.BACKENDS, default=common.default_backend(), help="Keras's backend")
add("--seconds", type=float, default=120, help="no trial begins later")
add("--trials", type=int, help="at most so many trials")
add("--epochs", type=int, default=4, help="epochs per trial")
add("--steps-per-epoch", type=int, default=30, help="steps per epoch, of 64 images")
add("--seed", type=int, default=0, help="fixes weights, latents and the search")
arguments = parser.parse_args()
os.environ["KERAS_BACKEND"] = arguments.backend

import keras
import numpy as np
import optuna

from keras_egan import callbacks, datasets, metrics, presets

FIGURE = "swd"  # of SlicedWassersteinDistance
HELD_OUT = 500

loaded = datasets.load(
    arguments.dataset,
    image_size=arguments.image_size,
    data_dir=arguments.data_dir,
    seed=arguments.seed,
)
images = np.concatenate([loaded[index][0] for index in range(len(loaded))])
held_out, images = images[:HELD_OUT], images[HELD_OUT:]


def objective(trial):
    keras.utils.set_random_seed(arguments.seed)
    rate = trial.suggest_float("rate", 1e-4, 1e-2, log=True)
    gan = presets.build(
        "began/digits",
        images.shape[1:],
        network_arguments={"filters": trial.suggest_categorical("filters", [8, 16])},
        gamma=trial.suggest_float("gamma", 0.3, 1.0),
        d_rate=rate,
        g_rate=rate,
        seed=arguments.seed,
    )

    def report(epoch, logs):
        trial.report(logs[FIGURE], epoch)
        if trial.should_prune():
            raise optuna.TrialPruned

    evaluate = callbacks.EvaluateSamples(
        held_out, [metrics.SlicedWassersteinDistance()], samples=HELD_OUT, seed=arguments.seed
    )
    history = gan.fit(
        images,
        batch_size=64,
        epochs=arguments.epochs,
        steps_per_epoch=arguments.steps_per_epoch,
        verbose=0,
        callbacks=[evaluate, keras.callbacks.LambdaCallback(on_epoch_end=report)],
    )
    return history.history[FIGURE][-1]


study = optuna.create_study(
    sampler=optuna.samplers.TPESampler(seed=arguments.seed),
    pruner=optuna.pruners.MedianPruner(n_startup_trials=2, n_warmup_steps=1),
)
study.optimize(objective, n_trials=arguments.trials, timeout=arguments.seconds)
pruned = sum(trial.state == optuna.trial.TrialState.PRUNED for trial in study.trials)
print(f"Trials: {len(study.trials)}, {pruned} stopped early")
print(f"Best:   {study.best_value:.4f} by {study.best_params}")
