"""Keras's conventions for `fit` and `evaluate`: signatures, arguments and errors."""

import inspect

import keras
import numpy as np
import pytest

import keras_egan
from tests.conftest import few, on
from tests.registry import (
    CASES,
    CONDITIONAL,
    IMAGE_SHAPE,
    float_images,
    given,
    uint8_images,
    weights,
)
from tests.tiny import began

SURFACE = """
    add_state augment averaged constrain_discriminator control d_optimizer d_steps discriminator
    discriminator_loss
    draw_latents encode end_epoch energy energy_name findings fit_state g_optimizer generate
    generator generator_average generator_loss gradient_norms image_shape indicators interpolate
    invert labels latent_dim latents num_classes penalty phases present_phase refine sample score
    seed settle_normalization smallest_batch step updates uses_embedding zero_centered_penalty
"""
OWN = {
    "BEGAN": "eta gamma k_t lambda_k settle_steps",
    "BEGANCS": "eta gamma k_t lambda_k latent_constraint settle_steps",
    "EBGAN": "margin pt_weight",
    "MAGAN": "epochs_done fake_energy_before margin pretrain_epochs",
    "LeastSquaresGAN": (
        "PEARSON SYMMETRIC fake_label generator_label gradient_penalty penalty_stride perturbation "
        "r1_weight real_label"
    ),
    "RelativisticGAN": "form penalty_stride r1_weight r2_weight",
    "LossSensitiveGAN": ("delta delta_weight first_term_weight gradient_penalty slope weight_clip"),
}

DEFAULTS = {  # as the papers and their authors' code have them
    "EnergyGAN": dict(
        energy="mae",
        d_steps=1,
        updates="alternating",
        latent_dim=None,
        latents="uniform",
        generator_average=None,
        augment=None,
        num_classes=None,
        seed=None,
        name=None,
    ),
    "BEGAN": dict(gamma=0.5, lambda_k=0.001, settle_steps=None, eta=1),
    "BEGANCS": dict(latent_constraint=0.1),
    "EBGAN": dict(margin=inspect.Parameter.empty, pt_weight=0.0, energy="norm"),
    "MAGAN": dict(pretrain_epochs=2),
    "LeastSquaresGAN": dict(
        fake_label=0.0,
        real_label=1.0,
        generator_label=1.0,
        gradient_penalty=0.0,
        perturbation=30.0,
        r1_weight=0.0,
        penalty_stride=1,
    ),
    "RelativisticGAN": dict(form="logistic", r1_weight=1.0, r2_weight=1.0, penalty_stride=1),
    "LossSensitiveGAN": dict(
        delta_weight=2e-4,
        slope=0.0,
        delta=None,
        first_term_weight=0.0,
        weight_clip=None,
        gradient_penalty=0.0,
        energy="output",
    ),
}


@on("torch")
@pytest.mark.parametrize("name", DEFAULTS)
def test_all_but_the_networks_is_given_by_name_and_has_these_defaults(name):
    _, generator, discriminator, *others = inspect.signature(
        getattr(keras_egan, name).__init__
    ).parameters.values()
    assert (generator.name, discriminator.name) == ("generator", "discriminator")
    own = [one for one in others if one.kind is not inspect.Parameter.VAR_KEYWORD]
    assert {one.kind for one in own} == {inspect.Parameter.KEYWORD_ONLY}
    assert {one.name: one.default for one in own} == DEFAULTS[name]


@on("jax")
@pytest.mark.parametrize("name", OWN)
def test_a_gan_has_these_public_names_beyond_keras_models(name):
    """A subclass may use any other name."""
    gan = next(case for case in CASES if case.gan.__name__ == name).build()
    keras_own = {*dir(keras.Model()), "optimizer", "stop_training"}  # the latter from `compile` on
    found = {found for found in dir(gan) if not found.startswith("_")} - keras_own
    assert sorted(found) == sorted([*SURFACE.split(), *OWN[name].split()])


@on("torch")
@pytest.mark.parametrize(
    "method", ["fit", "evaluate", "predict", "train_on_batch", "test_on_batch"]
)
def test_the_signatures_are_keras_own(method):
    ours = inspect.signature(getattr(keras_egan.EnergyGAN, method)).parameters
    theirs = inspect.signature(getattr(keras.Model, method)).parameters
    assert list(ours) == list(theirs)
    for name, parameter in theirs.items():
        assert ours[name].default == parameter.default


@on("torch")
def test_what_has_no_meaning_is_refused_by_name():
    gan, images = began(), uint8_images(16)
    with pytest.raises(ValueError, match="`class_weight` has no effect on a GAN"):
        gan.fit(images, class_weight={0: 1.0})
    with pytest.raises(ValueError, match="`sample_weight` has no effect on a GAN"):
        gan.fit(images, sample_weight=np.ones(16))
    with pytest.raises(ValueError, match="`sample_weight` has no effect on a GAN"):
        gan.evaluate(images, sample_weight=np.ones(16))
    assert int(gan.step) == 0


@on("torch")
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


@pytest.mark.parametrize("bad", few([77.0, 1.5, -1.5, np.nan], -1.5))
def test_bad_images_after_the_first_batch_are_refused(bad):
    images = float_images(48)
    images[40, 3, 3] = bad
    for call in (
        lambda gan: gan.fit(list(images.reshape(3, 16, *IMAGE_SHAPE)), verbose=0),
        lambda gan: gan.evaluate(list(images.reshape(3, 16, *IMAGE_SHAPE)), verbose=0),
    ):
        gan = began(rate=0.0)
        with pytest.raises(ValueError, match=r"^1 images were NaN, infinite or outside \[-1, 1\]"):
            call(gan)
        gan.evaluate(images[:16], verbose=0)  # it is counted anew


def test_an_empty_batch_is_refused():
    images = float_images(32)
    with pytest.raises(Exception, match="needs batches of at least 1 images; got 0"):
        began().fit([images[:16], images[:0], images[16:]], verbose=0)


@pytest.mark.skipif(keras.backend.backend() == "torch", reason="PyTorch compiles nothing")
@pytest.mark.filterwarnings("ignore:For a whole epoch:UserWarning")
@pytest.mark.parametrize("case", [CASES[0], CONDITIONAL[-1]], ids=lambda case: case.name)
def test_steps_that_run_eagerly_are_the_compiled_ones(case):
    found = []
    for run_eagerly in (False, True):
        gan = case.build(run_eagerly=run_eagerly)
        images = float_images(11)
        gan.fit(given(gan, images), batch_size=4, epochs=2, shuffle=False, verbose=0)
        found.append(weights(gan))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
