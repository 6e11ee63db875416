"""How many images per second does `datasets.load` give, beside a DataLoader and `tf.data`?

    KERAS_BACKEND=tensorflow python benchmarks/data.py folder
    KERAS_BACKEND=tensorflow python benchmarks/data.py array
    KERAS_BACKEND=tensorflow python benchmarks/data.py tfds --data-dir DIRECTORY

All do the same work, in turns, so that a machine of varying speed slows all of them. The work is
JPEGs of 300x300 resized to 64x64, an array shuffled into batches, or a dataset of
tensorflow-datasets, for which PyTorch has no loader. `fit` takes the images of `load`, for a GAN
that does nothing; the loops over the others do nothing either. On JAX there is no DataLoader,
because its processes are forked. It prints a JSON row: images per second, as medians of the turns,
and `load`'s as a share of the better of the others.
"""

import argparse
import json
import math
import statistics
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import torch
from PIL import Image

import keras_egan
from keras_egan import datasets

SIDE, JPEG_SIDE, BATCH, WORKERS = 64, 300, 64, 2


class Idle(keras_egan.LeastSquaresGAN):
    """A GAN that takes batches and does nothing with them."""

    def _training_step(self, data):
        return {"done": keras.ops.zeros(())}


class Clock(keras.callbacks.Callback):
    """Time an epoch except its first step."""

    def on_train_batch_end(self, batch, logs=None):
        if not batch:
            self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds = time.perf_counter() - self.start


def write_jpegs(folder, count):
    """Write smooth pictures with some noise, whose files are as large as photographs."""
    rng = np.random.default_rng(0)
    for index in range(count):
        coarse = Image.fromarray(rng.integers(0, 256, (12, 12, 3), "uint8"))
        smooth = np.asarray(coarse.resize((JPEG_SIDE, JPEG_SIDE), Image.Resampling.BICUBIC))
        noisy = np.clip(smooth + rng.normal(0, 8, smooth.shape), 0, 255).astype("uint8")
        Image.fromarray(noisy).save(folder / f"{index:05d}.jpg", quality=90)


class Pictures(torch.utils.data.Dataset):
    """A folder's pictures, as a PyTorch user would read them."""

    def __init__(self, folder):
        self.paths = sorted(folder.iterdir())

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        with Image.open(self.paths[index]) as image:
            image = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        return torch.from_numpy(np.array(image))


def decoded(path):
    """Return a picture as a TensorFlow user would read it."""
    image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
    image = tf.image.resize(image, (SIDE, SIDE), "bicubic", antialias=True)
    return tf.cast(tf.clip_by_value(tf.round(image), 0.0, 255.0), tf.uint8)


def loader(dataset):
    return torch.utils.data.DataLoader(
        dataset, BATCH, shuffle=True, drop_last=True, num_workers=WORKERS
    )


def of_folder(folder):
    paths = [str(path) for path in sorted(folder.iterdir())]
    pipeline = tf.data.Dataset.from_tensor_slices(paths).shuffle(len(paths))
    pipeline = pipeline.map(decoded, num_parallel_calls=tf.data.AUTOTUNE)
    others = {"DataLoader": loader(Pictures(folder)), "tf.data": batched(pipeline)}
    return str(folder), others


def of_array(count):
    images = np.random.default_rng(0).integers(0, 256, (count, SIDE, SIDE, 3), "uint8")
    pipeline = tf.data.Dataset.from_tensor_slices(images).shuffle(count)
    tensors = torch.utils.data.TensorDataset(torch.from_numpy(images))
    return images, {"DataLoader": loader(tensors), "tf.data": batched(pipeline)}


def of_tfds(name, directory):
    import tensorflow_datasets as tfds

    pipeline = tfds.load(name, split="train", data_dir=directory, shuffle_files=True)
    pipeline = pipeline.map(lambda item: item["image"], num_parallel_calls=tf.data.AUTOTUNE)
    return name, {"tf.data": batched(pipeline.shuffle(10_000))}


def batched(pipeline):
    return pipeline.batch(BATCH, drop_remainder=True).prefetch(tf.data.AUTOTUNE)


def by_fit(images):
    """Return a turn of `fit`, timed from its first step on."""
    generator = keras.Sequential(
        [
            keras.Input((1,)),
            keras.layers.Dense(math.prod(images.image_shape)),
            keras.layers.Reshape(images.image_shape),
        ]
    )
    critic = keras.Sequential(
        [keras.Input(images.image_shape), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    model = Idle(generator, critic)
    model.compile("sgd", "sgd")
    clock = Clock()

    def run():
        model.fit(images, verbose=0, callbacks=[clock])
        return (len(images) - 1) * BATCH / clock.seconds

    return run


def by_loop(batches):
    """Return a turn through batches, timed from the first on."""

    def run():
        count = -1
        for _ in batches:
            if count < 0:
                start = time.perf_counter()
            count += 1
        return count * BATCH / (time.perf_counter() - start)

    return run


parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
)
add = parser.add_argument
add("source", choices=("folder", "array", "tfds"))
add("--images", type=int, default=4096, help="how many, of a folder or an array")
add("--dataset", default="celeba64", help="its name in tensorflow-datasets")
add("--data-dir", help="where tensorflow-datasets keeps its files")
add("--rounds", type=int, default=5, help="turns of each")
arguments = parser.parse_args()

with tempfile.TemporaryDirectory() as directory:
    if arguments.source == "folder":
        write_jpegs(Path(directory), arguments.images)
        source, others = of_folder(Path(directory))
    elif arguments.source == "array":
        source, others = of_array(arguments.images)
    else:
        source, others = of_tfds(arguments.dataset, arguments.data_dir)
    size = SIDE if arguments.source == "folder" else None
    images = datasets.load(
        source,
        image_size=size,
        batch_size=BATCH,
        drop_remainder=True,
        data_dir=arguments.data_dir,
    )
    if keras.backend.backend() == "jax":
        others.pop("DataLoader", None)  # it forks, which JAX may not survive
    turns = {"load": by_fit(images)}
    turns |= {name: by_loop(batches) for name, batches in others.items()}
    for turn in turns.values():
        turn()
    rates = {name: [] for name in turns}
    for _ in range(arguments.rounds):
        for name, turn in turns.items():
            rates[name].append(turn())
row = {name: round(statistics.median(values)) for name, values in rates.items()}
better = max(value for name, value in row.items() if name != "load")
row = {"source": arguments.source, "backend": keras.backend.backend(), **row}
print(json.dumps({**row, "load to better": round(row["load"] / better, 3)}))
