"""What every GAN owes to its base: hyper-parameters, hooks, networks, and Keras's contract."""

import inspect
import random
import threading

import keras
import numpy as np
import pytest
from keras import layers

import keras_egan
from tests.registry import (
    CASES,
    EAGERLY,
    IMAGE_SHAPE,
    LATENT_DIM,
    LinearGAN,
    RestlessGAN,
    float_images,
    tiny_critic,
    tiny_networks,
    uint8_images,
    weights,
)

BACKEND = keras.backend.backend()


def numpy(value):
    return np.array(keras.ops.convert_to_numpy(value))


def began(networks=None, run_eagerly=EAGERLY["run_eagerly"], rate=0.5, **arguments):
    random.seed(0)
    gan = keras_egan.BEGAN(*(networks or tiny_networks()), **{"seed": 1, **arguments})
    gan.compile(keras.optimizers.SGD(rate), keras.optimizers.SGD(rate), run_eagerly=run_eagerly)
    return gan


# Arguments and hyper-parameters.


def test_the_docstrings_subclass_is_saved_with_what_it_was_given(tmp_path):
    gan = LinearGAN(tiny_networks()[0], tiny_critic(), energy="output", seed=1, weight=0.7)
    assert gan.get_config()["energy"] == "output"
    gan.save(tmp_path / "gan.keras")
    loaded = keras_egan.load(tmp_path / "gan.keras")
    assert loaded.energy_name == "output"
    assert float(loaded.weight) == pytest.approx(0.7)


def test_what_is_set_later_is_in_the_file(tmp_path):
    gan = RestlessGAN(*tiny_networks(), energy="norm")
    gan.rate, gan.d_steps, gan.latents = 0.25, 2, "normal"
    gan.save(tmp_path / "gan.keras")
    loaded = keras_egan.load(tmp_path / "gan.keras")
    assert (loaded.rate, loaded.d_steps, loaded.latents) == (0.25, 2, "normal")


def test_an_argument_that_is_kept_nowhere_is_named():
    class Forgetful(keras_egan.EnergyGAN):
        def __init__(self, generator, discriminator, *, strength=1.0, **kwargs):
            super().__init__(generator, discriminator, **kwargs)

    with pytest.raises(
        ValueError, match=r"`strength` is an argument of Forgetful .* `self.strength`"
    ):
        Forgetful(*tiny_networks()).get_config()


# Each hyper-parameter of each GAN: a value to set between two fits, and the figure it moves.
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
    [case for case in CASES if case.name not in ("magan", "restless")],
    ids=lambda case: case.name,
)
def test_a_hyper_parameter_set_between_two_steps_is_used_by_the_next(case, tmp_path):
    """As if the model had been made with it, in a step that is compiled already."""
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
        if attribute == "lambda_k":  # which shows a step later
            assert float(gan.k_t) > float(after["k_t"]) + 0.1
        else:
            assert float(after[figure]) == pytest.approx(float(expected[figure]), rel=1e-4)
            assert float(after[figure]) != pytest.approx(float(before[figure]), rel=1e-3)
        assert gan.get_config()[attribute] == value


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
    """A compiled step is compiled anew for them."""
    gan = began(run_eagerly=False)
    gan.train_on_batch(uint8_images(16))
    gan.d_steps = 3
    gan.train_on_batch(uint8_images(16))
    assert int(gan.d_optimizer.iterations) == 4
    gan.updates = "simultaneous"
    with pytest.raises(ValueError, match="takes one discriminator step; got `d_steps=3`"):
        gan.train_on_batch(uint8_images(16))


def test_numpy_numbers_are_numbers():
    gan = began(gamma=np.float32(0.75), seed=np.int64(3), d_steps=np.int64(1))
    assert float(gan.gamma) == 0.75
    assert gan.sample(np.int64(3)).shape == (3, *IMAGE_SHAPE)


# Figures and hooks.


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
    spoilt = images.copy()
    spoilt[3] = np.nan
    logs = gan.train_on_batch(spoilt, return_dict=True)
    assert np.isnan(float(logs["d_loss"]))
    assert float(gan.k_t) == before


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


# Regularizers.


@pytest.mark.parametrize("kind", ["weight", "activity", "add_loss"])
@pytest.mark.parametrize("side", ["generator", "discriminator"])
def test_regularizers_of_all_kinds_count_in_their_own_networks_loss(kind, side):
    """With nothing else in the loss, a step of SGD is the one that NumPy computes."""

    class Added(layers.Layer):
        def call(self, inputs):
            self.add_loss(0.5 * keras.ops.sum(keras.ops.square(inputs)))
            return inputs

    def dense(units):
        half = keras.regularizers.L2(0.5)
        return layers.Dense(
            units,
            use_bias=False,
            kernel_regularizer=half if kind == "weight" else None,
            activity_regularizer=half if kind == "activity" else None,
        )

    class Nothing(keras_egan.EnergyGAN):
        def discriminator_loss(self, real, fake):
            return 0.0 * real.energy

        def generator_loss(self, fake):
            return 0.0 * fake.energy

    latents = np.random.default_rng(1).uniform(-1, 1, (2, 6, 3)).astype("float32")
    draws = iter(latents)
    z, x = keras.Input((3,)), keras.Input((5,))
    extra = [Added()] if kind == "add_loss" else []

    def network(inputs, units, regularized):
        outputs = (dense(units) if regularized else layers.Dense(units, use_bias=False))(inputs)
        for layer in extra if regularized else ():
            outputs = layer(outputs)
        return keras.Model(inputs, outputs)

    generator = network(z, 5, side == "generator")
    critic = network(x, 1, side == "discriminator")
    gan = Nothing(generator, critic, energy="output")
    gan.compile(keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.01), **EAGERLY)
    gan.draw_latents = lambda rows, seed: keras.ops.convert_to_tensor(next(draws))
    g, d = weights(generator)[0].astype("float64"), weights(critic)[0].astype("float64")
    data = np.random.default_rng(0).normal(size=(6, 5)).astype("float32")
    gan.train_on_batch(data)

    # Half the sum of squares: of the weights; or of the outputs, of data and fakes for D, which
    # Keras divides by the batch size if they come from an `activity_regularizer`.
    count = 6 if kind == "activity" else 1
    if kind == "weight":
        gradients = {"generator": g, "discriminator": d}
    else:
        of_g = latents[1].T @ (latents[1] @ g) / count
        inputs = np.concatenate([data, latents[0] @ g])
        gradients = {"generator": of_g, "discriminator": inputs.T @ (inputs @ d) / count}
    for name, before in (("generator", g), ("discriminator", d)):
        moved = before - 0.01 * gradients[name] if name == side else before
        np.testing.assert_allclose(weights(getattr(gan, name))[0], moved, rtol=1e-4, atol=1e-6)


# Networks.


def test_spectral_normalization_trains():
    critic = keras.Sequential(
        [
            keras.Input(IMAGE_SHAPE),
            layers.Flatten(),
            layers.SpectralNormalization(layers.Dense(8, activation="tanh")),
            layers.SpectralNormalization(layers.Dense(1)),
        ]
    )
    gan = keras_egan.LeastSquaresGAN(tiny_networks()[0], critic, seed=1)
    gan.compile(keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.01), **EAGERLY)
    history = gan.fit(uint8_images(), batch_size=10, epochs=8, verbose=0).history
    assert np.isfinite(history["d_loss"]).all()
    kernel = weights(critic.layers[1].layer)[0]
    assert np.linalg.norm(kernel, 2) == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize("frozen", ["generator", "discriminator", "both"])
def test_frozen_networks_stay_as_they_are_and_the_other_learns(frozen):
    networks = dict(zip(("generator", "discriminator"), tiny_networks(), strict=True))
    for name, network in networks.items():
        network.trainable = frozen not in (name, "both")
    gan = began(networks.values())
    before = {name: weights(network) for name, network in networks.items()}
    gan.fit(uint8_images(), batch_size=16, verbose=0)
    for name, network in networks.items():
        same = all(map(np.array_equal, before[name], weights(network)))
        assert same == (frozen in (name, "both"))


def test_a_shared_layer_is_refused_by_name():
    shared = layers.Dense(16, name="shared")
    z, x = keras.Input((4,)), keras.Input((8,))
    generator = keras.Model(z, layers.Dense(8)(shared(layers.Dense(8)(z))))
    discriminator = keras.Model(x, layers.Dense(8)(shared(x)))
    with pytest.raises(ValueError, match=r"share weights \(shared/kernel, shared/bias\)"):
        keras_egan.BEGAN(generator, discriminator)


def test_a_discriminator_of_any_size_is_taken():
    image = keras.Input((None, None, 1))
    anywhere = keras.Model(image, layers.Conv2D(1, 3, padding="same")(image))
    gan = began((tiny_networks()[0], anywhere))
    gan.fit(uint8_images(16), verbose=0)
    assert gan.energy(uint8_images(3)).shape == (3,)


def test_networks_of_several_inputs_are_refused():
    one, two, image = keras.Input((2,)), keras.Input((3,)), keras.Input(IMAGE_SHAPE)
    pixels = layers.Reshape(IMAGE_SHAPE)(layers.Dense(64)(layers.Concatenate()([one, two])))
    with pytest.raises(ValueError, match="`generator` has 2 inputs; it must have one"):
        keras_egan.BEGAN(keras.Model([one, two], pixels), tiny_networks()[1])
    with pytest.raises(ValueError, match="`discriminator` must have one input, samples; it has 2"):
        keras_egan.BEGAN(tiny_networks()[0], keras.Model([image, one], image))
    with pytest.raises(ValueError, match="`generator` must be a Keras model; got str"):
        keras_egan.BEGAN("generator", tiny_networks()[1])


# What Keras's users expect.


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_the_signatures_are_keras_own(method):
    ours = inspect.signature(getattr(keras_egan.EnergyGAN, method)).parameters
    theirs = inspect.signature(getattr(keras.Model, method)).parameters
    assert list(ours) == list(theirs)
    for name, parameter in theirs.items():
        assert ours[name].default == parameter.default


def test_what_has_no_meaning_is_refused_by_name():
    gan, images = began(), uint8_images(16)
    with pytest.raises(ValueError, match="`class_weight` has no meaning for a GAN"):
        gan.fit(images, class_weight={0: 1.0})
    with pytest.raises(ValueError, match="`sample_weight` has no meaning for a GAN"):
        gan.fit(images, sample_weight=np.ones(16))
    with pytest.raises(ValueError, match="`sample_weight` has no meaning for a GAN"):
        gan.evaluate(images, sample_weight=np.ones(16))
    assert int(gan.step) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        {"epochs": 0},
        {"epochs": -1},
        {"epochs": 1.5},
        {"batch_size": 0},
        {"steps_per_epoch": 0},
        {"validation_steps": 0},
    ],
)
def test_numbers_of_nothing_are_refused(arguments):
    (name,) = arguments
    with pytest.raises(ValueError, match=f"`{name}` must be a whole number, 1 or more; got"):
        began().fit(uint8_images(16), verbose=0, **arguments)


def test_arguments_may_be_given_by_place_and_the_last_images_held_out():
    gan = began()
    history = gan.fit(uint8_images(20), None, 8, 2, 0, None, 0.25).history
    assert int(gan.step) == 4  # of 15 images
    held_out = gan.evaluate(uint8_images(20)[15:], verbose=0, return_dict=True)
    assert history["val_d_loss"][-1] == pytest.approx(held_out["d_loss"], rel=1e-5)


@pytest.mark.parametrize("bad", ["range", "nan"])
def test_bad_images_after_the_first_batch_are_refused(bad):
    images = float_images(48)
    images[40] = 77.0 if bad == "range" else np.nan
    for call in (
        lambda gan: gan.fit(list(images.reshape(3, 16, *IMAGE_SHAPE)), verbose=0),
        lambda gan: gan.evaluate(list(images.reshape(3, 16, *IMAGE_SHAPE)), verbose=0),
    ):
        gan = began(rate=0.0)
        with pytest.raises(ValueError, match=r"^1 images were NaN, infinite or outside \[-1, 1\]"):
            call(gan)
        gan.evaluate(images[:16], verbose=0)  # which is counted anew


def test_an_empty_batch_is_refused():
    images = float_images(32)
    with pytest.raises(Exception, match="A batch is empty"):
        began().fit([images[:16], images[:0], images[16:]], verbose=0)


# Samples.


def test_sampling_from_threads_never_touches_the_weights():
    gan = began(generator_average=0.9)
    gan.fit(uint8_images(), batch_size=16, verbose=0)
    before, expected = weights(gan), gan.sample(64, seed=5)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(gan.sample(64, seed=5))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    for samples in found:
        np.testing.assert_array_equal(samples, expected)
    assert all(map(np.array_equal, before, weights(gan)))


@pytest.mark.parametrize("latents", ["uniform", "normal"])
def test_latents_have_the_distribution_that_was_asked_for(latents):
    """Of both kinds of steps, and of samples: moments, range, and no two alike."""
    gan = began(latents=latents)
    rows = keras_egan.Rows(5000, 0, 5000)
    drawn = {
        "D": numpy(gan.draw_latents(rows, gan.progress.latents)),
        "G": numpy(gan.draw_latents(rows, gan.progress.latents)),
        "evaluation": numpy(gan.draw_latents(rows, gan.progress.evaluation)),
        "samples": gan.sampler.latents(5000, LATENT_DIM, latents, seed=3),
    }
    for z in drawn.values():
        assert z.shape == (5000, LATENT_DIM)
        assert np.abs(z.mean(0)).max() < 0.06
        deviation = 1 / np.sqrt(3) if latents == "uniform" else 1.0
        np.testing.assert_allclose(z.std(0), deviation, rtol=0.05)
        largest = np.abs(z).max()
        assert 0.99 < largest <= 1.0 if latents == "uniform" else 3.0 < largest < 6.0
    assert len({z[0, 0] for z in drawn.values()}) == 4


def test_the_generator_learns_from_other_latents_than_the_discriminator():
    gan, seen = began(), []
    draw = gan.draw_latents
    gan.draw_latents = lambda rows, seed: seen.append(z := draw(rows, seed)) or z
    gan.compile("sgd", "sgd", run_eagerly=True)
    gan.train_on_batch(uint8_images(16))
    d, g = map(numpy, seen[:2])
    assert not np.isclose(d, g).any()
