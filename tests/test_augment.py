"""DiffAugment, against loops over images in NumPy and finite differences."""

import random

import keras
import numpy as np
import pytest
from keras import ops

from keras_egan import backend
from keras_egan.augment import DiffAugment
from tests.augmentation import channels_first, drawn, expected, noise, numpy
from tests.conftest import on

SHAPES = [(8, 8, 3), (9, 17, 3), (16, 11, 1)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("policy", "fill"),
    [
        pytest.param("color", 0.0, marks=on("torch")),
        pytest.param("translation", 0.0, marks=on("torch")),
        pytest.param("cutout", 0.0, marks=on("torch")),
        pytest.param("cutout,translation,color", 0.5, marks=on("torch")),
        ("color,translation,cutout", -1.0),
    ],
)
def test_each_change_is_numpys(shape, policy, fill):
    images, numbers = noise(12, *shape), drawn(12)
    layer = DiffAugment(policy, fill=fill)
    result = numpy(layer.apply(ops.convert_to_tensor(images), numbers))
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected(policy, images, numbers, fill), atol=2e-6)
    with channels_first():
        moved = layer.apply(ops.convert_to_tensor(np.moveaxis(images, 3, 1)), numbers)
    np.testing.assert_allclose(np.moveaxis(numpy(moved), 1, 3), result, atol=1e-6)


@on("torch")
def test_saturation_leaves_gray_images_as_they_are():
    images, numbers = noise(4, 8, 8, 1), drawn(4)
    numbers["brightness"][:], numbers["contrast"][:] = 0.0, 1.0
    result = DiffAugment("color").apply(ops.convert_to_tensor(images), numbers)
    np.testing.assert_allclose(numpy(result), images, atol=1e-6)


@on("torch")
def test_the_ends_of_the_places():
    """Shifts are an eighth up and left, then down and right; holes are a quarter of the image."""
    images, numbers = np.ones((2, 16, 24, 1), "float32"), drawn(2)
    moved = numpy(DiffAugment("translation").apply(ops.convert_to_tensor(images), numbers))
    assert moved[0, :14, :21].all()
    assert moved[1, 2:, 3:].all()
    assert moved.sum() == 2 * 14 * 21
    cut = numpy(DiffAugment("cutout").apply(ops.convert_to_tensor(images), numbers))
    assert not cut[0, :4, :6].any()
    assert not cut[1, 12:, 18:].any()
    assert (1.0 - cut).sum() == 2 * 4 * 6


@pytest.mark.parametrize("channels", [1, 3])
def test_gradients_by_finite_differences(channels):
    """Differentiate a weighted sum of squares through the whole policy, by each image value."""
    images, numbers = noise(3, 8, 9, channels), drawn(3)
    weights = np.random.default_rng(1).normal(size=images.shape).astype("float32")
    layer = DiffAugment(fill=-0.5)
    variable = keras.Variable(images)
    model = keras.Sequential([keras.Input((1,))])
    model.compile("sgd", "mse")

    def objective():
        result = layer.apply(variable.value, numbers)
        return ops.sum(ops.multiply(weights, ops.square(result))), {}

    (gradient,), _ = backend.gradients(objective, [variable], model)

    def value(images):
        result = expected("color,translation,cutout", images, numbers, -0.5)
        return (weights * result**2).sum(axis=(1, 2, 3))

    expected_gradient = np.zeros(images.shape)
    for place in np.ndindex(images.shape[1:]):
        step = np.zeros(images.shape)
        step[(slice(None), *place)] = 1e-4
        change = value(images + step) - value(images - step)
        expected_gradient[(slice(None), *place)] = change / 2e-4
    assert np.abs(expected_gradient).max() > 1.0
    np.testing.assert_allclose(numpy(gradient), expected_gradient, atol=2e-4)


@on("torch")
def test_the_numbers_drawn():
    """They are uniform and independent: means lie within 4 standard errors of the middle."""
    n = 20_000
    numbers = {name: numpy(value) for name, value in DiffAugment(seed=3).draw(n).items()}
    ranges = {
        "brightness": (-0.5, 0.5),
        "saturation": (0.0, 2.0),
        "contrast": (0.5, 1.5),
        "translation": (0.0, 1.0),
        "cutout": (0.0, 1.0),
    }
    assert set(numbers) == set(ranges)
    columns = []
    for name, (low, high) in ranges.items():
        values = numbers[name]
        assert values.dtype == np.float32
        assert values.shape == ((n,) if name not in ("translation", "cutout") else (n, 2))
        assert low <= values.min() < low + 0.001 * (high - low)
        assert high - 0.001 * (high - low) < values.max() <= high
        deviation = (high - low) / 12**0.5
        error = np.abs(values.mean(axis=0) - (low + high) / 2).max()
        assert error < 4.0 * deviation / n**0.5
        np.testing.assert_allclose(values.std(axis=0), deviation, rtol=0.02)
        columns.extend(values.reshape(n, -1).T)
    correlation = np.corrcoef(columns) - np.eye(7)
    assert np.abs(correlation).max() < 4.5 / n**0.5


@on("torch")
def test_every_shift_is_equally_likely():
    n = 8_500
    image = np.zeros((n, 16, 8, 1), "float32")
    image[:, 8, 4] = 1.0
    layer = DiffAugment("translation", seed=0)
    _, rows, columns, _ = np.nonzero(numpy(layer(image)))
    for found, sides in ((rows, range(6, 11)), (columns, range(3, 6))):
        counts = np.bincount(found, minlength=16)
        assert set(np.nonzero(counts)[0]) == set(sides)
        assert np.abs(counts[sides.start : sides.stop] - n / len(sides)).max() < 4 * n**0.5 / 2


@on("torch")
def test_anew_for_each_image_and_call_and_again_from_the_seed():
    images = np.repeat(noise(1, 16, 16, 3), 4, axis=0)
    layer, again = DiffAugment(seed=5), DiffAugment(seed=5)
    first, second = numpy(layer(images)), numpy(layer(images))
    for one, other in ((first[0], first[1]), (first[0], second[0]), (first[3], second[3])):
        assert np.abs(one - other).max() > 0.01
    np.testing.assert_array_equal(numpy(again(images)), first)
    state = numpy(layer.seed_generator.state).copy()
    third = numpy(layer(images))
    layer.seed_generator.state.assign(state)
    np.testing.assert_array_equal(numpy(layer(images)), third)
    assert np.abs(numpy(DiffAugment(seed=6)(images)) - first).max() > 0.01


@on("torch")
def test_a_call_is_a_draw_applied():
    images = noise(4, 16, 16, 3)
    layer, parts = DiffAugment(seed=5), DiffAugment(seed=5)
    np.testing.assert_array_equal(
        numpy(layer(images)), numpy(parts.apply(ops.convert_to_tensor(images), parts.draw(4)))
    )


@on("torch")
def test_without_a_seed_keras_fixes_it():
    images, results = noise(2, 8, 8, 3), []
    for _ in range(2):
        random.seed(4)
        results.append(numpy(DiffAugment()(images)))
    np.testing.assert_array_equal(*results)


@on("torch")
@pytest.mark.parametrize("probability", [1.0, 0.7, "auto"])
def test_config_round_trip(probability):
    layer = DiffAugment(
        "cutout, translation", fill=-1.0, probability=probability, seed=7, name="augment"
    )
    config = keras.saving.serialize_keras_object(layer)
    assert config["registered_name"] == "keras_egan>DiffAugment"
    copy = keras.saving.deserialize_keras_object(config)
    assert copy.get_config() == layer.get_config()
    images = noise(3, 8, 8, 3)
    np.testing.assert_array_equal(numpy(copy(images)), numpy(layer(images)))


def test_in_a_stateless_scope_the_seed_moves_within_it():
    layer, outside = DiffAugment(seed=5), DiffAugment(seed=5)
    images = noise(2, 8, 8, 3)
    state = layer.seed_generator.state
    before = numpy(state).copy()
    with keras.StatelessScope([(state, ops.convert_to_tensor(before))]) as scope:
        first, second = numpy(layer(images)), numpy(layer(images))
        after = numpy(scope.get_current_value(state))
    np.testing.assert_array_equal(numpy(state), before)
    np.testing.assert_array_equal(first, numpy(outside(images)))
    np.testing.assert_array_equal(second, numpy(outside(images)))
    np.testing.assert_array_equal(after, numpy(outside.seed_generator.state))


def test_any_batch_size_in_a_model():
    model = keras.Sequential([keras.Input((8, 12, 3)), DiffAugment(seed=1)])
    assert model.output_shape == (None, 8, 12, 3)
    images = noise(5, 8, 12, 3)
    predicted = model.predict(images, batch_size=2, verbose=0)
    layer = DiffAugment(seed=1)
    eager = [numpy(layer(images[i : i + 2])) for i in (0, 2, 4)]
    np.testing.assert_allclose(predicted, np.concatenate(eager), atol=1e-6)


@pytest.mark.skipif(backend.name != "tensorflow", reason="TensorFlow's graphs")
@pytest.mark.parametrize("jit_compile", [False, True])
def test_in_a_graph_of_unknown_batch_size(jit_compile):
    """XLA draws other numbers from the same seed, as it does for every layer."""
    import tensorflow as tf

    layer, eager = DiffAugment(seed=1), DiffAugment(seed=1)

    @tf.function(input_signature=[tf.TensorSpec((None, 9, 8, 3))], jit_compile=jit_compile)
    def augmented(images):
        numbers = layer.draw(tf.shape(images)[0])
        return layer.apply(images, numbers), numbers

    for n in (2, 5):
        images = noise(n, 9, 8, 3)
        result, numbers = augmented(images)
        np.testing.assert_allclose(numpy(result), numpy(eager.apply(images, numbers)), atol=1e-6)
        if not jit_compile:
            np.testing.assert_array_equal(numbers["cutout"], eager.draw(n)["cutout"])


def test_half_precision_stays_half():
    layer = DiffAugment(seed=1, dtype="mixed_float16")
    images = noise(4, 8, 8, 3)
    result = layer(images)
    assert keras.backend.standardize_dtype(result.dtype) == "float16"
    np.testing.assert_allclose(numpy(result), numpy(DiffAugment(seed=1)(images)), atol=0.01)


@on("torch")
@pytest.mark.parametrize("word", ["colour", "flip", ""])
def test_unknown_words_are_refused(word):
    with pytest.raises(ValueError, match=f"color, translation, cutout, .* got '{word}' in"):
        DiffAugment(f"color,{word}")


@on("torch")
@pytest.mark.parametrize("fill", [-1.5, 128, float("nan")])
def test_a_fill_that_no_image_has_is_refused(fill):
    with pytest.raises(ValueError, match=r"`fill` must lie in \[-1, 1\]"):
        DiffAugment(fill=fill)


@on("torch")
def test_images_of_the_wrong_rank_are_refused():
    with pytest.raises(ValueError, match=r"got shape \(8, 8, 3\)"):
        DiffAugment().apply(ops.ones((8, 8, 3)), drawn(8))
