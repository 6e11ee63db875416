"""`share`: a small file, a folder and a repository with a model card, and `load` of each."""

import inspect
import io
import re
import shutil
import zipfile
from contextlib import chdir, nullcontext

import h5py
import huggingface_hub
import keras
import numpy as np
import pytest
from PIL import Image

import keras_egan
from keras_egan import metrics, networks, pictures, presets
from tests.conftest import few, on
from tests.registry import CASES, CONDITIONAL, adam, float_images, given, uint8_images, weights

CARD = {"data": "Fifty squares of noise, made for tests, CC0.", "license": "cc0-1.0"}
FILES = ["README.md", "config.json", "metadata.json", "model.weights.h5", "samples.png"]


def trained(case=CASES[0], **arguments):
    gan = case.build(adam, **arguments)
    images = uint8_images(20)
    gan.fit(given(gan, images) if gan.num_classes else images, batch_size=10, verbose=0)
    return gan


def rounded(arrays):
    """Returns arrays as a shared file has them: matrices in half precision."""
    return [a.astype("float16").astype("float32") if a.ndim > 1 else a for a in arrays]


def averaged(gan):
    with gan.averaged() if gan.generator_average else nullcontext():
        return weights(gan.generator)


@pytest.mark.parametrize("average", few([0.9, None], 0.9))
def test_a_file_holds_the_average_and_half_of_the_digits(average, tmp_path):
    gan = trained(generator_average=average)
    before = weights(gan)
    keras_egan.share(gan, tmp_path / "gan.keras")
    assert all(map(np.array_equal, weights(gan), before))
    shared = keras_egan.load(tmp_path / "gan.keras")
    assert not shared.compiled
    assert shared.generator_average == average
    assert int(shared.step) == 2
    assert float(shared.k_t) == float(gan.k_t) != 0.0
    for found, expected in (
        (weights(shared.generator), averaged(gan)),
        (averaged(shared), averaged(gan)),
        (weights(shared.discriminator), weights(gan.discriminator)),
    ):
        for one, other in zip(found, rounded(expected), strict=True):
            np.testing.assert_array_equal(one, other)
    np.testing.assert_allclose(shared.sample(9, seed=3), gan.sample(9, seed=3), atol=2e-3)
    images = float_images(9)
    np.testing.assert_allclose(shared.energy(images), gan.energy(images), rtol=2e-3)
    shared.compile(adam(), adam())
    shared.fit(uint8_images(20), batch_size=10, verbose=0)
    assert int(shared.step) == 4


@on("torch")
def test_a_file_is_small(tmp_path):
    gan = presets.build("began/mnist")  # with an average
    gan.save(tmp_path / "whole.keras")
    keras_egan.share(gan, tmp_path / "shared.keras")
    whole, shared = ((tmp_path / f"{name}.keras").stat().st_size for name in ("whole", "shared"))
    counts = [network.count_params() for network in (gan.generator, gan.discriminator)]
    assert whole > 12 * sum(counts) + 4 * counts[0]
    assert shared < 2.1 * sum(counts)


@on("torch")
def test_the_weights_file_has_neither_optimizer_nor_average(tmp_path):
    keras_egan.share(trained(generator_average=0.9), tmp_path / "gan", **CARD)
    with h5py.File(tmp_path / "gan" / "model.weights.h5") as file:
        assert {*file} == {"discriminator", "generator", "layers", "vars"}
        assert {*file["layers"]} == {"training_state"}


@on("torch")
def test_what_half_precision_cannot_hold_stays(tmp_path):
    gan = trained()
    large = weights(gan.discriminator)
    large[0][0, 0] = 1e6
    gan.discriminator.set_weights(large)
    keras_egan.share(gan, tmp_path / "gan.keras")
    found = weights(keras_egan.load(tmp_path / "gan.keras").discriminator)
    np.testing.assert_array_equal(found[0], large[0])
    np.testing.assert_array_equal(found[2], rounded(large[2:])[0])


@on("torch")
def test_classes_keep_their_shares(tmp_path):
    gan = trained(CONDITIONAL[0])
    keras_egan.share(gan, tmp_path / "gan", **CARD)
    shared = keras_egan.load(tmp_path / "gan")
    np.testing.assert_array_equal(weights(shared.labels)[0], [7, 7, 6])  # of i % 3 below 20
    exec_card(tmp_path / "gan")


def exec_card(folder):
    """Runs the code of a folder's card, from beside the folder."""
    (code,) = re.findall(r"```python\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    space = {}
    with chdir(folder.parent):
        exec(code, space)
    return space


def test_a_folder_is_loaded_and_described(tmp_path):
    gan = trained(generator_average=0.9)
    folder = tmp_path / "noise"
    keras_egan.share(gan, folder, **CARD)
    assert sorted(path.name for path in folder.iterdir()) == FILES
    shared = keras_egan.load(folder)
    for network in ("generator", "discriminator"):
        by_keras = getattr(keras.saving.load_model(folder), network)
        assert all(map(np.array_equal, weights(getattr(shared, network)), weights(by_keras)))
    picture = np.asarray(Image.open(folder / "samples.png"))
    np.testing.assert_array_equal(picture, pictures.grid(shared.sample(64, seed=0)))
    card = huggingface_hub.ModelCard.load(folder / "README.md")
    assert card.data.to_dict() == {
        "library_name": "keras",
        "license": "cc0-1.0",
        "pipeline_tag": "unconditional-image-generation",
        "tags": ["gan", "keras_egan"],
    }
    assert "\n# noise\n" in card.text
    assert CARD["data"] in card.text
    assert "![Samples](samples.png)" in card.text
    space = exec_card(folder)
    assert space["images"].shape == (64, 8, 8, 1)
    assert space["energies"].shape == (64,)


@on("torch")
def test_the_card_has_the_settings(tmp_path):
    gan = trained(generator_average=0.9, augment="color")
    keras_egan.share(gan, tmp_path / "gan", **CARD)
    card = (tmp_path / "gan" / "README.md").read_text()
    rows = dict(re.findall(r"^\| (.*?) \| (.*) \|$", card, re.MULTILINE))
    assert rows["training steps"] == "2"
    assert rows["generator's weights"] == "616"  # (4 + 1) 8 + (8 + 1) 64
    assert rows["gamma"] == "0.5"
    assert rows["generator_average"] == "0.9"
    assert rows["augment"].startswith("DiffAugment")
    assert rows["d_optimizer"] == "Adam, learning rate 0.001, beta_1 0.9, beta_2 0.999"
    assert "generator" not in rows


@on("torch")
def test_the_card_has_figures_with_their_protocol(tmp_path):
    gan, rng = trained(), np.random.default_rng(0)
    result = metrics.compare(rng.normal(size=(80, 4)), rng.normal(size=(80, 4)))
    keras_egan.share(gan, tmp_path / "gan", **CARD, figures=result)
    card = (tmp_path / "gan" / "README.md").read_text()
    for name, (value, error) in result.figures.items():
        row = re.search(rf"^\| {name} \| (.*) \| (.*) \|$", card, re.MULTILINE)
        assert float(row[1]) == pytest.approx(value, rel=1e-4)
        assert float(row[2]) == pytest.approx(error, rel=0.05)
    for name, value in result.protocol.items():
        assert f"| {name} | {value} |" in card


@on("torch")
def test_other_files_of_a_folder_stay(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "README.md").write_text("old")
    keras_egan.share(trained(), tmp_path, **CARD | {"license": "My own terms"})
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*FILES, "notes.txt"])
    card = huggingface_hub.ModelCard.load(tmp_path / "README.md")
    assert card.data.license == "other"
    assert "Licence of these files: My own terms." in card.text


API, DOWNLOAD = huggingface_hub.HfApi, huggingface_hub.snapshot_download


class Hub:
    """A stub of the hub's client, which keeps what is uploaded in a folder."""

    def __init__(self, folder):
        self.folder = folder
        self.calls = []

    def create_repo(self, *args, **kwargs):
        inspect.signature(API.create_repo).bind(self, *args, **kwargs)
        self.calls.append(("create_repo", args, kwargs))

    def upload_folder(self, **kwargs):
        inspect.signature(API.upload_folder).bind(self, **kwargs)
        self.calls.append(("upload_folder", kwargs["repo_id"]))
        shutil.copytree(kwargs["folder_path"], self.folder / kwargs["repo_id"])

    def snapshot_download(self, repo_id, **kwargs):
        inspect.signature(DOWNLOAD).bind(repo_id, **kwargs)
        return str(self.folder / repo_id)


@on("torch")
@pytest.mark.parametrize("is_default", [False, True])
def test_a_repository_is_written_and_loaded(is_default, tmp_path, monkeypatch):
    gan, hub = trained(), Hub(tmp_path)
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: hub if is_default else 1 / 0)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", hub.snapshot_download)
    address = "hf://somebody/noise-8x8"
    keras_egan.share(gan, address, **CARD, api=None if is_default else hub)
    assert hub.calls == [
        ("create_repo", ("somebody/noise-8x8",), {"exist_ok": True}),
        ("upload_folder", "somebody/noise-8x8"),
    ]
    folder = tmp_path / "somebody/noise-8x8"
    assert sorted(path.name for path in folder.iterdir()) == FILES
    shared = exec_card(folder)["gan"]  # which loads the address
    assert f'keras_egan.load("{address}")' in (folder / "README.md").read_text()
    for one, other in zip(weights(shared.generator), rounded(weights(gan.generator)), strict=True):
        np.testing.assert_array_equal(one, other)


@on("torch")
def test_samples_that_are_no_images_have_no_picture(tmp_path):
    gan = keras_egan.LeastSquaresGAN(*networks.mlp(2, n_layers=1, units=4))
    keras_egan.share(gan, tmp_path, **CARD)
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES[:-1]
    assert exec_card(tmp_path)["images"].shape == (64, 2)


@on("torch")
@pytest.mark.parametrize(
    ("destination", "change", "message"),
    [
        ("gan", {"data": None}, r"^`data` must be a text for the model card; got None\. Say what"),
        ("gan", {"license": " "}, r"^`license` must be a text for the model card; got ' '"),
        ("hf://a/b", {"license": None}, "^`license` must be a text"),
        ("hf://gan", {}, r"^`destination` must name user and repository, .*; got 'hf://gan'\."),
        ("hf://a/b/c", {}, "^`destination` must name user and repository"),
        ("gan", {"figures": {"fid": 3.0}}, r"^`figures` must be a result of `metrics\.compare`"),
        ("gan.keras", {}, r"^`data` belongs to a model card, which a `\.keras` file does not have"),
        ("s3://bucket/gan", {}, "^`destination` must be a local path; got 's3://bucket/gan'"),
        ("s3://bucket/gan.keras", {"data": None, "license": None}, "^`destination` must be a loca"),
    ],
)
def test_what_cannot_be_shared_is_refused(destination, change, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        keras_egan.share(trained(), destination, **CARD | change)
    assert [*tmp_path.iterdir()] == []


@on("torch")
def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr("keras_egan.extras.installed", lambda module: False)
    for use in (
        lambda: keras_egan.share(trained(), "hf://a/b", **CARD),
        lambda: keras_egan.load("hf://a/b"),
    ):
        with pytest.raises(ImportError, match=r"hf://a/b needs huggingface_hub, .*\[hub\]"):
            use()


@on("torch")
def test_a_class_that_nobody_can_load_is_refused(tmp_path):
    class Unregistered(keras.layers.Layer):
        def call(self, x):
            return x

    gan = trained()
    z = keras.Input((4,))
    generator = keras.Model(z, gan.generator(Unregistered()(z)))
    unshared = keras_egan.BEGAN(generator, gan.discriminator)
    with pytest.raises(ValueError, match=r"(?s)cannot be opened: .*class 'Unregistered'"):
        keras_egan.share(unshared, tmp_path / "gan", **CARD)
    assert [*tmp_path.iterdir()] == []


@on("torch")
def test_a_shared_file_is_a_zip_of_what_a_folder_has(tmp_path):
    gan = trained()
    keras_egan.share(gan, tmp_path / "gan.keras")
    keras_egan.share(gan, tmp_path / "gan", **CARD)
    with zipfile.ZipFile(tmp_path / "gan.keras") as archive:
        assert sorted(archive.namelist()) == FILES[1:4]
        data = archive.read("model.weights.h5")
    found, expected = (
        h5py.File(file) for file in (io.BytesIO(data), tmp_path / "gan" / "model.weights.h5")
    )
    names = []
    expected.visit(names.append)
    for name in names:
        if isinstance(expected[name], h5py.Dataset):
            np.testing.assert_array_equal(found[name][()], expected[name][()])
