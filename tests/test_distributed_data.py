"""Several devices and processes with local data, with invalid data, and with classes."""

import numpy as np
import pytest

from tests import loaders
from tests.forked import ended, together
from tests.layers import within_classes
from tests.registry import CASES, float_images, state
from tests.test_distributed import BACKEND, KINDS


def interleaved(images):
    """Return images as two loaders give them, each with every second image."""
    return images.reshape(3, 8, 2, *images.shape[1:]).swapaxes(1, 2).reshape(images.shape)


def assert_trained_with(images, found, key, **arguments):
    """Compare a group's state with that of one process that trained with global batches."""
    gan = CASES[0].build()
    gan.fit(images, batch_size=16, shuffle=False, verbose=0, **arguments)
    for number, array in enumerate(state(gan)):
        np.testing.assert_allclose(found[f"{key}{number}"], array, rtol=2e-5, atol=2e-5)


def ends(folder):
    """Return the file of the first of two processes, which must equal that of the second."""
    one, other = (np.load(folder / f"end{index}.npz") for index in range(2))
    for key in one.files:
        assert np.isfinite(one[key].astype("float64")).all()
        np.testing.assert_array_equal(one[key], other[key], err_msg=key)
    return one


@pytest.mark.slow
@pytest.mark.skipif(BACKEND != "torch", reason="PyTorch's loaders")
def test_loaders_of_ones_own_and_what_differs_between_processes(tmp_path):
    first, second = ended(together(loaders.torch_loaders, tmp_path, "processes"))
    found = ends(tmp_path)  # the moving statistics of batch normalisation too
    assert_trained_with(interleaved(float_images(48)), found, "loaded")
    assert "empty: ValueError: `x` is empty" in first
    assert "empty: RuntimeError: Process 0 of 2 has failed: ValueError: `x` is empty" in second
    for what in ("lengths", "arguments"):
        assert f"{what}: RuntimeError: Process 1 of 2 has failed" in first
        assert f"{what}: ValueError: " in second
    assert "number of batches is 2 on the first process and 3 on process 1" in second
    assert "`batch_size` is 8 on the first process and 9 on process 1" in second


@pytest.mark.nightly
@pytest.mark.skipif(BACKEND != "jax", reason="JAX's processes")
def test_a_tf_data_dataset_of_ones_own(tmp_path):
    printed = ended(together(loaders.tf_data, tmp_path, "processes"))
    found = ends(tmp_path)
    assert_trained_with(float_images(48), found, "whole")
    assert_trained_with(float_images(33), found, "rest", validation_data=float_images(33))
    for key in ("shares", "lists"):
        assert_trained_with(interleaved(float_images(48)), found, key)
    for text in printed:
        assert "list: ValueError: Keras cannot share out the batches of a list between" in text
    assert "number of batches is 2 on the first process and 3 on process 1" in printed[1]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS[BACKEND])
def test_moments_within_classes(kind, tmp_path):
    ended(together(loaders.moments, tmp_path, kind))
    images, labels = float_images(15).reshape(15, -1), np.arange(15) % 7
    first = {"torch": 7, "tensorflow": 8, "jax": 15}[BACKEND]  # on JAX, of the global batch
    expected = dict.fromkeys(("class_means", "moving_mean", "moving_variance"), 0.0)
    for part in (slice(first), slice(first, None)):
        state = np.zeros((7, 64)), np.zeros(64), np.ones(64)
        of_part = labels[part]
        for batch in (images[part], *[np.zeros((len(of_part), 64))] * 2):  # data; fakes, twice
            if len(of_part):
                _, state = within_classes(batch, of_part, state)
        for key, value in zip(expected, state, strict=True):
            expected[key] += len(of_part) / 15 * value
    for path in tmp_path.glob("moments*.npz"):
        found = np.load(path)
        for key, value in expected.items():
            np.testing.assert_allclose(found[key], value + 0 * found[key], atol=1e-6, err_msg=key)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS[BACKEND])
def test_figures_that_are_not_finite_end_all_at_the_same_step(kind, tmp_path):
    printed = ended(together(loaders.spoilt, tmp_path, kind))
    assert sum("After step 1, " in text for text in printed) == 1
    assert all("The last step was 1." in text for text in printed)
