"""The optimizer that holds both networks' optimizers."""

import keras
import numpy as np
import pytest

import keras_egan
from keras_egan.training.optimizer import AdversarialOptimizer
from tests.conftest import on
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


@on("torch")
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
    for _ in range(parts):  # of a resumed training
        with optimizer.unfinished():
            optimizer.finalize_variable_values(both)
    assert all(map(np.array_equal, before, map(numpy, generator.trainable_variables)))
    for average in optimizer.g_optimizer._model_variables_moving_average:
        average.assign(keras.ops.full(average.shape, 0.25))
    optimizer.finalize_variable_values(both)
    assert all((numpy(v) == 0.25).all() for v in generator.trainable_variables)
    assert all(map(np.array_equal, d_before, map(numpy, discriminator.trainable_variables)))


@on("torch")
def test_variables_are_those_of_both(networks):
    optimizer = build(networks)
    expected = optimizer.d_optimizer.variables + optimizer.g_optimizer.variables
    assert [id(v) for v in optimizer.variables] == [id(v) for v in expected]


@on("torch")
def test_callbacks_see_whose_an_optimizer_is_and_it_keeps_its_name():
    mine = keras.optimizers.Adam(name="mine")
    pair = AdversarialOptimizer(mine, keras.optimizers.Adam(1e-3, use_ema=True))
    for optimizer in (pair, pair.scaled()):
        assert [side.name for side in optimizer.optimizers] == ["d_optimizer", "g_optimizer"]
    assert (pair.d_optimizer, mine.name) == (mine, "mine")
    one, other = pair.optimizers
    one.learning_rate = 0.25
    assert float(mine.learning_rate) == float(one.learning_rate) == 0.25
    assert (one.use_ema, other.use_ema) == (False, True)


@on("torch")
def test_config_round_trip():
    optimizer = AdversarialOptimizer(keras.optimizers.Adam(3e-4, beta_1=0.5), "rmsprop")
    copy = AdversarialOptimizer.from_config(optimizer.get_config())
    assert copy.get_config() == optimizer.get_config()
    assert isinstance(copy.g_optimizer, keras.optimizers.RMSprop)


@on("torch")
def test_the_config_names_nothing_that_another_backend_lacks():
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam())
    config = AdversarialOptimizer(scaled, keras.optimizers.Adam()).get_config()
    assert "keras.src.backend" not in str(config)
    copy = AdversarialOptimizer.from_config(config)
    assert isinstance(copy.d_optimizer.inner_optimizer, keras.optimizers.Adam)


@on("torch")
def test_the_learning_rate_reads_as_the_generators_and_cannot_be_set(networks):
    optimizer = build(networks, keras.optimizers.Adam(1e-3), keras.optimizers.SGD(0.25))
    assert float(optimizer.learning_rate) == 0.25
    with pytest.raises(AttributeError, match="two learning rates"):
        optimizer.learning_rate = 0.1


def test_the_learning_rate_of_a_schedule_reads_as_a_variable(networks):
    halved = keras.optimizers.schedules.ExponentialDecay(0.5, decay_steps=1, decay_rate=0.5)
    optimizer = build(networks, "adam", keras.optimizers.SGD(halved))
    assert optimizer.learning_rate.numpy() == 0.5
    optimizer.iterations.assign(3)
    assert optimizer.learning_rate.numpy() == 0.5**4


def test_a_schedule_by_callback_changes_both():
    gan = keras_egan.BEGAN(*tiny_networks())
    gan.compile(keras.optimizers.Adam(1e-3), keras.optimizers.SGD(1e-2))
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.1 * rate)
    history = gan.fit(uint8_images(16), verbose=0, callbacks=[schedule]).history
    assert history["learning_rate_d_optimizer"] == pytest.approx([1e-4])
    assert history["learning_rate_g_optimizer"] == pytest.approx([1e-3])


@on("torch")
@pytest.mark.parametrize("scaled", [False, True])
def test_an_optimizer_of_another_gan_is_refused(scaled):
    d, g = keras.optimizers.Adam(), keras.optimizers.Adam()
    if scaled:
        d = keras.optimizers.LossScaleOptimizer(d)
    gan = keras_egan.BEGAN(*tiny_networks())
    gan.compile(d, g)
    gan.compile(d, g)  # the same weights, with their moments
    with pytest.raises(ValueError, match="`d_optimizer` has been built for the weights of another"):
        keras_egan.BEGAN(*tiny_networks()).compile(d, "sgd")
    with pytest.raises(ValueError, match="`g_optimizer` has been built for"):
        keras_egan.BEGAN(*tiny_networks()).compile("sgd", g)


@pytest.mark.parametrize("trained_before", [False, True])
def test_layers_frozen_after_compile_stay_as_they_are(trained_before):
    gan = keras_egan.BEGAN(*tiny_networks(), seed=0)
    gan.compile("adam", "adam")
    images = uint8_images(16)
    if trained_before:
        gan.fit(images, batch_size=8, verbose=0)
    gan.discriminator.encoder.trainable = False
    before = [[numpy(v) for v in half.weights] for half in gan.discriminator.layers]
    gan.fit(images, batch_size=8, verbose=0)
    after = [[numpy(v) for v in half.weights] for half in gan.discriminator.layers]
    same = [all(map(np.array_equal, *halves)) for halves in zip(before, after, strict=True)]
    assert same == [True, False]
    gan.discriminator.encoder.trainable = True
    gan.fit(images, batch_size=8, verbose=0)
    assert not all(map(np.array_equal, after[0], map(numpy, gan.discriminator.encoder.weights)))


@on("torch")
@pytest.mark.parametrize("steps", ["auto", 0])
def test_steps_per_execution_is_a_number(steps):
    with pytest.raises(ValueError, match="`steps_per_execution` must be a whole number, 1 or"):
        keras_egan.BEGAN(*tiny_networks()).compile("sgd", "sgd", steps_per_execution=steps)


@on("torch")
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


@on("torch")
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
    for side in (gan.d_optimizer, gan.g_optimizer):
        assert isinstance(side, keras.optimizers.LossScaleOptimizer)
    history = gan.fit(uint8_images(48), batch_size=16, verbose=0).history
    assert np.isfinite(history["d_loss"]).all()
    assert keras.backend.standardize_dtype(gan.k_t.dtype) == "float32"
    copy = type(gan).from_config(gan.get_config())
    copy.compile_from_config(gan.get_compile_config())
    assert copy.d_optimizer.get_config() == gan.d_optimizer.get_config()
