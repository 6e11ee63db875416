"""The same fifty images from the datasets and loaders of other libraries."""

import warnings

import numpy as np
import pytest

from tests.registry import uint8_images

BATCH = 16
LABELS = np.arange(50) % 3


def hugging_face(image="image", label="label", kind=None):
    """Return a table of images as PNGs, and their classes."""
    datasets = pytest.importorskip("datasets")
    kinds = {image: datasets.Image(), label: datasets.ClassLabel(names=["cat", "dog", "eel"])}
    columns = {image: list(uint8_images()[..., 0]), label: LABELS.tolist()}
    made = datasets.Dataset.from_dict(columns, features=datasets.Features(kinds))
    return made.with_format(kind) if kind else made


def hugging_face_stream():
    return hugging_face().to_iterable_dataset(num_shards=2)


def grain_map():
    grain = pytest.importorskip("grain")
    pairs = list(zip(uint8_images(), LABELS, strict=True))
    return grain.MapDataset.source(pairs)


def grain_stream(shuffled=False):
    source = grain_map()
    source = source.shuffle(seed=5) if shuffled else source
    return source.to_iter_dataset().batch(BATCH)


def grain_loader(shuffled=False):
    grain = pytest.importorskip("grain")
    sampler = grain.samplers.IndexSampler(50, shuffle=shuffled, seed=5, num_epochs=1)
    return grain.DataLoader(
        data_source=list(uint8_images()),
        sampler=sampler,
        operations=[grain.transforms.Batch(BATCH)],
    )


def torch_examples():
    import torch

    return torch.utils.data.TensorDataset(torch.as_tensor(uint8_images()), torch.as_tensor(LABELS))


def torch_stream():
    import torch

    class Stream(torch.utils.data.IterableDataset):
        def __len__(self):
            return 50

        def __iter__(self):
            return iter(torch_examples())

    return Stream()


def stateful_loader(shuffled=False, workers=0):
    loaders = pytest.importorskip("torchdata.stateful_dataloader")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of functions that torchdata 0.11 calls
        return loaders.StatefulDataLoader(
            torch_examples(), batch_size=BATCH, shuffle=shuffled, num_workers=workers
        )


class StreamingLoader:
    """A loader with the same state as MosaicML's: the number of samples yielded in an epoch.

    https://docs.mosaicml.com/projects/streaming/en/latest/dataset_configuration/replication_and_sampling.html
    """

    def __init__(self, shuffled=False):
        self.shuffled = shuffled
        self.epoch, self.seen, self.resumed = -1, 0, None

    def __len__(self):
        return 4

    def __iter__(self):
        self.epoch, self.seen = self.resumed or (self.epoch + 1, 0)
        self.resumed = None
        order = np.arange(50)
        if self.shuffled:
            order = np.random.default_rng(self.epoch).permutation(order)
        while self.seen < 50:
            rows = order[self.seen : self.seen + BATCH]
            self.seen += len(rows)
            yield uint8_images()[rows], LABELS[rows]

    def state_dict(self):
        return {"epoch": self.epoch, "sample_in_epoch": self.seen}

    def load_state_dict(self, state):
        self.resumed = state["epoch"], state["sample_in_epoch"]


EXAMPLES = {
    "Hugging Face": hugging_face,
    "Hugging Face, other names": lambda: hugging_face("img", "labels"),
    "Hugging Face, arrays": lambda: hugging_face(kind="numpy"),
    "Hugging Face, tensors": lambda: hugging_face(kind="torch"),
    "Hugging Face's stream": hugging_face_stream,
    "Grain's MapDataset": grain_map,
    "PyTorch's Dataset": torch_examples,
    "PyTorch's IterableDataset": torch_stream,
}
"""Each gives one example at a time."""

BATCHES = {
    "Grain's IterDataset": grain_stream,
    "Grain's DataLoader": grain_loader,
    "StatefulDataLoader": stateful_loader,
    "streaming": StreamingLoader,
}
"""Each has a state."""
