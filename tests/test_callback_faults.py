"""A callback that fails does not end the training, and memory and files stay bounded."""

import gc
import os

import keras
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from keras_egan.callbacks import EquilibriumLogger, SampleGrid, _equilibrium_plot
from keras_egan.callbacks._files import append
from tests.conftest import on
from tests.registry import uint8_images
from tests.test_callbacks import COLUMNS, build, frames, names, read

pytestmark = on("torch")

LOGGER = "keras_egan.callbacks._equilibrium_logger"


def train(*callbacks, epochs=2, **arguments):
    """Train for four steps per epoch."""
    gan = build(**arguments)
    gan.fit(uint8_images(), batch_size=16, epochs=epochs, verbose=0, callbacks=list(callbacks))
    assert int(gan.step) == 4 * epochs


def messages(record):
    """Return the warnings that are meant for users."""
    return [str(warning.message) for warning in record if warning.category is UserWarning]


def kinds(record):
    return [message.partition(":")[0] for message in messages(record)]


def test_pictures_that_cannot_be_written_or_read(tmp_path):
    for name in ("00000004.png", "00000008.png", "samples.gif"):
        (tmp_path / name).mkdir()
    with pytest.warns(UserWarning, match="training goes on") as record:
        train(SampleGrid(tmp_path, rows=1), epochs=3)
    assert kinds(record) == [
        "Drawing samples failed, and training goes on",
        f"Reading pictures of {tmp_path} failed, and training goes on",
        "Writing the animation of the samples failed, and training goes on",
    ]
    assert "IsADirectoryError" in messages(record)[0]
    assert names(tmp_path) == ["00000004.png", "00000008.png", "00000012.png", "samples.gif"]
    assert (tmp_path / "00000012.png").is_file()


def test_a_damaged_picture_is_left_out_of_the_animation(tmp_path):
    (tmp_path / "00000001.png").write_bytes(b"no picture")
    with pytest.warns(UserWarning, match="Reading pictures of .* failed, and training goes on"):
        train(SampleGrid(tmp_path, rows=1))
    assert frames(tmp_path / "samples.gif") == 2


def test_samples_that_cannot_be_drawn(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise MemoryError("no room")

    monkeypatch.setattr("keras_egan.BEGAN.sample", fail)
    with pytest.warns(UserWarning, match="training goes on") as record:
        train(SampleGrid(tmp_path, every=1))
    assert messages(record) == [
        "Drawing samples failed, and training goes on: MemoryError: no room"
    ]


def test_a_plot_that_cannot_be_written(tmp_path):
    (tmp_path / "log.png").mkdir()
    with pytest.warns(UserWarning, match="training goes on") as record:
        train(EquilibriumLogger(tmp_path / "log.csv"))
    assert kinds(record) == ["Drawing the equilibrium failed, and training goes on"]
    assert len(read(tmp_path / "log.csv")[1]) == 8


def test_a_place_that_cannot_be_written_to_is_refused_before_training(tmp_path):
    (tmp_path / "file").touch()
    for callback in (SampleGrid(tmp_path / "file"), EquilibriumLogger(tmp_path / "file" / "a.csv")):
        gan = build()
        with pytest.raises(OSError, match="file"):
            gan.fit(uint8_images(), verbose=0, callbacks=[callback])
        assert int(gan.step) == 0


@pytest.mark.parametrize(("kept", "expected"), [(100, [*range(1, 17)]), (7, [*range(6, 17)])])
def test_rows_that_could_not_be_written_wait_for_the_next_try(
    kept, expected, tmp_path, monkeypatch
):
    tries = []

    def full_twice(path, text):
        tries.append(path)
        if len(tries) < 3:
            raise OSError("No space left")
        append(path, text)

    monkeypatch.setattr(f"{LOGGER}.append", full_twice)
    monkeypatch.setattr(f"{LOGGER}.ROWS_KEPT", kept)
    path = tmp_path / "log.csv"
    with pytest.warns(UserWarning, match="training goes on") as record:
        train(EquilibriumLogger(path), epochs=4)
    assert kinds(record) == [f"Writing {path} failed, and training goes on"]
    assert [row[0] for row in read(path)[1]] == expected


def test_a_text_that_does_not_fit_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("a" * 90)
    resource = pytest.importorskip("resource")  # missing on Windows
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            append(path, "b" * 50)  # ten of these bytes are written
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert path.read_text() == "a" * 90
    append(path, "b")
    assert path.read_text() == "a" * 90 + "b"


def test_more_pictures_than_files_may_be_open(tmp_path):
    for i in range(40):
        Image.new("L", (8, 8), i).save(tmp_path / f"{i:08d}.png")
    grid = SampleGrid(tmp_path)
    grid.set_model(build())
    grid.on_train_begin()
    free = os.dup(0)
    os.close(free)
    resource = pytest.importorskip("resource")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + 20, limits[1]))
    try:
        grid.on_train_end()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert frames(tmp_path / "samples.gif") == 40


def test_a_callback_that_fails_though_it_may_be_late_ends_the_training(tmp_path):
    class Fails(keras.callbacks.Callback):
        async_safe = True

        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train(Fails(), EquilibriumLogger(tmp_path / "log.csv"))


def test_figures_drawn_before_are_let_go(tmp_path):
    """Figures are in reference cycles, which Python rarely collects beside many other objects."""
    table = tmp_path / "log.csv"
    table.write_text(f"{','.join(COLUMNS)}\n{'1,' * 7}1\n")
    gc.collect()
    others = [thing for thing in gc.get_objects() if type(thing) is Figure]  # of other tests
    gc.disable()
    try:
        for _ in range(3):
            _equilibrium_plot.draw(table, tmp_path / "plot.png")
        figures = [thing for thing in gc.get_objects() if type(thing) is Figure]
        assert len(figures) == len(others)
    finally:
        gc.enable()


def test_curves_have_few_points(monkeypatch):
    monkeypatch.setattr(_equilibrium_plot, "BINS", 8)
    rows = np.random.default_rng(0).normal(size=(1001, 3))
    blocks = rows[: 126 * 7].reshape(7, 126, 3)
    expected = np.stack([blocks.mean(axis=1), blocks.min(axis=1), blocks.max(axis=1)], axis=1)
    np.testing.assert_allclose(_equilibrium_plot.binned(rows), expected, rtol=1e-12)


def test_curves_and_their_bands():
    """L(x) falls from 2 to 1, L(G(z)) is noise, and gamma goes from 0.5 to 0.25."""
    steps = np.arange(1, 10_001)
    real, fake = 2.0 - steps / 10_000, np.random.default_rng(0).uniform(1.0, 3.0, 10_000)
    gamma = np.where(steps <= 5000, 0.5, 0.25)
    table = dict.fromkeys(COLUMNS, np.ones(10_000))
    table |= {"step": steps, "real_energy": real, "fake_energy": fake}
    table["balance"] = gamma * real - fake
    table = np.stack([table[name] for name in COLUMNS], axis=1)
    axes = _equilibrium_plot.picture(COLUMNS, table).axes
    assert [axis.get_ylabel() for axis in axes] == ["energy", "k_t", "m_global"]
    assert axes[0].get_yscale() == "log"
    lines = {line.get_label(): line.get_xydata() for line in axes[0].lines}
    x, y = lines["L(x)"].T
    falling = 2.0 - (x - 47.5) / 10_000  # means over 20 of the 2,000 bins, which are 100 steps
    np.testing.assert_allclose(y, falling, rtol=1e-9)
    y = lines["gamma L(x)"][:, 1]
    away = abs(x - 5000) > 100
    expected = np.where(x < 5000, 0.5, 0.25) * falling
    np.testing.assert_allclose(y[away], expected[away], rtol=1e-9)
    band = axes[0].lines[3].get_ydata()
    assert (band.min(), band.max()) == (fake.min(), fake.max())
