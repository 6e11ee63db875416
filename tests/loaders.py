"""Two processes, or devices, with local data, with invalid data, and with classes.

Each process calls one of these functions first.
"""

import keras
import numpy as np

from keras_egan import LeastSquaresGAN, layers
from keras_egan.callbacks import TerminateOnNaN
from tests.group import scope
from tests.registry import CASES, float_images, state


def train(data, **arguments):
    gan = CASES[0].build()
    gan.fit(data, verbose=0, **arguments)
    return gan


def refused(what, data, **arguments):
    try:
        train(data, **arguments)
    except (ValueError, RuntimeError) as error:
        print(f"{what}: {type(error).__name__}: {error}")


def save(path, **states):
    arrays = {f"{key}{n}": array for key, found in states.items() for n, array in enumerate(found)}
    np.savez(path, **arrays)


def torch_loaders(folder, kind, index, count, address):
    import torch

    with scope(kind, index, count, address):
        images = torch.as_tensor(float_images(48))
        sampler = torch.utils.data.DistributedSampler(images, count, index, shuffle=False)
        dataset = torch.utils.data.TensorDataset(images)
        loader = torch.utils.data.DataLoader(dataset, batch_size=8, sampler=sampler)
        loaded = state(train(loader))
        keras.utils.set_random_seed(index)  # it makes other weights on each process
        networks = keras.Sequential([keras.Input((4,)), keras.layers.Dense(64)])
        networks.add(keras.layers.BatchNormalization())
        networks.add(keras.layers.Reshape((8, 8, 1)))
        gan = CASES[0].gan(networks, CASES[0].build().discriminator)
        gan.compile("sgd", keras.optimizers.SGD(0.01))
        gan.fit(float_images(33), batch_size=16, verbose=0)
        save(folder / f"end{index}.npz", loaded=loaded, normalized=state(gan))
        refused("empty", images[: 8 * index])
        refused("lengths", loader if index else list(loader)[:2])
        refused("arguments", images, batch_size=8 + index)


def tf_data(folder, kind, index, count, address):
    """Train JAX's processes on data that is shared out, and on their own shares."""
    import tensorflow as tf

    images = float_images(48)
    dataset = tf.data.Dataset.from_tensor_slices(images)
    own = dataset.shard(count, index).batch(8)
    with scope(kind, index, count, address):
        whole = state(train(dataset.batch(16)))
        uneven = tf.data.Dataset.from_tensor_slices(float_images(33)).batch(16)
        rest = state(train(uneven, validation_data=uneven))
        batches = list(own.as_numpy_iterator())
        refused("list", batches)
        with keras.distribution.DataParallel(auto_shard_dataset=False).scope():
            shares, lists = state(train(own)), state(train(batches))
            refused("lengths", own if index else own.take(2))
        save(folder / f"end{index}.npz", whole=whole, rest=rest, shares=shares, lists=lists)


def moments(folder, kind, index, count, address):
    """A step that changes no weights, of a critic that normalises within classes."""
    images, labels = float_images(15), np.arange(15, dtype="int32") % 7
    with scope(kind, index, count, address):
        latents, image = keras.Input((4,)), keras.Input((8, 8, 1))
        label = keras.Input((), dtype="int32")
        black = keras.layers.Dense(64, kernel_initializer="zeros")(latents)
        black = keras.layers.Reshape((8, 8, 1))(black)
        layer = layers.WithinClassNormalization(7, momentum=0.9)
        score = keras.layers.Dense(1)(layer([keras.layers.Flatten()(image), label]))
        gan = LeastSquaresGAN(
            keras.Model([latents, label], black),
            keras.Model([image, label], score),
            num_classes=7,
        )
        gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
        gan.fit(images, labels, batch_size=15, shuffle=False, verbose=0)
        found = {v.name: keras.ops.convert_to_numpy(v) for v in layer.non_trainable_variables}
        np.savez(folder / f"moments{index}.npz", **found)


def spoilt(folder, kind, index, count, address):
    """Ten steps; the first spoils all weights."""
    with scope(kind, index, count, address):
        gan = CASES[0].build()
        gan.compile(keras.optimizers.SGD(np.inf), keras.optimizers.SGD(np.inf))
        gan.fit(float_images(160), batch_size=16, verbose=0, callbacks=[TerminateOnNaN()])
        print(f"The last step was {int(keras.ops.convert_to_numpy(gan.step))}.")
