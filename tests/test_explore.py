"""The page of `keras_egan explore`: the functions of its controls, and what they are joined to."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest
from PIL import Image

import keras_egan
from keras_egan import cli, networks, pictures, presets
from keras_egan.automatic import explore
from keras_egan.extras import installed
from tests.conftest import on
from tests.registry import CASES, CONDITIONAL, float_images, uint8_images
from tests.test_cli import save

pytestmark = on("torch")

STILL = [0.0] * 4  # latents have four numbers, so that there are four sliders


def test_directions_are_the_singular_vectors_of_a_linear_generator():
    rng = np.random.default_rng(0)
    left, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    right, _ = np.linalg.qr(rng.normal(size=(12, 5)))
    matrix = left @ np.diag([1.0, 5.0, 3.0, 0.5, 2.0]) @ right.T
    latents = rng.uniform(-1, 1, (40, 5))
    samples = (latents @ matrix + 0.3).reshape(40, 3, 4, 1)
    found = explore.directions(latents, samples, 3)
    assert found.shape == (3, 5)
    for direction, column in zip(found, (1, 2, 4), strict=True):
        brighter = np.sign(right[:, column].sum())
        np.testing.assert_allclose(direction, brighter * left[:, column], atol=1e-5)


@pytest.fixture(scope="module")
def explorer():
    return explore.Explorer(CASES[0].build(), uint8_images())


def large(images):
    """Returns the picture of images of 8 by 8, in rows, with each pixel enlarged to a square."""
    picture = pictures.grid(images)
    factor = 640 // max(picture.shape)
    return np.kron(picture, np.ones((factor, factor), "uint8"))


def test_sliders_in_the_middle_show_the_samples_of_the_seed(explorer):
    expected = explorer.gan.sample(16, seed=3)
    np.testing.assert_allclose(explorer.samples(3, 0, *STILL), expected, atol=1e-6)
    np.testing.assert_array_equal(explorer.grid(3, 0, *STILL), large(expected))


def test_sliders_move_the_latents_within_their_range(explorer):
    gan = explorer.gan
    z = gan.draw_latents(16, 3)
    first, third = explorer.directions[[0, 2]]
    assert np.linalg.norm(explorer.directions, axis=1) == pytest.approx([1] * 4)
    moved = z + (2.0 * first - 0.5 * third) * np.sqrt(1 / 3)  # the deviation of U[-1, 1]
    expected = gan.generate(moved.clip(-1, 1).astype("float32"))
    found = explorer.samples(3, 0, 2.0, 0.0, -0.5, 0.0)
    np.testing.assert_allclose(found, expected, atol=0.02)  # of the deviation of 4,000 numbers
    assert np.abs(found - gan.generate(z)).max() > 0.05


def test_normal_latents_are_not_bounded():
    gan = CASES[0].build(latents="normal")
    explorer = explore.Explorer(gan)
    moved = gan.draw_latents(16, 3) + 3.0 * explorer.deviation * explorer.directions[0]
    assert explorer.deviation == pytest.approx(1.0, abs=0.05)
    np.testing.assert_allclose(explorer.samples(3, 0, 3.0), gan.generate(moved), atol=1e-6)


def test_between_two_seeds(explorer):
    gan = explorer.gan
    a, b = gan.draw_latents(6, 1), gan.draw_latents(6, 2)
    share = np.linspace(0, 1, 8)[None, :, None]
    path = (a[:, None] * (1 - share) + b[:, None] * share).reshape(48, 4).astype("float32")
    rows = gan.generate(path).reshape(6, 8, 8, 8, 1)
    difference = explorer.between(1, 2, 0).astype(int) - large(rows)
    assert np.abs(difference).max() <= 1  # of 255, by rounding


def test_nearest_images_are_those_of_a_search_through_all(explorer):
    samples = explorer.samples(5, 0, *STILL)[:6]
    images = float_images()
    squares = ((samples[:, None] - images[None]) ** 2).sum(axis=(2, 3, 4))
    order = squares.argsort(axis=1)[:, :7]
    rows = np.concatenate([samples[:, None], images[order]], axis=1)
    np.testing.assert_array_equal(explorer.nearest(5, 0, *STILL), large(rows))


def test_an_energy_is_placed_among_those_of_samples_and_images(explorer):
    gan = explorer.gan
    picture = uint8_images(1, seed=9)[0]
    seen, said = explorer.judge(Image.fromarray(picture[..., 0]), 0)
    energy = gan.energy(picture[None])[0]
    samples = gan.energy(gan.sample(1000, seed=0)[:500])
    images = gan.energy(uint8_images())
    shares = [f"{(of > energy).mean():.0%} of {len(of)}" for of in (samples, images)]
    assert said == (
        f"Energy {energy:.4g}, lower than that of {shares[0]} samples and {shares[1]} "
        "training images."
    )
    floats = picture[None].astype("float32") / 127.5 - 1
    reconstruction = keras.ops.convert_to_numpy(gan.discriminator(floats))
    np.testing.assert_array_equal(seen, large(np.concatenate([floats, reconstruction.clip(-1, 1)])))
    assert explorer.judge(None, 0) == (None, "")


def test_a_photograph_is_cropped_and_made_grey(explorer):
    colours = np.zeros((20, 40, 3), "uint8")
    colours[:, 10:30] = (255, 0, 0)  # the square in the middle is red
    seen, _ = explorer.judge(Image.fromarray(colours), 0)
    half = seen.shape[1] // 2
    assert {*np.unique(seen[half // 4 : -half // 4, half // 4 : -half - half // 4])} == {76}  # 0.3


def test_a_critic_shows_no_reconstruction():
    explorer = explore.Explorer(CASES[3].build())
    seen, said = explorer.judge(Image.fromarray(uint8_images(1)[0, ..., 0]), 0)
    np.testing.assert_array_equal(seen, large(float_images(1)))
    assert said.endswith("of 500 samples.")


def test_a_gan_with_classes_shows_one():
    gan = CONDITIONAL[0].build()
    explorer = explore.Explorer(gan, uint8_images())
    expected = gan.sample(16, seed=3, labels=2)
    np.testing.assert_allclose(explorer.samples(3, 2, *STILL), expected, atol=1e-6)
    picture = uint8_images(1)
    _, said = explorer.judge(Image.fromarray(picture[0, ..., 0]), 2)
    assert said.startswith(f"Energy {gan.energy(picture, labels=2)[0]:.4g}, ")
    assert "training images" not in said  # whose classes nobody has told


def test_vectors_are_refused():
    gan = keras_egan.LeastSquaresGAN(*networks.mlp(2, n_layers=1, units=4))
    with pytest.raises(ValueError, match=r"`model` must make images; it makes samples of \(2,\)"):
        explore.Explorer(gan)


PAGE = """
import json

from keras_egan.automatic import explore
from tests.registry import CASES, uint8_images

gan, found = CASES[0].build(), []
for images in (uint8_images(), None):
    events = explore.page(gan, images, "tiny").fns.values()
    found.append({e.fn.__name__: (len(e.inputs), len(e.outputs)) for e in events})
    (grid,) = (event.fn for event in events if event.fn.__name__ == "grid")
    found.append(grid(0, 0, 0, 0, 0, 0).shape)
print(json.dumps(found))
"""


@pytest.mark.slow
@pytest.mark.skipif(not installed("gradio"), reason="needs gradio")
def test_the_page_joins_the_controls_to_the_functions():
    """In a process of its own, because gradio leaves sockets open."""
    done = subprocess.run([sys.executable, "-c", PAGE], capture_output=True, text=True, check=True)
    with_images, shape, without, _ = json.loads(done.stdout.splitlines()[-1])
    joined = {"grid": [6, 1], "between": [3, 1], "judge": [2, 2]}  # seed, class and four sliders
    assert with_images == {**joined, "nearest": [6, 1], "<lambda>": [0, 4]}
    assert without == {**joined, "<lambda>": [0, 4]}
    assert shape == [640, 640]


class Launched:
    def __init__(self):
        self.given = None

    def __call__(self, gan, images, name):
        self.given = gan, images, name
        return self

    def launch(self, **arguments):
        self.arguments = arguments


@pytest.fixture
def launched(monkeypatch):
    stub = Launched()
    monkeypatch.setattr(explore, "page", stub)
    return stub


def test_the_command_takes_images_of_a_folder(launched, tmp_path):
    CASES[0].build().save(tmp_path / "gan.keras")
    photos = save(tmp_path / "photos", uint8_images(5))
    assert cli.main(["explore", str(tmp_path / "gan.keras"), "--data", photos]) == 0
    np.testing.assert_array_equal(launched.given[1], uint8_images(5))
    assert launched.arguments == {"server_port": None, "show_error": True}


def test_the_command_takes_a_name_and_a_shared_folder(launched, tmp_path):
    keras_egan.share(CASES[0].build(), tmp_path / "shared", data="Noise.", license="cc0-1.0")
    for model in (presets.trained()[0], str(tmp_path / "shared")):
        assert cli.main(["explore", model, "--port", "7999"]) == 0
        assert launched.given[1:] == (None, model)
    assert launched.arguments["server_port"] == 7999


def test_without_gradio_the_extra_is_named(monkeypatch, capsys):
    monkeypatch.setattr("keras_egan.extras.installed", lambda module: False)
    assert cli.main(["explore", "began/mnist"]) == 1
    assert "The page needs gradio, which is not installed." in capsys.readouterr().err
