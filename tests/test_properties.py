"""Laws that hold for all numbers, shapes and steps, on examples that hypothesis chooses."""

import tempfile

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from keras import ops

from keras_egan import callbacks, datasets, losses
from keras_egan.anomaly import EnergyDetector
from keras_egan.anomaly._tiles import Tiles
from keras_egan.datasets.preparation import Preparation
from tests import interrupted
from tests.conftest import on
from tests.registry import weights

pytestmark = on("torch")

# The examples are the same in every run.
few_seconds = settings(derandomize=True, deadline=None, database=None, max_examples=50)

DEGREES = {"mae": 1, "mse": 2, "norm": 1, "sae": 1, "sse": 2}
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 12)


def numpy(tensor):
    return ops.convert_to_numpy(tensor)


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


# Losses.


@pytest.mark.parametrize("energy", DEGREES)
@few_seconds
@given(seed=seeds, shape=st.tuples(sizes, sizes, sizes, st.integers(1, 3)), scale=st.floats(-8, 8))
def test_energies_are_of_each_sample_and_scale_with_the_images(energy, seed, shape, scale):
    images, reconstructions = normal(seed, 2, *shape)

    def found(one, other):
        return numpy(losses.reconstruction_energy(one, other, energy=energy))

    whole = found(images, reconstructions)
    order = np.random.default_rng(seed).permutation(len(images))
    np.testing.assert_allclose(found(images[order], reconstructions[order]), whole[order], 1e-6)
    alone = [found(images[[i]], reconstructions[[i]])[0] for i in range(len(images))]
    np.testing.assert_allclose(alone, whole, 1e-5)
    scaled = found(np.float32(scale) * images, np.float32(scale) * reconstructions)
    np.testing.assert_allclose(scaled, abs(scale) ** DEGREES[energy] * whole, 1e-4, atol=1e-6)


LOSSES = {
    "began": lambda real, fake, extra, unit: losses.began_discriminator_loss(real, fake, k_t=0.3),
    "ebgan": lambda real, fake, extra, unit: losses.ebgan_discriminator_loss(
        real, fake, margin=1.5 * unit
    ),
    "ls_gan": lambda real, fake, extra, unit: losses.loss_sensitive_discriminator_loss(
        real, fake, extra, delta_weight=0.4, slope=0.2, first_term_weight=0.7
    ),
}


@pytest.mark.parametrize("name", LOSSES)
@few_seconds
@given(seed=seeds, count=sizes, unit=st.floats(1e-3, 1e3))
def test_losses_are_of_each_pair_and_in_the_energys_unit(name, seed, count, unit):
    real, fake, extra = np.abs(normal(seed, 3, count))
    unit = np.float32(unit)
    whole = numpy(LOSSES[name](real, fake, extra, 1.0))
    order = np.random.default_rng(seed).permutation(count)
    permuted = LOSSES[name](real[order], fake[order], extra[order], 1.0)
    np.testing.assert_allclose(numpy(permuted), whole[order], 1e-6)
    other_unit = LOSSES[name](unit * real, unit * fake, unit * extra, unit)
    np.testing.assert_allclose(numpy(other_unit), unit * whole, 1e-4, atol=1e-5 * unit)


@few_seconds
@given(seed=seeds, count=sizes, shift=st.floats(-4, 4))
def test_least_squares_losses_know_no_origin(seed, count, shift):
    real, fake = normal(seed, 2, count)

    def found(by):
        d_loss = losses.least_squares_discriminator_loss(
            real + np.float32(by), fake + np.float32(by), fake_label=by - 1.0, real_label=by + 1.0
        )
        g_loss = losses.least_squares_generator_loss(fake + np.float32(by), generator_label=by)
        return np.stack([numpy(d_loss), numpy(g_loss)])

    np.testing.assert_allclose(found(shift), found(0.0), 1e-4, atol=1e-5)


@few_seconds
@given(seed=seeds, count=st.integers(2, 12), width=st.integers(1, 8))
def test_the_pulling_away_term_is_of_directions_alone(seed, count, width):
    embeddings = normal(seed, count, width)
    whole = numpy(losses.pulling_away_term(embeddings))
    assert -1e-6 <= whole.min() <= whole.max() <= 1 + 1e-5
    rng = np.random.default_rng(seed)
    order, lengths = rng.permutation(count), rng.uniform(0.1, 10, (count, 1)).astype("float32")
    turned, _ = np.linalg.qr(rng.normal(size=(width, width)))
    moved = (lengths * embeddings @ turned.astype("float32"))[order]
    np.testing.assert_allclose(
        numpy(losses.pulling_away_term(moved)), whole[order], 1e-3, atol=1e-4
    )


@few_seconds
@given(k_t=st.floats(0, 1), balance=st.floats(-9, 9), lambda_k=st.floats(1e-4, 1))
def test_k_stays_between_0_and_1_and_follows_the_balance(k_t, balance, lambda_k):
    found = float(losses.began_next_k(k_t, balance, lambda_k=lambda_k))
    assert 0 <= found <= 1
    assert (found - np.float32(k_t)) * balance >= 0


@few_seconds
@given(energies=st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9)), max_size=20))
def test_magans_margin_never_rises(energies):
    margin, before = 9.0, float("inf")
    for real, fake in energies:
        following = losses.magan_next_margin(margin, real, fake, fake_energy_before=before)
        assert following in (margin, real)
        assert following <= margin
        margin, before = following, fake


# Data.


@few_seconds
@given(
    count=st.integers(1, 60),
    batch_size=st.integers(1, 20),
    seed=st.integers(0, 1000),
    step=st.integers(0, 10**6),
    drop=st.booleans(),
    data=st.data(),
)
def test_a_pass_is_a_permutation_and_may_be_gone_on_with_anywhere(
    count, batch_size, seed, step, drop, data
):
    assume(not drop or batch_size <= count)
    batches = datasets.Batches(np.arange(count), batch_size, seed=seed, drop_remainder=drop)
    batches.begin(step)
    whole = [batch.tolist() for (batch,) in batches]
    taken = [index for batch in whole for index in batch]
    assert len(taken) == count - count % batch_size * drop
    assert len(set(taken)) == len(taken)
    assert all(len(batch) == batch_size for batch in whole[:-1])
    done = data.draw(st.integers(0, len(whole)))
    batches.begin(step, done)
    assert [batch.tolist() for (batch,) in batches] == whole[done:]


@st.composite
def images(draw):
    shape = draw(st.tuples(st.integers(1, 40), st.integers(1, 40), st.sampled_from([1, 3, 4])))
    return draw(arrays.arrays("uint8", shape, fill=st.integers(0, 255)))


@few_seconds
@given(
    image=images(),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    aspect=st.sampled_from(["crop", "pad", "stretch"]),
    grayscale=st.booleans(),
)
def test_images_of_any_shape_are_prepared(image, size, aspect, grayscale):
    prepare = Preparation(image_size=size, aspect=aspect, grayscale=grayscale)
    found = prepare(image)
    assert found.dtype == np.uint8
    assert found.shape == prepare.shape(image.shape) == (*size, 1 if grayscale else image.shape[2])
    np.testing.assert_array_equal(prepare(found), found)
    color = prepare(np.full_like(image, 200))
    if aspect == "pad":  # with black on at most two sides
        rows, columns = (color.any(axis=axes) for axes in ((1, 2), (0, 2)))
        assert rows.all() or columns.all()
    else:
        assert (color == 200).all()


@few_seconds
@given(
    sides=st.tuples(st.integers(4, 30), st.integers(4, 30)),
    tile=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    overlap=st.floats(0, 0.9),
    seed=seeds,
)
def test_tiles_of_an_image_make_it_up(sides, tile, overlap, seed):
    image = normal(seed, 2, *sides, 1)
    tiles = Tiles(sides, tile, overlap)
    np.testing.assert_allclose(tiles.join(tiles.cut(image)), image[..., 0], 1e-5, atol=1e-6)


# Thresholds and trainings.


class OfScores(EnergyDetector):
    """A detector for which each image is its own score."""

    decision_scores_ = np.zeros(1)

    def decision_function(self, X):  # noqa: N803  # PyOD's
        return X


@few_seconds
@given(
    scores=st.lists(st.integers(0, 10**6), min_size=3, max_size=40),
    rate=st.floats(0.05, 0.95),
)
def test_of_scores_in_any_order_no_more_than_the_rate_are_false_alarms(scores, rate):
    """Let each score in turn be the new one; the flagged share of n + 1 is the false-alarm rate."""
    assume(rate * len(scores) >= 1)
    scores, alarms = np.array(scores, "float64"), 0
    for index, score in enumerate(scores):
        detector = OfScores().calibrate(np.delete(scores, index), rate)
        alarms += score > detector.threshold_
    assert alarms <= rate * len(scores) + 1e-6
    if len(set(scores)) == len(scores):
        assert alarms > rate * len(scores) - 1


@settings(few_seconds, max_examples=5)
@given(
    cuts=st.lists(st.integers(1, 4 * interrupted.STEPS - 1), min_size=1, max_size=2, unique=True),
    every=st.integers(1, 5),
)
def test_a_training_may_be_cut_off_anywhere(cuts, every):
    whole = interrupted.build()
    expected = interrupted.train(whole)
    with tempfile.TemporaryDirectory() as folder:
        for cut in sorted(cuts):
            backup = callbacks.Backup(folder, every=every)
            with pytest.raises(KeyboardInterrupt):
                interrupted.train(interrupted.build(), backup, interrupted.Stop(cut))
        gan = interrupted.build()
        found = interrupted.train(gan, callbacks.Backup(folder, every=every))
    assert found == expected
    assert all(map(np.array_equal, weights(whole), weights(gan)))
