"""Two of PyTorch's processes with loaders of their own, and with data that does not do.

Run as `python -m tests.loaders FOLDER INDEX COUNT ADDRESS`.
"""

import sys
from pathlib import Path

import keras
import numpy as np
import torch

from tests.group import scope
from tests.registry import CASES, float_images, state


def train(data, **arguments):
    gan = CASES[0].build()
    gan.fit(data, verbose=0, **arguments)
    return gan


def run(folder, index, count, address):
    scope("processes", index, count, address)
    torch.manual_seed(0)
    images = torch.as_tensor(float_images(48))
    sampler = torch.utils.data.DistributedSampler(images, count, index, shuffle=False)
    dataset = torch.utils.data.TensorDataset(images)
    loader = torch.utils.data.DataLoader(dataset, batch_size=8, sampler=sampler)
    found = {f"v{number}": array for number, array in enumerate(state(train(loader)))}
    keras.utils.set_random_seed(index)  # which makes other weights on each process
    networks = keras.Sequential([keras.Input((4,)), keras.layers.Dense(64)])
    normalised = keras.layers.BatchNormalization()
    networks.add(normalised)
    networks.add(keras.layers.Reshape((8, 8, 1)))
    gan = CASES[0].gan(networks, CASES[0].build().discriminator)
    gan.compile("sgd", keras.optimizers.SGD(0.01))
    gan.fit(float_images(33), batch_size=16, verbose=0)
    found |= {f"n{number}": array for number, array in enumerate(state(gan))}
    np.savez(Path(folder) / f"end{index}.npz", **found)
    for what, data, arguments in (
        ("empty", images[: 8 * index], {}),
        ("lengths", loader if index else list(loader)[:2], {}),
        ("arguments", images, {"batch_size": 8 + index}),
    ):
        try:
            train(data, **arguments)
        except (ValueError, RuntimeError) as error:
            print(f"{what}: {type(error).__name__}: {error}")


if __name__ == "__main__":
    folder, index, count, address = sys.argv[1:]
    run(folder, int(index), int(count), address)
