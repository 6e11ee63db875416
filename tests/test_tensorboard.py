"""SampleGrid's events for TensorBoard, read from the file on every backend."""

import io
import struct

import numpy as np
import pytest
from PIL import Image
from tensorboardX import SummaryWriter
from tensorboardX.proto.event_pb2 import Event

from keras_egan.callbacks import SampleGrid
from tests import tiny
from tests.conftest import on
from tests.registry import uint8_images

pytestmark = on("torch")


def events(folder):
    """Yield (tag, step, value) of TensorBoard's file: records between lengths and checksums."""
    (path,) = folder.iterdir()
    data = path.read_bytes()
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        event = Event.FromString(data[12 : 12 + length])
        data = data[16 + length :]
        for value in event.summary.value:
            yield value.tag, event.step, value


def test_pictures_and_figures(tmp_path):
    gan = tiny.began()
    with SummaryWriter(str(tmp_path / "log")) as writer:
        grid = SampleGrid(tmp_path / "samples", rows=2, writer=writer)
        history = gan.fit(
            uint8_images(), batch_size=16, epochs=2, verbose=0, callbacks=[grid]
        ).history
    written = list(events(tmp_path / "log"))
    pictures = [(step, value) for tag, step, value in written if tag == "samples"]
    assert [step for step, _ in pictures] == [4, 8]
    for step, value in pictures:
        shown = np.asarray(Image.open(io.BytesIO(value.image.encoded_image_string)).convert("L"))
        kept = np.asarray(Image.open(tmp_path / "samples" / f"{step:08d}.png"))
        np.testing.assert_array_equal(shown, kept)
    for name, values in history.items():
        found = [(step, value.simple_value) for tag, step, value in written if tag == name]
        assert [step for step, _ in found] == [4, 8], name
        np.testing.assert_allclose([value for _, value in found], values, rtol=1e-6)


def test_a_writer_that_fails_is_a_warning(tmp_path):
    class Full:
        def add_image(self, *args, **kwargs):
            raise OSError("disk full")

        add_scalar = add_image

    with pytest.warns(UserWarning, match="training goes on: OSError: disk full"):
        tiny.began().fit(
            uint8_images(), epochs=1, verbose=0, callbacks=[SampleGrid(tmp_path, writer=Full())]
        )
    assert (tmp_path / "00000002.png").exists()


def test_what_is_no_writer_is_refused(tmp_path):
    with pytest.raises(TypeError, match="must be a SummaryWriter"):
        SampleGrid(tmp_path, writer="log")
