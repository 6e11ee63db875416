"""The one optimizer that owns both."""

import keras
import numpy as np
import pytest

import keras_egan
from keras_egan import AdversarialOptimizer, backend
from tests.registry import tiny_networks, uint8_images


@pytest.fixture
def networks():
    return tiny_networks()


def numpy(variable):
    return np.array(keras.ops.convert_to_numpy(variable))


def build(networks, d_optimizer="adam", g_optimizer="sgd"):
    generator, discriminator = networks
    optimizer = AdversarialOptimizer(d_optimizer, g_optimizer)
    optimizer.build(discriminator.trainable_variables, generator.trainable_variables)
    return optimizer


def test_each_side_is_applied_by_itself(networks):
    optimizer = build(networks)
    with pytest.raises(ValueError, match="with `d_optimizer` or `g_optimizer`, not with the pair"):
        optimizer.apply([], [])


@pytest.mark.parametrize("parts", [0, 1])
def test_averages_enter_the_weights_of_their_own_network_when_training_ends(parts, networks):
    generator, discriminator = networks
    optimizer = build(networks, "sgd", keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.0))
    before = [numpy(v) for v in generator.trainable_variables]
    d_before = [numpy(v) for v in discriminator.trainable_variables]
    both = discriminator.trainable_variables + generator.trainable_variables
    for _ in range(parts):  # of a training that goes on
        with optimizer.unfinished():
            optimizer.finalize_variable_values(both)
    assert all(map(np.array_equal, before, map(numpy, generator.trainable_variables)))
    for average in optimizer.g_optimizer._model_variables_moving_average:
        average.assign(keras.ops.full(average.shape, 0.25))
    optimizer.finalize_variable_values(both)
    assert all((numpy(v) == 0.25).all() for v in generator.trainable_variables)
    assert all(map(np.array_equal, d_before, map(numpy, discriminator.trainable_variables)))


def test_variables_are_those_of_both(networks):
    optimizer = build(networks)
    expected = optimizer.d_optimizer.variables + optimizer.g_optimizer.variables
    assert [id(v) for v in optimizer.variables] == [id(v) for v in expected]
    assert optimizer.optimizers == [optimizer.d_optimizer, optimizer.g_optimizer]


def test_equal_names_are_told_apart():
    def adam(name):
        return keras.optimizers.Adam(name=name)

    optimizer = AdversarialOptimizer(adam("adam"), adam("adam"))
    assert [side.name for side in optimizer.optimizers] == ["d_adam", "g_adam"]
    named = AdversarialOptimizer(adam("mine"), adam("adam"))
    assert [side.name for side in named.optimizers] == ["mine", "adam"]


def test_config_round_trip():
    optimizer = AdversarialOptimizer(keras.optimizers.Adam(3e-4, beta_1=0.5), "rmsprop")
    copy = AdversarialOptimizer.from_config(optimizer.get_config())
    assert copy.get_config() == optimizer.get_config()
    assert isinstance(copy.g_optimizer, keras.optimizers.RMSprop)


def test_the_config_names_nothing_that_another_backend_lacks():
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam())
    config = AdversarialOptimizer(scaled, keras.optimizers.Adam()).get_config()
    assert "keras.src.backend" not in str(config)
    copy = AdversarialOptimizer.from_config(config)
    assert isinstance(copy.d_optimizer.inner_optimizer, keras.optimizers.Adam)


def test_there_is_no_single_learning_rate(networks):
    optimizer = build(networks)
    with pytest.raises(AttributeError, match="two learning rates"):
        _ = optimizer.learning_rate
    with pytest.raises(AttributeError, match="two learning rates"):
        optimizer.learning_rate = 0.1


def test_a_schedule_by_callback_changes_both():
    gan = keras_egan.BEGAN(*tiny_networks())
    gan.compile(keras.optimizers.Adam(1e-3, name="adam"), keras.optimizers.SGD(1e-2, name="sgd"))
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.1 * rate)
    history = gan.fit(uint8_images(16), verbose=0, callbacks=[schedule]).history
    assert history["learning_rate_adam"] == pytest.approx([1e-4])
    assert history["learning_rate_sgd"] == pytest.approx([1e-3])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "`d_optimizer` is missing"),
        ({"d_optimizer": "adam"}, "`g_optimizer` is missing"),
        ({"d_optimizer": "adam", "g_optimizer": "adm"}, "`g_optimizer` must be .* got 'adm'"),
    ],
)
def test_a_missing_or_unknown_optimizer_is_refused(arguments, message):
    gan = keras_egan.BEGAN(*tiny_networks())
    with pytest.raises(ValueError, match=message):
        gan.compile(**arguments)


def test_one_optimizer_for_both_is_refused():
    gan = keras_egan.BEGAN(*tiny_networks())
    optimizer = keras.optimizers.Adam()
    with pytest.raises(ValueError, match="the same object"):
        gan.compile(optimizer, optimizer)


def test_float16_scales_the_loss_of_each():
    keras.config.set_dtype_policy("mixed_float16")
    try:
        gan = keras_egan.BEGAN(*tiny_networks())
    finally:
        keras.config.set_dtype_policy("float32")
    gan.compile("adam", "adam")
    assert all(
        isinstance(side, keras.optimizers.LossScaleOptimizer) for side in gan.optimizer.optimizers
    )
    history = gan.fit(uint8_images(48), batch_size=16, verbose=0).history
    assert np.isfinite(history["d_loss"]).all()
    assert keras.backend.standardize_dtype(gan.k_t.dtype) == "float32"
    copy = type(gan).from_config(gan.get_config())
    copy.compile_from_config(gan.get_compile_config())
    assert copy.d_optimizer.get_config() == gan.d_optimizer.get_config()


def adam_in_numpy(values, grads, *, rates, decay=0.0, clip=np.inf, steps=1):
    """Adam as Keras has it, in float64: epsilon is beside the mean of squares as it stands."""
    values, m, v = ([np.array(value, "float64") for value in values] for _ in range(3))
    for side in (m, v):
        for moment in side:
            moment[...] = 0.0
    norm = np.sqrt(sum(np.sum(np.square(grad)) for grad in grads))
    grads = [np.asarray(grad, "float64") * min(1.0, clip / norm) for grad in grads]
    for t in range(1, steps + 1):
        rate = rates(t - 1)
        for value, grad, mean, square in zip(values, grads, m, v, strict=True):
            value -= rate * decay * value
            mean += 0.5 * (grad - mean)
            square += 0.01 * (grad**2 - square)
            corrected = rate * np.sqrt(1 - 0.99**t) / (1 - 0.5**t)
            value -= corrected * mean / (np.sqrt(square) + 1e-3)
    return values


def turned(array):
    """Returns a tensor in another order in memory than its axes, where the backend has such."""
    tensor = keras.ops.convert_to_tensor(np.ascontiguousarray(array.T))
    return keras.ops.transpose(tensor, tuple(range(array.ndim))[::-1])


@pytest.mark.parametrize("case", ["plain", "decay and schedule", "clipped", "scaled", "amsgrad"])
def test_adam_is_adam_of_whatever_size_and_layout(case):
    """A large variable, which TensorFlow updates by another operation than a small one; and
    gradients in another order in memory than their variables, which PyTorch's would not notice."""
    rng = np.random.default_rng(0)
    shapes = (200, 300), (3, 4, 5), (7,)
    values = [rng.normal(size=shape).astype("float32") for shape in shapes]
    grads = [rng.normal(size=shape).astype("float32") * 1e-2 for shape in shapes]
    variables = [keras.Variable(value) for value in values]
    decay, rates, clip = 0.0, lambda t: 0.01, np.inf
    settings = {"beta_1": 0.5, "beta_2": 0.99, "epsilon": 1e-3}
    kind = keras.optimizers.Adam
    if case == "decay and schedule":
        kind, decay, rates = keras.optimizers.AdamW, 0.1, lambda t: 0.01 * 0.5 ** (t / 2)
        rate = keras.optimizers.schedules.ExponentialDecay(0.01, 2, 0.5)
        optimizer = kind(rate, weight_decay=decay, **settings)
    elif case == "clipped":
        optimizer = kind(0.01, global_clipnorm=(clip := 0.5), **settings)
    else:  # gradients that are the same at each step have the largest mean of squares last
        optimizer = kind(0.01, amsgrad=case == "amsgrad", **settings)
    pair = AdversarialOptimizer(optimizer, "sgd")
    if case == "scaled":
        pair = pair.scaled()
    pair.build(variables, [])
    optimizer = pair.d_optimizer
    scale = float(optimizer.scale_loss(1.0))
    for _ in range(5):
        backend.apply(optimizer, [turned(scale * grad) for grad in grads], variables)
    expected = adam_in_numpy(values, grads, rates=rates, decay=decay, clip=clip, steps=5)
    for variable, value in zip(variables, expected, strict=True):
        np.testing.assert_allclose(numpy(variable), value, rtol=1e-5, atol=2e-6)


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="memory in another order")
def test_adam_updates_variables_in_another_order_in_memory():
    value = np.arange(24, dtype="float32").reshape(2, 3, 4)
    grad = np.cos(value) + 0.1
    variable = keras.Variable(value)
    variable.value.data = turned(value)  # as `Module.to(memory_format=...)` does
    pair = AdversarialOptimizer(keras.optimizers.Adam(0.01, 0.5, 0.99, 1e-3), "sgd")
    pair.build([variable], [])
    pair.d_optimizer.apply([keras.ops.convert_to_tensor(grad)], [variable])
    (expected,) = adam_in_numpy([value], [grad], rates=lambda t: 0.01)
    np.testing.assert_allclose(numpy(variable), expected, rtol=1e-5, atol=2e-6)


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="torch.compile")
def test_adam_updates_where_pytorch_compiles():
    import torch

    value, grad = np.ones((3, 4), "float32"), np.full((3, 4), 0.1, "float32")
    variable = keras.Variable(value)
    pair = AdversarialOptimizer(keras.optimizers.Adam(0.01, 0.5, 0.99, 1e-3), "sgd")
    pair.build([variable], [])
    apply = torch.compile(pair.d_optimizer.apply, backend="eager")
    for _ in range(3):
        apply([keras.ops.convert_to_tensor(grad)], [variable])
    (expected,) = adam_in_numpy([value], [grad], rates=lambda t: 0.01, steps=3)
    np.testing.assert_allclose(numpy(variable), expected, rtol=1e-5)


def test_an_adam_of_a_users_own_updates_as_it_says():
    class Doubling(keras.optimizers.Adam):
        def update_step(self, gradient, variable, learning_rate):
            self.assign(variable, keras.ops.multiply(variable, 2.0))

    variable = keras.Variable(np.ones((200, 300), "float32"))
    pair = AdversarialOptimizer(Doubling(), "sgd")
    pair.build([variable], [])
    pair.d_optimizer.apply([keras.ops.ones((200, 300))], [variable])
    assert (numpy(variable) == 2.0).all()
