"""AUROC and AUPRO of detectors, and folders laid out as MVTec AD is."""

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from keras_egan import anomaly
from keras_egan.anomaly import aupro, evaluate, load_mvtec
from tests.conftest import on

pytestmark = on("torch")


def scene(seed=0):
    """Return coarse maps with many ties, and the abnormal regions, one mask each."""
    rng = np.random.default_rng(seed)
    regions = np.zeros((4, 5, 9, 8), bool)
    regions[0, 0, 1:4, 1:3] = True
    regions[1, 0, [6, 7, 8], [5, 6, 7]] = True  # regions that touch at corners only
    regions[2, 1, 0, 0] = True
    regions[3, 4, 2:9, 0:7] = True
    maps = rng.integers(0, 12, (5, 9, 8)) + 4.0 * regions.any(axis=0)
    return maps, regions


def smooth_scene(seed=0):
    """Returns larger maps without ties, and the regions, of which some touch or overlap."""
    rng = np.random.default_rng(seed)
    regions = np.zeros((12, 12, 48, 48), bool)
    for index, region in enumerate(regions):
        (row, column), (height, width) = rng.integers(0, 36, 2), rng.integers(2, 12, 2)
        region[index // 3 * 2, row : row + height, column : column + width] = True
    maps = rng.normal(size=(12, 48, 48)) + 1.5 * regions.any(axis=0)
    return gaussian_filter(maps, (0, 1, 1)), regions


# From anomalib 2.7.0, which needs more than a test should: `_AUPRO(fpr_limit=limit)` of its
# anomalib/metrics/aupro.py, whose `update` got `torch.from_numpy` of the maps and of
# `regions.any(axis=0)` as integers. It computes in float32.
ANOMALIB = {
    (scene, 0.05): 0.33602583408355713,
    (scene, 0.3): 0.4902310073375702,
    (scene, 1.0): 0.8179354071617126,
    (smooth_scene, 0.05): 0.7442095875740051,
    (smooth_scene, 0.3): 0.9000442028045654,
    (smooth_scene, 1.0): 0.9655069708824158,
}


@pytest.mark.parametrize(("make", "limit"), ANOMALIB)
def test_aupro_of_anomalib(make, limit):
    maps, regions = make()
    found = aupro(maps, regions.any(axis=0), limit)
    assert found == pytest.approx(ANOMALIB[make, limit], rel=1e-6)


@pytest.mark.parametrize("limit", [0.05, 0.3, 1.0])
def test_aupro_by_its_definition(limit):
    """Compute each threshold separately; go straight on from the last point below `limit`."""
    maps, regions = scene()
    masks = regions.any(axis=0)
    points = [(0.0, 0.0)]
    for threshold in np.unique(maps)[::-1]:
        above = maps >= threshold
        points.append((above[~masks].mean(), np.mean([above[region].mean() for region in regions])))
    x, y = np.transpose(points)
    steps = np.linspace(0, limit, 200_001)
    expected = np.interp(steps, x, y).mean()
    assert aupro(maps, masks, limit) == pytest.approx(expected, abs=1e-4)


def test_aupro_of_known_maps():
    _, regions = scene()
    masks = regions.any(axis=0)
    assert aupro(masks * 1.0, masks) == pytest.approx(1.0, abs=1e-12)
    assert aupro(np.zeros(masks.shape), masks) == pytest.approx(0.15, abs=1e-12)
    assert aupro(-1.0 * masks, masks) == 0.0
    # One region of four is found first, and the others after all normal pixels.
    assert aupro(regions[2] - 1.0 * (masks & ~regions[2]), masks) == pytest.approx(0.25, abs=1e-12)


class Detector:
    def __init__(self, scores, maps):
        self.scores, self.maps = scores, maps

    def decision_function(self, images):
        return self.scores

    def anomaly_map(self, images):
        return self.maps


def area(positive, negative):
    """Return the share of pairs in the right order; ties count half."""
    one, other = positive[:, None], negative[None]
    return ((one > other) + 0.5 * (one == other)).mean()


def test_the_figures_of_a_detector():
    maps, regions = scene()
    masks = regions.any(axis=0)
    scores = np.array([3.0, 1.0, 2.0, 1.0, 4.0])
    found = evaluate(Detector(scores, maps), None, masks)
    assert found.image_auroc == area(scores[[0, 1, 4]], scores[[2, 3]])
    assert found.pixel_auroc == pytest.approx(area(maps[masks], maps[~masks]), abs=1e-12)
    assert found.aupro == aupro(maps, masks)
    assert (found.normal, found.abnormal, found.regions) == (2, 3, 4)
    good = evaluate(Detector(scores, maps), None, np.zeros_like(masks))
    assert np.isnan([good.image_auroc, good.pixel_auroc, good.aupro]).all()
    assert (good.normal, good.abnormal, good.regions) == (5, 0, 0)


def test_figures_refuse_what_does_not_fit():
    maps, regions = scene()
    masks = regions.any(axis=0)
    with pytest.raises(ValueError, match=r"`masks` must have the shape .*\(5, 8, 8\) and \(5, 9,"):
        aupro(maps, masks[:, 1:])
    with pytest.raises(ValueError, match=r"`limit` must be in \(0, 1\]; got 0"):
        aupro(maps, masks, 0)
    for one in (np.zeros_like(masks), np.ones_like(masks)):
        with pytest.raises(ValueError, match="`masks` must have normal and abnormal pixels"):
            aupro(maps, one)


@pytest.fixture
def category(tmp_path):
    """Make a folder of images, each with its own grey level."""
    for place, level in {
        "train/good/000.png": 10,
        "train/good/001.png": 20,
        "test/good/000.png": 30,
        "test/cut/000.png": 40,
        "test/bent/000.png": 50,
    }.items():
        path = tmp_path / place
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((12, 16, 3), level, "uint8")).save(path)
    for kind, (rows, columns) in {"cut": (slice(0, 1), slice(4, 12)), "bent": (11, 15)}.items():
        mask = np.zeros((12, 16), "uint8")
        mask[rows, columns] = 255
        path = tmp_path / f"ground_truth/{kind}/000_mask.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(path)
    return tmp_path


def test_a_folder_of_mvtecs_layout(category):
    data = load_mvtec(category)
    assert isinstance(data, anomaly.Inspection)
    np.testing.assert_array_equal(data.train[:, 0, 0, 0], [10, 20])
    assert data.kinds == ("bent", "cut", "good")
    np.testing.assert_array_equal(data.test[:, 3, 4, 1], [50, 40, 30])
    assert data.test.dtype == np.uint8
    assert data.test.shape == (3, 12, 16, 3)
    assert data.masks.sum(axis=(1, 2)).tolist() == [1, 8, 0]
    small = load_mvtec(category, image_size=(3, 4), grayscale=True)
    assert small.test.shape == (3, 3, 4, 1)
    np.testing.assert_array_equal(small.masks[1], [[0, 1, 1, 0], [0] * 4, [0] * 4])
    assert np.argwhere(small.masks[0]).tolist() == [[2, 3]]  # the single pixel did not vanish


def test_a_missing_or_a_wrong_mask_is_named(category):
    file = category / "ground_truth/cut/000_mask.png"
    Image.fromarray(np.zeros((12, 12), "uint8")).save(file)
    with pytest.raises(ValueError, match=r"cut.000_mask\.png is 12x12, but its image is \(12, 16"):
        load_mvtec(category)
    file.unlink()
    with pytest.raises(ValueError, match=r"cut.000\.png has no mask: .*000_mask\.png"):
        load_mvtec(category)
