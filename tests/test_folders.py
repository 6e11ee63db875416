"""The images of a folder, beside any other files."""

import numpy as np
import pytest
from PIL import Image

from keras_egan import datasets
from keras_egan.datasets.folder import Folder
from keras_egan.datasets.preparation import Preparation
from tests.conftest import on

pytestmark = on("torch")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "inner").mkdir()
    for index, name in enumerate(["a.png", "b.jpg", "inner/c.PNG", "d.bmp"]):
        image = np.full((20, 30, 3), 40 * index, "uint8")
        Image.fromarray(image).save(tmp_path / name)
    return tmp_path


def images(folder, **arguments):
    return datasets.load(folder, batch_size=100, shuffle=False, **arguments)[0][0]


def test_folders(folder):
    dataset = datasets.load(folder, image_size=16, batch_size=2, shuffle=False)
    taken = np.concatenate([batch for (batch,) in dataset])
    assert taken.shape == (4, 16, 16, 3)
    assert sorted(taken[:, 8, 8, 0]) == pytest.approx([0, 40, 80, 120], abs=2)
    assert datasets.image_shape(datasets.load(str(folder), grayscale=True)) == (20, 30, 1)


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("grayscale", [False, True])
def test_16_bits_are_scaled_to_8(suffix, grayscale, tmp_path):
    ramp = np.tile(np.linspace(0, 65535, 256).round().astype("uint16"), (4, 1))
    Image.fromarray(ramp).save(tmp_path / f"ramp.{suffix}")
    taken = images(tmp_path, grayscale=grayscale)
    assert taken.mean() == pytest.approx(127.5)
    channels = 1 if grayscale else 3
    expected = np.broadcast_to(np.arange(256)[None, None, :, None], (1, 4, 256, channels))
    np.testing.assert_array_equal(taken, expected)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photographs_are_turned_as_exif_says(orientation, tmp_path):
    """Only the top left pixel of the upright picture is white."""
    seen = np.zeros((4, 6), "uint8")
    seen[0, 0] = 255
    # The stored picture for each value of the tag: EXIF 2.32, 4.6.4.A, Orientation.
    stored = {
        1: seen,
        2: seen[:, ::-1],
        3: seen[::-1, ::-1],
        4: seen[::-1],
        5: seen.T,
        6: seen.T[::-1],
        7: seen.T[::-1, ::-1],
        8: seen.T[:, ::-1],
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(tmp_path / "photo.png", exif=exif)
    Image.fromarray(seen).save(tmp_path / "plain.png")
    taken = images(tmp_path)  # of one size, or else the folder is refused
    np.testing.assert_array_equal(taken[..., 0], [seen, seen])


def test_every_kind_of_image_becomes_rgb(tmp_path):
    red = Image.new("RGB", (4, 4), (255, 0, 0))
    clear = red.convert("RGBA")
    clear.putalpha(0)
    palette = clear.convert("P")
    palette.info["transparency"] = palette.getpixel((0, 0))
    kinds = {
        "cmyk.jpg": (red.convert("CMYK"), (255, 0, 0)),
        "palette.png": (red.convert("P"), (255, 0, 0)),
        "one_bit.png": (Image.new("1", (4, 4), 1), (255, 255, 255)),
        "grey.png": (Image.new("L", (4, 4), 90), (90, 90, 90)),
        "grey_and_alpha.png": (Image.new("LA", (4, 4), (90, 255)), (90, 90, 90)),
        "opaque.png": (red.convert("RGBA"), (255, 0, 0)),
        "transparent.png": (clear, (255, 255, 255)),
        "half.png": (Image.new("RGBA", (4, 4), (0, 0, 0, 128)), (127, 127, 127)),
        "transparent_palette.png": (palette, (255, 255, 255)),
        "transparent.webp": (clear, (255, 255, 255)),
        "first_frame.gif": (red, (255, 0, 0)),
    }
    for name, (image, _) in kinds.items():
        image.save(tmp_path / name)
    taken = images(tmp_path)
    for name, image in zip(sorted(kinds), taken, strict=True):
        np.testing.assert_allclose(image[1, 1], kinds[name][1], atol=2, err_msg=name)


def test_hidden_files_and_folders_of_an_images_name_are_passed_over(folder):
    (folder / "._a.png").write_bytes(b"what macOS leaves behind")
    (folder / ".thumbnails").mkdir()
    Image.new("RGB", (5, 5)).save(folder / ".thumbnails" / "a.png")
    (folder / "folder.jpg").mkdir()
    assert len(images(folder)) == 4


def cut(path, share=0.5):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])


@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "webp", "bmp", "tif"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.97])
def test_a_file_cut_short_is_noticed_when_it_is_loaded(suffix, share, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype="uint8")
    for name in ("a", "b"):
        Image.fromarray(noise).save(tmp_path / f"{name}.{suffix}")
    assert len(images(tmp_path)) == 2
    cut(tmp_path / f"b.{suffix}", share)
    with pytest.raises(ValueError, match=rf"1 of the 2 images .*b\.{suffix} cannot be read \("):
        datasets.load(tmp_path)


def test_a_jpeg_may_go_on_after_its_end(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg")
    with (tmp_path / "a.jpg").open("ab") as file:
        file.write(b"what a camera appends")
    assert len(images(tmp_path)) == 1


def test_unreadable_images_are_named_or_left_out(folder):
    (folder / "broken.png").write_bytes(b"not a picture")
    with pytest.raises(
        ValueError, match=r"1 of the 5 images .*broken\.png cannot be read.*`skip_unreadable=True`"
    ):
        datasets.load(folder)
    with pytest.warns(UserWarning, match=r"1 of the 5 images .*left out: .*broken\.png"):
        dataset = datasets.load(folder, skip_unreadable=True)
    assert sum(len(batch) for (batch,) in dataset) == 4


@pytest.mark.parametrize("suffix", ["heic", "HEIF", "avif"])
def test_photographs_that_pillow_cannot_read_are_named(folder, suffix, monkeypatch):
    monkeypatch.setattr("keras_egan.datasets.folder.installed", lambda module: False)
    for name in "xy":
        (folder / f"{name}.{suffix}").write_bytes(b"ftypheic of a phone")
    with pytest.raises(
        ValueError, match=rf"2 of the 6 images .*x\.{suffix} .*`pip install pillow-"
    ):
        datasets.load(folder)
    with pytest.warns(UserWarning, match=rf"2 of the 6 images .*left out: .*y\.{suffix} cannot be"):
        assert len(images(folder, skip_unreadable=True)) == 4


def test_avif_is_read_where_pillow_can(tmp_path):
    if ".avif" not in Image.registered_extensions():
        pytest.skip("this Pillow cannot")
    Image.new("RGB", (8, 6), (200, 10, 10)).save(tmp_path / "a.avif")
    np.testing.assert_allclose(images(tmp_path)[0, 3, 4], [200, 10, 10], atol=6)


def test_files_that_are_left_out_are_counted(folder):
    for name in ("notes.txt", "inner/more.TXT", "LICENSE", ".hidden.txt"):
        (folder / name).write_text("not an image")
    with pytest.warns(
        UserWarning,
        match=r"^3 of the 7 files in .* suffix .* left out: 2 of \.txt, 1 of no suffix\.$",
    ) as warned:
        assert len(images(folder)) == 4
    assert [one.filename for one in warned] == [__file__]


@pytest.mark.parametrize("share", [None, 0.5, 0.97])
def test_heic_is_read_where_its_package_is_installed(share, tmp_path):
    heif = pytest.importorskip("pillow_heif")
    picture = Image.new("RGB", (64, 48), (200, 10, 10))
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by 90 degrees
    heif.from_pillow(picture).save(tmp_path / "a.HEIC")
    heif.from_pillow(picture.rotate(90, expand=True)).save(tmp_path / "b.heif", exif=exif.tobytes())
    if share:
        cut(tmp_path / "b.heif", share)
        with pytest.raises(ValueError, match=r"1 of the 2 images .*b\.heif cannot be read \("):
            datasets.load(tmp_path)
        return
    taken = images(tmp_path)
    assert taken.shape == (2, 48, 64, 3)
    np.testing.assert_allclose(taken[:, 24, 32], [[200, 10, 10]] * 2, atol=6)
    assert ".heic" not in Image.registered_extensions()  # Pillow itself is unchanged


def test_a_folder_of_other_files_says_which(tmp_path):
    for name in ("a.npy", "b.npy", "LICENSE", ".hidden.npy"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(
        ValueError,
        match=r"holds no readable images; other files: 2 of \.npy, 1 of no suffix",
    ):
        datasets.load(tmp_path)


@pytest.mark.parametrize("mode", ["F", "I"])
def test_values_of_unknown_range_are_refused(mode, tmp_path):
    Image.fromarray(np.full((4, 4), 70_000, {"F": "float32", "I": "int32"}[mode])).save(
        tmp_path / "depth.tif"
    )
    with pytest.raises(ValueError, match=r"depth\.tif cannot be read \(its values are"):
        datasets.load(tmp_path)


def test_an_image_that_is_damaged_later_is_named_when_it_is_read(folder):
    dataset = datasets.load(folder, batch_size=8)
    cut(folder / "d.bmp")
    with pytest.raises(ValueError, match=r"d\.bmp cannot be read"):
        dataset[0]


def test_sizes_that_differ_need_image_size(folder):
    Image.new("RGB", (5, 5)).save(folder / "small.png")
    with pytest.raises(ValueError, match=r"differ in size: .* Pass `image_size=`"):
        datasets.load(folder)
    assert len(images(folder, image_size=8)) == 5
    with pytest.raises(
        ValueError, match=r"`crop_size` must fit .* \(8, 8\), but .*small\.png is 5x5"
    ):
        datasets.load(folder, crop_size=8)


@pytest.mark.parametrize("size", [(896, 1200), (898, 1204), (901, 1203)])
def test_a_jpeg_decoded_at_a_fraction_is_as_near_to_the_picture_as_one_decoded_whole(
    size, tmp_path
):
    coarse = np.random.default_rng(0).integers(0, 256, (12, 9, 3), "uint8")
    picture = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    picture.save(tmp_path / "1.jpg", quality=90)

    def small(image):
        width, height = size
        box = 0, (height - width) / 2, width, (height + width) / 2
        square = image.resize((32, 32), Image.Resampling.BICUBIC, box)
        return np.asarray(square).astype(int)

    def error(values):
        return np.abs(values - small(picture)).mean()

    (got,) = images(tmp_path, image_size=32)
    with Image.open(tmp_path / "1.jpg") as whole:
        assert error(got.astype(int)) < error(small(whole)) + 1.0  # of 255 levels


def test_linked_folders_are_read_and_loops_end(folder):
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir()
    Image.new("RGB", (30, 20), "white").save(elsewhere / "e.png")
    (folder / "linked").symlink_to(elsewhere)
    (elsewhere / "loop").symlink_to(folder)
    dataset = datasets.load(folder, image_size=16, shuffle=False)
    (taken,) = dataset[0]
    assert len(taken) == 5
    assert taken[-1].min() == 255  # "linked/e.png" is the last by name


def test_a_run_inside_is_left_out_unless_it_is_the_source(folder):
    run = folder / "run"
    (run / "samples").mkdir(parents=True)
    for name in ("run.json", "images.npz"):
        (run / name).write_text("")
    Image.new("RGB", (30, 20)).save(run / "samples" / "0001.png")
    assert len(images(folder)) == 4
    assert len(images(run / "samples")) == 1


@pytest.mark.parametrize("suffix", [".pgm", ".PNM", ".tga", ".jpe"])
def test_formats_that_are_rare(suffix, tmp_path):
    Image.new("L", (30, 20), 128).save(tmp_path / f"a{suffix}")
    assert images(tmp_path).mean() == pytest.approx(128, abs=1)


def test_a_png_is_not_decoded_to_learn_its_size(folder, monkeypatch):
    def load(self):
        raise AssertionError

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", load)
    for file in ("b.jpg", "d.bmp"):
        (folder / file).unlink()
    assert Folder(folder, Preparation(16)).sizes == [(30, 20)] * 2
