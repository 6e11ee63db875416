"""SampleGrid and EquilibriumLogger."""

import csv
import random
import re

import keras
import numpy as np
import pytest
from PIL import Image

import keras_egan
from keras_egan.callbacks import EquilibriumLogger, SampleGrid
from tests.conftest import on
from tests.registry import EAGERLY, tiny_critic, tiny_networks, uint8_images

COLUMNS = [
    "step", "d_loss", "g_loss", "real_energy", "fake_energy", "k_t", "balance", "m_global",
]  # fmt: skip


def build(image_shape=(8, 8, 1), **arguments):
    gan = keras_egan.BEGAN(*tiny_networks(image_shape), seed=1)
    gan.compile("sgd", "sgd", **{**EAGERLY, **arguments})
    return gan


def read(path):
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    return rows[0], [[float(value) for value in row] for row in rows[1:]]


def picture(path):
    with Image.open(path) as image:
        return np.asarray(image)


def frames(path):
    with Image.open(path) as image:
        return image.n_frames


def names(directory):
    return sorted(path.name for path in directory.iterdir())


@on("torch")
def test_a_grid_an_epoch_and_an_animation(tmp_path):
    directory = tmp_path / "new" / "samples"
    gan = build()
    gan.fit(
        uint8_images(),
        batch_size=16,
        epochs=2,
        verbose=0,
        callbacks=[SampleGrid(directory, rows=2)],
    )
    assert names(directory) == ["00000004.png", "00000008.png", "samples.gif"]
    expected = np.round((gan.sample(16, seed=0)[..., 0] + 1) * 127.5)
    shown = picture(directory / "00000008.png")
    assert shown.shape == (16, 64)
    for row in range(2):
        for column in range(8):
            cell = shown[8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
            np.testing.assert_array_equal(cell, expected[8 * row + column])
    assert frames(directory / "samples.gif") == 2


@on("torch")
def test_a_grid_every_few_steps_continues_when_training_resumes(tmp_path):
    gan = build()
    for _ in range(2):
        gan.fit(
            uint8_images(),
            batch_size=16,
            epochs=2,
            verbose=0,
            callbacks=[SampleGrid(tmp_path, every=3)],
        )
    steps = [3, 6, 9, 12, 15]
    assert names(tmp_path) == [f"{step:08d}.png" for step in steps] + ["samples.gif"]
    assert frames(tmp_path / "samples.gif") == 5


def test_the_picture_of_a_step_shows_the_weights_after_it(tmp_path):
    gan = build()
    gan.fit(
        uint8_images(),
        batch_size=16,
        steps_per_epoch=3,
        shuffle=False,
        verbose=0,
        callbacks=[SampleGrid(tmp_path / "all", every=1)],
    )
    random.seed(0)
    for steps in (1, 3):
        random.seed(5)
        gan = build()
        gan.fit(
            uint8_images(),
            batch_size=16,
            steps_per_epoch=steps,
            shuffle=False,
            verbose=0,
            callbacks=[SampleGrid(tmp_path / "one", every=steps)],
        )
        expected = np.round((gan.sample(64, seed=0)[0, ..., 0] + 1) * 127.5)
        shown = picture(tmp_path / "one" / f"{steps:08d}.png")[:8, :8]
        np.testing.assert_array_equal(shown, expected)
    assert names(tmp_path / "all")[:3] == ["00000001.png", "00000002.png", "00000003.png"]


@on("torch")
def test_color_and_channels_first(tmp_path):
    gan = build((8, 8, 3))
    gan.fit(uint8_images(16, (8, 8, 3)), verbose=0, callbacks=[SampleGrid(tmp_path)])
    assert picture(tmp_path / "00000001.png").shape == (64, 64, 3)
    keras.config.set_image_data_format("channels_first")
    try:
        gan = build((3, 8, 10))
        gan.fit(uint8_images(16, (3, 8, 10)), verbose=0, callbacks=[SampleGrid(tmp_path / "cf")])
    finally:
        keras.config.set_image_data_format("channels_last")
    shown = picture(tmp_path / "cf" / "00000001.png")
    expected = np.round((gan.sample(64, seed=0)[9] + 1) * 127.5).transpose(1, 2, 0)
    np.testing.assert_array_equal(shown[8:16, 10:20], expected)


@on("torch")
@pytest.mark.parametrize("value", [0, 2.5, True, "3", np.float32(3)])
@pytest.mark.parametrize("argument", ["every", "rows", "columns"])
def test_a_grid_of_nothing_is_refused(argument, value, tmp_path):
    message = f"`{argument}` must be a whole number, 1 or more; got {value!r}."
    with pytest.raises(ValueError, match=re.escape(message)):
        SampleGrid(tmp_path, **{argument: value})


@on("torch")
@pytest.mark.parametrize("seed", [-1, 0.5, "0"])
def test_seeds_that_numpy_would_refuse_later_are_refused(seed, tmp_path):
    with pytest.raises(ValueError, match="`seed` must be a whole number, 0 or more; got"):
        SampleGrid(tmp_path, seed=seed)


@on("torch")
def test_numpy_integers_are_numbers(tmp_path):
    gan = build()
    # The labels' own type could not count 128 and more.
    three, two = np.int8(3), np.uint8(2)
    grid = SampleGrid(tmp_path / "samples", every=three, rows=two, columns=two, seed=np.int64(7))
    logger = EquilibriumLogger(tmp_path / "log.csv", every=three)
    gan.step.assign(298)
    gan.fit(uint8_images(), batch_size=16, verbose=0, callbacks=[grid, logger])
    assert names(tmp_path / "samples") == ["00000300.png", "samples.gif"]
    assert picture(tmp_path / "samples" / "00000300.png").shape == (16, 16)
    assert [row[0] for row in read(tmp_path / "log.csv")[1]] == [300]


@on("torch")
def test_what_cannot_be_shown_is_refused_before_training(tmp_path):
    gan = build((8, 8, 2))
    with pytest.raises(ValueError, match="images of 1, 3 or 4 channels"):
        gan.fit(uint8_images(16, (8, 8, 2)), verbose=0, callbacks=[SampleGrid(tmp_path)])
    assert int(gan.step) == 0


def test_a_row_a_step_with_that_steps_figures(tmp_path):
    seen = []

    class Rows(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append([float(logs[name]) for name in COLUMNS[1:]])

    path = tmp_path / "new" / "log.csv"
    build().fit(
        uint8_images(),
        batch_size=16,
        epochs=2,
        verbose=0,
        callbacks=[EquilibriumLogger(path), Rows()],
    )
    columns, rows = read(path)
    assert columns == COLUMNS
    assert [row[0] for row in rows] == list(range(1, 9))
    np.testing.assert_allclose([row[1:] for row in rows], seen, rtol=1e-6)
    assert picture(path.with_suffix(".png")).shape[1] == 800
    assert names(path.parent) == ["log.csv", "log.png"]


@on("torch")
def test_rows_arrive_in_order_without_waiting_for_the_device(tmp_path):
    path = tmp_path / "log.csv"
    build(run_eagerly=False).fit(
        uint8_images(200), batch_size=2, epochs=2, verbose=0, callbacks=[EquilibriumLogger(path)]
    )
    _, rows = read(path)
    assert [row[0] for row in rows] == list(range(1, 201))


@on("torch")
def test_long_epochs_are_written_on_the_way(tmp_path, monkeypatch):
    monkeypatch.setattr("keras_egan.callbacks._equilibrium_logger.ROWS_HELD", 20)
    sizes = []

    class Sizes(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            sizes.append(len(read(path)[1]))

    path = tmp_path / "log.csv"
    build(run_eagerly=False).fit(
        uint8_images(100), batch_size=2, verbose=0, callbacks=[EquilibriumLogger(path), Sizes()]
    )
    assert 0 < sizes[-1] < 50
    assert [row[0] for row in read(path)[1]] == list(range(1, 51))


@on("torch")
def test_every_few_steps(tmp_path):
    path = tmp_path / "log.csv"
    build().fit(
        uint8_images(), batch_size=16, epochs=3, verbose=0, callbacks=[EquilibriumLogger(path, 5)]
    )
    assert [row[0] for row in read(path)[1]] == [5, 10]


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="Keras refuses it on PyTorch")
def test_several_steps_an_execution(tmp_path):
    path = tmp_path / "log.csv"
    gan = build(run_eagerly=False, steps_per_execution=3)
    gan.fit(
        uint8_images(),
        batch_size=16,
        epochs=2,
        verbose=0,
        callbacks=[EquilibriumLogger(path), SampleGrid(tmp_path / "samples", every=4)],
    )
    assert [row[0] for row in read(path)[1]] == [3, 4, 7, 8]
    assert names(tmp_path / "samples")[:2] == ["00000004.png", "00000008.png"]


def test_a_log_is_continued_and_rows_of_lost_steps_give_way(tmp_path):
    path = tmp_path / "log.csv"
    gan = build()
    gan.fit(uint8_images(), batch_size=16, verbose=0, callbacks=[EquilibriumLogger(path)])
    whole = path.read_text()
    with path.open("a") as file:
        file.write("5" + ",0.0" * 7 + "\n6,0.0,0.")  # of steps that were not saved, one cut short
    gan.fit(uint8_images(), batch_size=16, verbose=0, callbacks=[EquilibriumLogger(path)])
    assert [row[0] for row in read(path)[1]] == list(range(1, 9))
    assert path.read_text().startswith(whole)
    assert all(row[1] != 0.0 for row in read(path)[1])


@on("torch")
def test_another_models_log_is_not_overwritten(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("step,margin\n1,0.5\n")
    with pytest.raises(ValueError, match="has the columns step, margin, but this model logs step"):
        build().fit(uint8_images(), verbose=0, callbacks=[EquilibriumLogger(path)])
    assert path.read_text() == "step,margin\n1,0.5\n"


@on("torch")
@pytest.mark.parametrize("value", [0, 2.5, True, "3"])
def test_every_must_be_positive(value, tmp_path):
    with pytest.raises(
        ValueError, match=f"`every` must be a whole number, 1 or more; got {value!r}"
    ):
        EquilibriumLogger(tmp_path / "log.csv", every=value)


@on("torch")
@pytest.mark.parametrize("name", ["eq.png", "eq.PNG", "eq.jpg"])
def test_a_log_that_its_picture_would_overwrite_is_refused(name, tmp_path):
    with pytest.raises(
        ValueError, match=r"`filename` must be a table such as .*eq\.csv'; got '.*" + name
    ):
        EquilibriumLogger(tmp_path / name)


@on("torch")
@pytest.mark.parametrize("offset", [5.0, -5.0])
def test_energies_of_either_sign_are_drawn(offset, tmp_path):
    """The line of L(x) crosses the picture. Below 0 the scale cannot be logarithmic."""
    critic = tiny_critic()
    critic.layers[-1].bias.assign([offset])
    gan = keras_egan.LeastSquaresGAN(tiny_networks()[0], critic, seed=1)
    gan.compile(keras.optimizers.SGD(1e-4), keras.optimizers.SGD(1e-4))
    path = tmp_path / "log.csv"
    gan.fit(uint8_images(), batch_size=5, verbose=0, callbacks=[EquilibriumLogger(path)])
    blue = (31, 119, 180)  # Matplotlib's first colour
    drawn = (picture(path.with_suffix(".png"))[..., :3] == blue).all(axis=-1)
    assert drawn.any(axis=0).sum() > 400
