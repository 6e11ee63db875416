"""The sliced Wasserstein distance, compared with another implementation and closed forms."""

import keras
import numpy as np
import pytest
import scipy.ndimage
import scipy.stats

from keras_egan.callbacks import EvaluateSamples
from keras_egan.metrics import SlicedWassersteinDistance
from tests.conftest import on
from tests.features import measure, rng

pytestmark = on("torch")


def pictures(n=6, shape=(16, 16, 1), seed=0):
    return rng(seed).integers(0, 256, (n, *shape), dtype="uint8")


def pyramid(image):
    """Return the levels of one image of shape (height, width, channels)."""
    kernel = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1])[..., None] / 256.0
    while min(image.shape[:2]) >= 31:
        smaller = scipy.ndimage.convolve(image, kernel, mode="mirror")[::2, ::2]
        spread = np.zeros_like(image)
        spread[::2, ::2] = smaller
        yield image - 4.0 * scipy.ndimage.convolve(spread, kernel, mode="mirror")
        image = smaller
    yield image


def expected(real, fake, seed):
    """Compute the distances of each level by loops, as in the published code."""
    figures = []
    for level, images in enumerate(zip(*(map(pyramid, (*real, *fake))), strict=True)):
        height, width, channels = images[0].shape
        numbers = np.random.default_rng((seed, level))
        directions = numbers.normal(size=(512, channels * 49))
        corners = numbers.integers((height - 6, width - 6), size=(len(real), 128, 2))
        sets = []
        for own in (images[: len(real)], images[len(real) :]):
            patches = np.array(
                [
                    image[y : y + 7, x : x + 7]
                    for image, places in zip(own, corners, strict=True)
                    for y, x in places
                ]
            )
            patches -= patches.mean(axis=(0, 1, 2))
            patches /= patches.std(axis=(0, 1, 2))
            sets.append(patches.transpose(0, 3, 1, 2).reshape(len(patches), -1))
        distances = [
            scipy.stats.wasserstein_distance(*(points @ (d / np.linalg.norm(d)) for points in sets))
            for d in directions
        ]
        figures.append(1000.0 * np.mean(distances))
    return figures


@pytest.mark.parametrize(
    ("shape", "heights"),
    [
        ((36, 40, 3), [36, 18]),
        ((33, 31, 1), [33, 17]),
        ((16, 64, 1), [16]),
        ((62, 63, 1), [62, 31, 16]),
    ],
)
def test_like_another_implementation(shape, heights):
    real, fake = pictures(3, shape), rng(1).beta(0.3, 0.5, (3, *shape)).astype("float32") * 2 - 1
    metric = SlicedWassersteinDistance(seed=5)
    result = measure(metric, fake, real)
    assert list(result) == [*(f"swd_{height}" for height in heights), "swd"]
    values = expected(real / 127.5 - 1.0, fake.astype("float64"), seed=5)
    np.testing.assert_allclose(list(result.values()), [*values, np.mean(values)], rtol=1e-4)


def test_a_known_distance():
    """White noise is compared with images of one colour each: N(0, 1) with N(0, s^2) along d.

    Patches of one colour v are v times a vector of ones, so s = |d_1 + ... + d_49|, which is 7
    times the first component of a random unit vector, by symmetry.
    """
    n = 500
    noise = 0.2 * rng().normal(size=(n, 16, 16, 1))
    colors = 0.2 * scipy.stats.norm.ppf((np.arange(n) + 0.5) / n)
    flat = np.broadcast_to(colors[:, None, None, None], (n, 16, 16, 1))
    directions = rng(1).normal(size=(10**5, 49))
    s = 7.0 * np.abs(directions[:, 0]) / np.linalg.norm(directions, axis=1)
    distance = np.sqrt(2.0 / np.pi) * np.abs(s - 1.0).mean()
    result = measure(SlicedWassersteinDistance(), flat, noise)
    assert result["swd_16"] == pytest.approx(1000.0 * distance, rel=0.05)


def test_a_set_is_at_no_distance_from_itself():
    images = pictures(shape=(32, 32, 3))
    assert measure(SlicedWassersteinDistance(), images, images) == dict.fromkeys(
        ("swd_32", "swd_16", "swd"), 0.0
    )


def test_scale_and_shift_do_not_matter():
    images = pictures(shape=(40, 32, 3)) / 127.5 - 1.0
    other = images * [0.5, -0.1, 0.9] + [0.5, 0.2, -0.1]
    result = measure(SlicedWassersteinDistance(), other * [1, -1, 1], images)
    assert max(result.values()) < 1e-2
    assert measure(SlicedWassersteinDistance(), other, images)["swd"] > 50.0


def test_a_generator_of_one_color():
    """The images differ by rounding alone, which must not count as texture."""
    gray = np.full((6, 32, 32, 1), 0.3, "float32")
    real = pictures(shape=(32, 32, 1))
    nothing = measure(SlicedWassersteinDistance(), np.zeros_like(gray), real)
    assert measure(SlicedWassersteinDistance(), gray, real) == pytest.approx(nothing, rel=1e-3)
    assert nothing["swd_32"] > 500.0


def test_batches_and_later_samples():
    fakes, reals = pictures(9, (32, 32, 1)), pictures(9, (32, 32, 1), seed=1)
    whole = measure(SlicedWassersteinDistance(seed=3), fakes, reals)
    metric = SlicedWassersteinDistance(seed=3)
    for image in reals:
        metric.update_real(image[None])
    metric.update_state(pictures(9, (32, 32, 1), seed=2))
    assert metric.result() != whole
    metric.reset_state()
    for batch in np.split(fakes, [4, 6]):
        metric.update_state(batch)
    assert metric.result() == whole
    assert measure(SlicedWassersteinDistance(seed=4), fakes, reals) != whole
    assert all(type(figure) is float for figure in whole.values())


def test_channels_first():
    fakes, reals = pictures(shape=(32, 40, 3)), pictures(shape=(32, 40, 3), seed=1)
    last = measure(SlicedWassersteinDistance(), fakes, reals)
    keras.config.set_image_data_format("channels_first")
    try:
        first = measure(
            SlicedWassersteinDistance(), *(np.moveaxis(x, -1, 1) for x in (fakes, reals))
        )
    finally:
        keras.config.set_image_data_format("channels_last")
    assert first == last


def test_a_callers_array_may_be_used_again():
    images = np.zeros((4, 16, 16, 1), "float32") + rng().random((4, 16, 16, 1), dtype="float32")
    metric = SlicedWassersteinDistance()
    metric.update_real(images)
    metric.update_state(images)
    images[:] = rng(1).random(images.shape)
    assert metric.result()["swd"] == 0.0


def test_in_the_logs_of_fit():
    class Generator:
        def sample(self, n, seed, batch_size):
            return pictures(n, seed=seed)

    callback = EvaluateSamples(pictures(8), [SlicedWassersteinDistance()], samples=8, seed=3)
    callback.set_model(Generator())
    callback.on_train_begin()
    logs = {}
    callback.on_epoch_end(0, logs)
    assert logs == measure(SlicedWassersteinDistance(), pictures(8, seed=3), pictures(8))


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros((0, 16, 16, 1)), r"`samples` is empty: its shape is \(0, 16, 16, 1\)"),
        (np.zeros((3, 15, 16, 1)), r"images of 16x16 or more, .*width, channels\); got .* 15, 16"),
        (np.zeros((3, 256)), r"`samples` must be images .* got shape \(3, 256\)"),
        (np.full((3, 16, 16, 1), np.nan), "3 of the 3 samples hold NaN"),
        (np.full((3, 16, 16, 1), 200.0), r"must lie in \[-1, 1\]; got 200 to 200"),
        (np.zeros((3, 16, 16, 1), "int64"), "must give uint8 or float images"),
    ],
)
def test_bad_samples(samples, message):
    with pytest.raises(ValueError, match=message):
        SlicedWassersteinDistance().update_state(samples)


def test_sets_that_do_not_match():
    with pytest.raises(ValueError, match="`seed` must be a whole number, 0 or more; got -1"):
        SlicedWassersteinDistance(seed=-1)
    metric = SlicedWassersteinDistance()
    with pytest.raises(ValueError, match="needs 1 or more real samples; got 0"):
        metric.result()
    metric.update_real(pictures(5))
    with pytest.raises(
        ValueError, match=r"\(1, 16, 17\) each, but swd has been given \(1, 16, 16\)"
    ):
        metric.update_state(pictures(5, (16, 17, 1)))
    metric.update_state(pictures(4))
    with pytest.raises(ValueError, match="as many generated as real samples; got 4 and 5"):
        metric.result()
