"""The parts that GANs inherit from EnergyGAN: hyper-parameters, metrics, hooks, samples."""

import random

import keras
import numpy as np
import pytest

import keras_egan
from tests.conftest import few, on
from tests.registry import (
    CASES,
    EAGERLY,
    IMAGE_SHAPE,
    LinearGAN,
    RestlessGAN,
    float_images,
    state,
    tiny_critic,
    tiny_networks,
    uint8_images,
    weights,
)
from tests.tiny import began


@keras.saving.register_keras_serializable("keras_egan_tests")
class PlainGAN(keras_egan.EnergyGAN):
    def __init__(self, generator, discriminator):
        super().__init__(generator, discriminator, energy="output")

    def discriminator_loss(self, real, fake):
        return real.energy - fake.energy


def numpy(value):
    return np.array(keras.ops.convert_to_numpy(value))


# Arguments and hyper-parameters.


@on("torch")
def test_the_docstrings_subclass_is_saved_with_what_it_was_given(tmp_path):
    gan = LinearGAN(tiny_networks()[0], tiny_critic(), energy="output", seed=1, weight=0.7)
    assert gan.get_config()["energy"] == "output"
    gan.save(tmp_path / "gan.keras")
    loaded = keras_egan.load(tmp_path / "gan.keras")
    assert loaded.energy_name == "output"
    assert float(loaded.weight) == pytest.approx(0.7)


@on("torch")
def test_the_papers_numbers_are_the_defaults():
    networks = tiny_networks()
    began, critics = keras_egan.BEGAN(*networks), (networks[0], tiny_critic())
    assert (float(began.gamma), began.eta, began.latents) == (0.5, 1, "uniform")
    assert float(began.lambda_k) == pytest.approx(0.001)
    assert keras_egan.MAGAN(*networks).pretrain_epochs == 2
    lsgan = keras_egan.LeastSquaresGAN(*critics)
    assert [float(getattr(lsgan, f"{n}_label")) for n in ("fake", "real", "generator")] == [0, 1, 1]
    assert lsgan.gradient_penalty == 0.0
    ls_gan = keras_egan.LossSensitiveGAN(*critics)
    assert float(ls_gan.delta_weight) == pytest.approx(2e-4)
    assert (float(ls_gan.slope), float(ls_gan.first_term_weight)) == (0.0, 0.0)
    assert (ls_gan.weight_clip, ls_gan.gradient_penalty) == (None, 0.0)


@on("torch")
def test_what_is_set_later_is_in_the_file(tmp_path):
    gan = RestlessGAN(*tiny_networks(), energy="norm")
    gan.rate, gan.d_steps, gan.latents = 0.25, 2, "normal"
    gan.save(tmp_path / "gan.keras")
    loaded = keras_egan.load(tmp_path / "gan.keras")
    assert (loaded.rate, loaded.d_steps, loaded.latents) == (0.25, 2, "normal")


@on("torch")
def test_a_constructor_that_takes_the_networks_alone_is_enough(tmp_path):
    gan = PlainGAN(tiny_networks()[0], tiny_critic())
    gan.compile("sgd", keras.optimizers.SGD(), **EAGERLY)
    gan.d_steps, gan.latents = 2, "normal"
    gan.fit(uint8_images(16), batch_size=8, verbose=0)
    gan.save(tmp_path / "gan.keras")
    loaded = keras_egan.load(tmp_path / "gan.keras")
    assert (loaded.d_steps, loaded.latents, loaded.energy_name) == (2, "normal", "output")
    for one in (gan, loaded):
        one.fit(uint8_images(16), batch_size=8, verbose=0)
    assert all(map(np.array_equal, state(gan), state(loaded)))


@on("torch")
def test_an_argument_that_is_kept_nowhere_is_named():
    class Forgetful(keras_egan.EnergyGAN):
        def __init__(self, generator, discriminator, *, strength=1.0, **kwargs):
            super().__init__(generator, discriminator, **kwargs)

    with pytest.raises(
        ValueError, match=r"Forgetful must store its argument `strength`.* `self.strength`"
    ):
        Forgetful(*tiny_networks()).get_config()


# Each hyper-parameter of each GAN: a value to set between two fits, and the metric it changes.
SET_LATER = {
    ("began", "gamma"): (0.9, "m_global"),
    ("began", "lambda_k"): (3.0, "k_t"),
    ("ebgan", "margin"): (1000.0, "d_loss"),
    ("ebgan", "pt_weight"): (7.0, "g_loss"),
    ("lsgan", "fake_label"): (-5.0, "d_loss"),
    ("lsgan", "real_label"): (5.0, "d_loss"),
    ("lsgan", "generator_label"): (5.0, "g_loss"),
    ("ls_gan", "delta_weight"): (1.0, "d_loss"),
    ("ls_gan", "slope"): (-9.0, "d_loss"),
    ("ls_gan", "first_term_weight"): (20.0, "d_loss"),
    ("linear", "weight"): (9.0, "d_loss"),
}


@pytest.mark.parametrize(
    "case",
    few([case for case in CASES if case.name not in ("magan", "restless")], "began", "ls_gan"),
    ids=lambda case: case.name,
)
def test_a_hyper_parameter_set_between_two_steps_is_used_by_the_next(case, tmp_path):
    """A compiled step uses the new value, as if the model had been made with it."""
    images = float_images(16)
    for (name, attribute), (value, figure) in SET_LATER.items():
        if name != case.name:
            continue
        gan = case.build()
        gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0))
        made = case.build(**{attribute: value})
        made.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0), **EAGERLY)
        for _ in range(2):
            before = gan.train_on_batch(images, return_dict=True)
            made.train_on_batch(images)
        setattr(gan, attribute, value)
        assert float(getattr(gan, attribute)) == pytest.approx(value)
        after = gan.train_on_batch(images, return_dict=True)
        expected = made.train_on_batch(images, return_dict=True)
        if attribute == "lambda_k":  # it shows one step later
            assert float(gan.k_t) > float(after["k_t"]) + 0.1
        else:
            assert float(after[figure]) == pytest.approx(float(expected[figure]), rel=1e-4)
            assert float(after[figure]) != pytest.approx(float(before[figure]), rel=1e-3)
        assert gan.get_config()[attribute] == value


@on("torch")
@pytest.mark.parametrize("value", ["0.5", None, True, float("inf"), float("nan"), [0.5]])
def test_what_is_no_finite_number_is_refused(value):
    gan = began()
    for attribute in ("gamma", "lambda_k"):
        with pytest.raises(ValueError, match=f"`{attribute}` must .*; got "):
            setattr(gan, attribute, value)
    with pytest.raises(ValueError, match=r"`margin` must be above 0; got "):
        keras_egan.EBGAN(*tiny_networks(), margin=value)
    assert float(gan.gamma) == 0.5


def test_settings_take_effect_at_the_next_step():
    """They make Keras compile the step anew."""
    gan = began(run_eagerly=False)
    gan.train_on_batch(uint8_images(16))
    gan.d_steps = 3
    gan.train_on_batch(uint8_images(16))
    assert int(gan.d_optimizer.iterations) == 4
    before = gan.evaluate(uint8_images(16), verbose=0)
    gan.latents = "normal"
    assert gan.evaluate(uint8_images(16), verbose=0) != before
    gan.updates = "simultaneous"
    with pytest.raises(ValueError, match="needs `d_steps=1`; got `d_steps=3`"):
        gan.train_on_batch(uint8_images(16))


@on("torch")
def test_numpy_numbers_are_numbers():
    gan = began(gamma=np.float32(0.75), seed=np.int64(3), d_steps=np.int64(1))
    assert float(gan.gamma) == 0.75
    assert gan.sample(np.int64(3)).shape == (3, *IMAGE_SHAPE)


# Metrics and hooks.


@on("torch")
def test_a_loss_may_be_each_samples_or_their_mean():
    class Mean(LinearGAN):
        def discriminator_loss(self, real, fake):
            return keras.ops.mean(super().discriminator_loss(real, fake))

    found = []
    for cls in (LinearGAN, Mean):
        random.seed(0)
        gan = cls(tiny_networks()[0], tiny_critic(), energy="output", seed=1, weight=0.3)
        gan.compile(keras.optimizers.SGD(0.5), keras.optimizers.SGD(0.5), **EAGERLY)
        gan.train_on_batch(float_images(16))
        found.append(weights(gan.discriminator))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


@on("torch")
def test_without_a_loss_there_is_one_clear_error():
    gan = keras_egan.EnergyGAN(*tiny_networks())
    with pytest.raises(NotImplementedError, match="needs a method `discriminator_loss`"):
        gan.compile("sgd", "sgd")


def test_figures_that_are_not_finite_do_not_enter_the_controller():
    gan = began(lambda_k=0.1)
    gan.k_t.assign(0.25)
    images = float_images(16)
    gan.train_on_batch(images)
    before = float(gan.k_t)
    assert before != 0.25
    gan.generator.weights[-1].assign(np.full(64, np.nan))
    logs = gan.train_on_batch(images, return_dict=True)
    assert np.isnan(float(logs["d_loss"]))
    assert float(gan.k_t) == before


@on("torch")
def test_an_epoch_that_is_not_finite_leaves_magans_margin_alone():
    gan = keras_egan.MAGAN(*tiny_networks(), pretrain_epochs=0)
    nan = {"real_energy": float("nan"), "fake_energy": 2.0}
    gan.end_epoch(nan)
    assert (float(gan.margin), int(gan.epochs_done)) == (0.0, 0)
    gan.end_epoch({"real_energy": 9.0, "fake_energy": 20.0})
    gan.end_epoch({"real_energy": 5.0, "fake_energy": 7.0})
    gan.end_epoch(nan)
    gan.end_epoch({"real_energy": 4.0, "fake_energy": 8.0})
    assert (float(gan.margin), int(gan.epochs_done)) == (4.0, 3)


# Samples.


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="keeps weights elsewhere in `fit`")
def test_a_batch_of_ones_own_within_fit_is_the_one_that_is_trained_on():
    class Extra(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            logs = self.model.train_on_batch(
                np.full((4, 8, 8, 1), 0.5, "float32"), return_dict=True
            )
            found.append(float(logs["real_energy"]))

    found, case = [], CASES[0]
    gan = case.build(lambda: keras.optimizers.SGD(0.0))
    gan.fit(float_images(12), batch_size=4, verbose=0, callbacks=[Extra()])
    images = keras.ops.full((4, 8, 8, 1), 0.5)
    assert found == pytest.approx([float(gan.energy(images).mean())], rel=1e-5)


@on("torch")
def test_a_seed_below_0_is_refused():
    with pytest.raises(ValueError, match="`seed` must be a whole number, 0 or more; got -1"):
        keras_egan.BEGAN(*tiny_networks(), seed=-1)


@on("torch")
def test_a_seed_of_64_bits_is_taken():
    gan = keras_egan.BEGAN(*tiny_networks(), seed=2**40 + 3)
    assert gan.seed == 2**40 + 3
    assert int(keras.ops.convert_to_numpy(gan._training_state.order_seed)) == 3
