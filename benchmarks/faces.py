"""Trains a GAN on faces, and measures its samples.

    python benchmarks/faces.py --data-dir DIRECTORY

`DIRECTORY` is that of tensorflow-datasets, and holds the dataset, 64x64 faces, of which the last
1,000 are kept back. The row, a JSON file in the output folder beside a grid and the equilibrium's
plot, has the sliced Wasserstein distance of 1,000 samples to those kept back; the sharpness, the
mean absolute Laplacian, as a share of theirs; the ratio of energies and k_t over the second half.
`--measure real` measures 1,000 of the training faces instead, and `--measure gaussian` samples of a
Gaussian in the first 200 principal components. A run that was interrupted resumes from its backup.
"""

import argparse
import json
import time
from pathlib import Path

import keras
import numpy as np

import keras_egan
from keras_egan import callbacks, datasets, metrics, networks
from keras_egan.metrics.anchors import gaussian, in_range

KEPT_BACK, SAMPLES, COMPONENTS = 1000, 1000, 200
GANS = {
    "began": (keras_egan.BEGAN, {"gamma": 1.0, "lambda_k": 0.02}),
    "ebgan": (keras_egan.EBGAN, {"margin": 25.0, "pt_weight": 0.1, "latents": "normal"}),
    "least_squares": (keras_egan.LeastSquaresGAN, {}),
}
COMMON = {"generator_average": 0.99, "updates": "one_pass"}
NETWORKS = {
    "dcgan_autoencoder": {"filters": 32, "latent_dim": 128, "embedding_dim": 128},
    "convnet": {"filters": 8, "latent_dim": 128, "embedding_dim": 256},
    "loss_sensitive": {"filters": 32, "latent_dim": 128, "nonnegative": False},
    "began": {"filters": 16, "latent_dim": 64},  # the paper's, an eighth as wide
}


def sharpness(images):
    """Return the mean absolute Laplacian of images, shape (n, height, width, channels)."""
    center = images[:, 1:-1, 1:-1]
    around = images[:, :-2, 1:-1] + images[:, 2:, 1:-1] + images[:, 1:-1, :-2] + images[:, 1:-1, 2:]
    return float(np.abs(4 * center - around).mean())


def measure(samples, kept_back):
    """Return the metrics of samples, an array like `kept_back`, in [-1, 1]."""
    distance = metrics.SlicedWassersteinDistance()
    distance.update_real(kept_back)
    distance.update_state(samples)
    return {**distance.result(), "sharpness": sharpness(samples) / sharpness(kept_back)}


def train(arguments, faces):
    """Return a trained GAN, and facts about the training."""
    keras.utils.set_random_seed(arguments.seed)
    kind, own = GANS[arguments.gan]
    critic = arguments.gan == "least_squares"
    network = arguments.network or ("loss_sensitive" if critic else "dcgan_autoencoder")
    made = {**NETWORKS[network], **arguments.network_settings}
    if critic and network == "convnet":
        made["embedding_dim"] = None
    generator, discriminator = getattr(networks, network)(faces.shape[1:], **made)
    settings = {**COMMON, **own, **arguments.settings}
    gan = kind(
        generator,
        discriminator,
        augment=arguments.augment,
        seed=arguments.seed,
        **settings,
    )
    rates = arguments.d_rate or arguments.rate, arguments.rate
    gan.compile(*(keras.optimizers.Adam(rate, 0.5) for rate in rates))
    epochs = max(1, arguments.steps // 250)
    start = time.perf_counter()
    history = gan.fit(
        faces,
        batch_size=arguments.batch_size,
        epochs=epochs,
        steps_per_epoch=arguments.steps // epochs,
        callbacks=[
            callbacks.SampleGrid(arguments.output / "samples", every=None),
            callbacks.EquilibriumLogger(arguments.output / "equilibrium.csv", every=10),
            callbacks.Backup(arguments.output / "backup"),
        ],
        verbose=2,
    ).history
    late = {name: values[len(values) // 2 :] for name, values in history.items()}
    said = {"ratio": np.mean(late["fake_energy"]) / np.mean(late["real_energy"])}
    if "k_t" in late:
        said |= {"lowest k_t": min(late["k_t"]), "highest k_t": max(late["k_t"])}
    said |= {"settings": settings, "network": {network: made}, "rates": rates}
    said |= {"augment": arguments.augment, "batch_size": arguments.batch_size}
    return gan, {**said, "steps": int(gan.step), "minutes": (time.perf_counter() - start) / 60}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--gan", choices=GANS, default="began", help="which GAN")
    add("--network", choices=NETWORKS, help="which family; for a critic convnet or loss_sensitive")
    add("--settings", type=json.loads, default={}, help="JSON: arguments of the GAN to change")
    add("--network-settings", type=json.loads, default={}, help="JSON: those of the network")
    add("--augment", help="a policy of DiffAugment")
    add("--rate", type=float, default=1e-3, help="the learning rate of both optimizers")
    add("--d-rate", type=float, help="the discriminator's, where it is another")
    add("--batch-size", type=int, default=64, help="images per step")
    add("--keep", type=int, help="how many of the 7,000 faces there are; all by default")
    add("--steps", type=int, default=4000, help="training steps")
    add("--seed", type=int, default=0, help="of weights, latents and the order of the images")
    add("--measure", choices=("real", "gaussian"), help="instead of a GAN")
    add("--dataset", default="celeba64", help="its name in tensorflow-datasets")
    add("--data-dir", help="where tensorflow-datasets keeps its files")
    add("--output", type=Path, default=Path("faces"), help="the folder of all that is written")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)

    loaded = datasets.load(
        arguments.dataset, data_dir=arguments.data_dir, batch_size=500, shuffle=False
    )
    everything = np.concatenate(
        [np.asarray(batch) for (batch,) in (loaded[i] for i in range(len(loaded)))]
    )
    faces, kept_back = everything[:-KEPT_BACK], in_range(everything[-KEPT_BACK:])
    rng = np.random.default_rng(arguments.seed)
    row = {"name": arguments.measure or arguments.gan, "seed": arguments.seed}
    if arguments.keep is not None:
        faces = faces[rng.permutation(len(faces))[: arguments.keep]]
        row["kept"] = arguments.keep
    if arguments.measure == "real":
        samples = in_range(faces[rng.permutation(len(faces))[:SAMPLES]])
    elif arguments.measure == "gaussian":
        samples = gaussian(in_range(faces), rng, COMPONENTS, SAMPLES)
    else:
        gan, said = train(arguments, faces)
        gan.save(arguments.output / "gan.keras")
        samples = gan.sample(SAMPLES, seed=arguments.seed)
        row |= said
    row |= {"backend": keras.backend.backend(), **measure(samples, kept_back)}
    (arguments.output / "row.json").write_text(json.dumps(row, indent=1))
    print(json.dumps(row, indent=1))


if __name__ == "__main__":
    main()
