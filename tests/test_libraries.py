"""Datasets and loaders of other libraries, in `datasets.load` and `fit`, and their states."""

import json

import numpy as np
import pytest

from keras_egan import callbacks, datasets, metrics
from keras_egan.datasets import inputs
from keras_egan.datasets.passes import Passes
from keras_egan.saving import packing
from tests import libraries
from tests.conftest import few, on
from tests.interrupted import STEPS, Stop, build, train
from tests.libraries import BATCH, BATCHES, EXAMPLES, LABELS
from tests.registry import CONDITIONAL, float_images, uint8_images, weights

UNKNOWN = ("Hugging Face's stream", "Grain's IterDataset", "Grain's DataLoader")
"""These do not know how many batches they give."""


def counted(name):
    return {"steps_per_epoch": STEPS} if name in UNKNOWN else {}


@on("torch")
@pytest.mark.parametrize("name", [*EXAMPLES, *BATCHES])
def test_they_are_loaded(name):
    arguments = {"batch_size": BATCH} if name in EXAMPLES else {}
    loaded = datasets.load({**EXAMPLES, **BATCHES}[name](), shuffle=False, **arguments)
    assert datasets.image_shape(loaded) == (8, 8, 1)
    if name not in UNKNOWN:
        assert len(loaded) == STEPS
    for step in (0, STEPS):
        loaded.begin(step)
        found = [loaded[index][0] for index in range(STEPS)]
        assert [len(batch) for batch in found] == [16, 16, 16, 2]
        np.testing.assert_array_equal(np.concatenate(found), uint8_images())


@on("torch")
@pytest.mark.parametrize("name", [*EXAMPLES, "Grain's IterDataset", "streaming"])
def test_they_are_loaded_with_labels(name):
    arguments = {"batch_size": BATCH} if name in EXAMPLES else {}
    source = {**EXAMPLES, **BATCHES}[name]()
    loaded = datasets.load(source, labels=True, shuffle=False, image_size=4, **arguments)
    if name.startswith("Hugging Face"):
        assert loaded.class_names == ("cat", "dog", "eel")
    found = [loaded[index] for index in range(STEPS)]
    assert found[0][0].shape == (BATCH, 4, 4, 1)
    np.testing.assert_array_equal(np.concatenate([labels for _, labels in found]), LABELS)


TYPICAL = ("Hugging Face", "Grain's MapDataset", "Grain's IterDataset", "streaming")


@pytest.fixture(scope="module")
def expected():
    gan = build()
    return weights(gan), train(gan, epochs=2, shuffle=False), weights(gan)


FITTING = [name for name in (*EXAMPLES, *BATCHES) if not name.endswith(("arrays", "tensors"))]
"""The others lack the channel's axis, or have it first, and are for `load`."""


@pytest.mark.parametrize("name", few(FITTING, *TYPICAL))
def test_they_train_and_evaluate_like_an_array(name, expected):
    make = {**EXAMPLES, **BATCHES}[name]
    gan = build()
    history = train(gan, data=make(), epochs=2, shuffle=False, **counted(name))
    assert history == expected[1]
    assert all(map(np.array_equal, weights(gan), expected[2]))
    steps = STEPS if name in UNKNOWN else None
    found = gan.evaluate(make(), batch_size=BATCH, verbose=0, steps=steps)
    whole = gan.evaluate(uint8_images(), batch_size=BATCH, verbose=0)
    np.testing.assert_allclose(found, whole, rtol=1e-5)


SHUFFLED = {
    "Hugging Face": libraries.hugging_face,
    "PyTorch's Dataset": libraries.torch_examples,
    "Grain's MapDataset": lambda: libraries.grain_map().shuffle(seed=4),
    "Hugging Face's stream": libraries.hugging_face_stream,
    "Grain's IterDataset": lambda: libraries.grain_stream(shuffled=True),
    "Grain's DataLoader": lambda: libraries.grain_loader(shuffled=True),
    "StatefulDataLoader": lambda: libraries.stateful_loader(shuffled=True),
    "streaming": lambda: libraries.StreamingLoader(shuffled=True),
}


@pytest.mark.parametrize("name", few(SHUFFLED, "Grain's IterDataset", "streaming"))
@pytest.mark.parametrize("how", few(["fit", "load"], "fit"))
def test_a_training_that_was_cut_off_ends_like_one_that_was_not(name, how, tmp_path):
    """Stop within a pass, at its end, and in the next one. A warning would be an error."""

    def data():
        import keras

        keras.utils.set_random_seed(max(0, len(seeds) - 1))  # PyTorch's, from the second on
        source = SHUFFLED[name]()
        if how == "fit":
            return source
        single = name in EXAMPLES
        return datasets.load(source, **({"batch_size": BATCH} if single else {}))

    seeds = []
    whole = build()
    arguments = counted(name)
    expected = train(whole, callbacks.Backup(tmp_path / "whole"), data=data(), **arguments)
    for at in (2, 5, 8, 11):
        seeds.append(at)
        with pytest.raises(KeyboardInterrupt):
            train(
                build(),
                *(callbacks.Backup(tmp_path / "b", every=1), Stop(at)),
                data=data(),
                **arguments,
            )
    gan = build()
    assert train(gan, callbacks.Backup(tmp_path / "b"), data=data(), **arguments) == expected
    assert all(map(np.array_equal, weights(whole), weights(gan)))


@on("torch")
def test_a_name_of_the_hub(tmp_path, monkeypatch):
    """The name is that of a local folder, which the package `datasets` accepts too."""
    (tmp_path / "data").mkdir()
    libraries.hugging_face("img", "labels").to_parquet(tmp_path / "data" / "train-0.parquet")
    loaded = datasets.load(
        f"hf:{tmp_path}", data_dir=tmp_path / "cache", labels=True, batch_size=50, shuffle=False
    )
    assert loaded.class_names == ("cat", "dog", "eel")
    images, labels = loaded[0]
    np.testing.assert_array_equal(images, uint8_images())
    np.testing.assert_array_equal(labels, LABELS)
    monkeypatch.setattr("keras_egan.datasets.examples.installed", lambda module: False)
    with pytest.raises(ImportError, match=r"Loading 'hf:a/b' needs datasets.*`pip install datase"):
        datasets.load("hf:a/b")


@on("torch")
def test_a_conditional_gan_takes_their_labels():
    gan = CONDITIONAL[0].build()
    for name in ("Hugging Face", "PyTorch's IterableDataset"):
        gan.fit(EXAMPLES[name](), batch_size=BATCH, verbose=0)
    assert int(gan.step) == 2 * STEPS


@on("torch")
def test_they_are_references():
    samples = float_images()[[45, 3]]
    for name in ("Hugging Face", "PyTorch's Dataset"):
        found = metrics.nearest(samples, EXAMPLES[name](), k=1)
        np.testing.assert_array_equal(found.indices[:, 0], [45, 3])


@on("torch")
def test_a_table_of_numbers_is_an_array():
    pandas = pytest.importorskip("pandas")
    points = np.linspace(-5, 5, 12, dtype="float32").reshape(6, 2)
    first, _ = inputs.accept(pandas.DataFrame(points), (2,))
    np.testing.assert_array_equal(first, points)


@on("torch")
def test_a_pass_of_unknown_length_needs_steps_per_epoch():
    for data in (libraries.grain_stream(), datasets.load(libraries.grain_stream())):
        with pytest.raises(ValueError, match=r"of unknown length\. Pass the number .*per_epoch="):
            train(build(), data=data)
    with pytest.raises(TypeError, match=r"is unknown\. Pass `steps_per_epoch=`"):
        len(datasets.load(libraries.grain_stream()))
    with pytest.raises(ValueError, match=r"repeats its examples without end. Omit `\.repeat"):
        train(build(), data=libraries.grain_map().repeat())


@on("torch")
def test_images_of_another_size_are_refused_and_loaded():
    table = libraries.hugging_face()
    bigger = table.map(lambda row: {"image": row["image"].resize((9, 9))})
    with pytest.raises(ValueError, match=r"shape \(16, 9, 9, 1\), but the discriminator takes"):
        train(build(), data=bigger)
    train(build(), data=datasets.load(bigger, image_size=8, batch_size=BATCH), epochs=1)


@on("torch")
def test_a_grain_iterator_goes_on_where_it_was():
    iterator = iter(libraries.grain_map().repeat(2).to_iter_dataset().batch(10))
    next(iterator)
    passes = Passes(iterator)
    for _ in range(2):
        np.testing.assert_array_equal(passes.first()[0][0], uint8_images()[10:20])
    found = [images for images, _ in passes(0, 0)]
    np.testing.assert_array_equal(found[0], uint8_images()[10:20])
    assert len(found) == 9


STATE = {
    "bytes": b"\x00state",
    "tuple": (3, (2**70, None), [1.5, "a"]),
    "array": np.arange(3, dtype="uint64"),
    "nested": {"0": {"at": 7}, "1": {"at": 8}},
    "empty": {},
}


@on("torch")
def test_states_are_kept_without_pickle():
    import torch

    state = {**STATE, "generator": torch.get_rng_state()}
    found = packing.from_bytes(packing.to_bytes(state))
    assert torch.equal(found.pop("generator"), state["generator"])
    np.testing.assert_array_equal(found.pop("array"), STATE["array"])
    assert found == {key: STATE[key] for key in found}
    assert json.dumps(packing.packed(None, "state", {})) == "null"


@on("torch")
def test_a_state_that_cannot_be_kept_is_refused_before_training(tmp_path):
    class Loader(libraries.StreamingLoader):
        def state_dict(self):
            return {"ranks": [{0: 7}]}

    gan = build()
    with pytest.raises(ValueError, match=r"a Loader, must hold .*; got \{0: 7\} at 'ranks/0'\. Ch"):
        train(gan, callbacks.Backup(tmp_path / "b"), data=Loader())
    assert int(gan.step) == 0
    train(gan, data=Loader(), epochs=1)
