"""The same fifty images in many forms, and the GAN that each form trains."""

import keras
import numpy as np

from keras_egan import datasets
from tests.registry import uint8_images
from tests.tiny import began


def generator_of(images, wrap=lambda batch: (batch,)):
    for start in range(0, len(images), 20):
        yield wrap(images[start : start + 20])


class PyDataset(keras.utils.PyDataset):
    """Three batches in the given wrapping."""

    def __init__(self, wrap=lambda batch: (batch,), **kwargs):
        super().__init__(**kwargs)
        self.wrap = wrap

    def __len__(self):
        return 3

    def __getitem__(self, index):
        return self.wrap(uint8_images()[20 * index : 20 * index + 20])


class Loader:
    """A loader of no library, which can be iterated over repeatedly."""

    def __init__(self, batches):
        self.batches = batches

    def __iter__(self):
        return iter(self.batches)


class LoaderOfKnownLength(Loader):
    def __len__(self):
        return len(self.batches)


def labeled(batch):
    return batch, np.array(["a label"] * len(batch))


def torch_loader(*arrays, collate=None):
    import torch

    tensors = torch.utils.data.TensorDataset(*map(torch.as_tensor, arrays))
    return torch.utils.data.DataLoader(tensors, batch_size=20, collate_fn=collate)


def plain(rows):
    import torch

    return torch.stack([row for (row,) in rows])


def tf_dataset(*arrays):
    import tensorflow as tf

    tensors = arrays if len(arrays) > 1 else arrays[0]
    return tf.data.Dataset.from_tensor_slices(tensors).batch(20)


def batches():
    return [images for (images,) in generator_of(uint8_images())]


# Each gives the images in three batches, and can be iterated over repeatedly.
FORMS = {
    "tensor": lambda: keras.ops.convert_to_tensor(uint8_images()),
    "labelled arrays": lambda: (uint8_images(), np.arange(50)),
    "list of images": lambda: list(uint8_images()),
    "list of batches": batches,
    "list of labelled batches": lambda: [labeled(batch) for batch in batches()],
    "PyDataset": PyDataset,
    "PyDataset of arrays, in threads": lambda: PyDataset(lambda batch: batch, workers=2),
    "PyDataset of tensors": lambda: PyDataset(keras.ops.convert_to_tensor),
    "PyDataset with labels": lambda: PyDataset(labeled),
    "tf.data": lambda: tf_dataset(uint8_images()),
    "tf.data with labels": lambda: tf_dataset(uint8_images(), np.array(["a label"] * 50)),
    "DataLoader": lambda: torch_loader(uint8_images()),
    "DataLoader with labels": lambda: torch_loader(uint8_images(), np.arange(50)),
    "DataLoader of tensors": lambda: torch_loader(uint8_images(), collate=plain),
    "loader": lambda: LoaderOfKnownLength(batches()),
    "Batches": lambda: datasets.Batches(uint8_images(), 20, shuffle=False),
    "loaded": lambda: datasets.load(uint8_images(), batch_size=20, shuffle=False),
}
# Each of these needs the number of batches per epoch.
WITHOUT_LENGTH = {
    "generator": lambda: generator_of(uint8_images()),
    "generator of arrays": lambda: generator_of(uint8_images(), lambda batch: batch),
    "generator of lists": lambda: generator_of(uint8_images(), lambda batch: [batch]),
    "generator of tensors": lambda: generator_of(uint8_images(), keras.ops.convert_to_tensor),
    "generator with labels": lambda: generator_of(uint8_images(), labeled),
    "iterator": lambda: iter(batches()),
    "loader of unknown length": lambda: Loader(batches()),
}


def trained(data, **arguments):
    gan = began(rate=0.01)
    gan.fit(data, batch_size=20, shuffle=False, verbose=0, **arguments)
    return gan
