"""RelativisticGAN: its losses and penalties in NumPy, and the dynamics of the Dirac GAN."""

import keras
import numpy as np
import pytest

import keras_egan
from keras_egan import losses
from tests.conftest import on
from tests.finite_differences import check_penalty
from tests.registry import float_images, tiny_critic, tiny_networks

FORMS = {
    "logistic": lambda a: np.log1p(np.exp(a)),
    "least_squares": lambda a: (1.0 + a) ** 2,
    "hinge": lambda a: np.maximum(0.0, 1.0 + a),
}


def relativistic(**arguments):
    gan = keras_egan.RelativisticGAN(tiny_networks()[0], tiny_critic(), seed=1, **arguments)
    gan.compile("sgd", "sgd")
    return gan


@on("torch")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"form": "linear"}, "`form` must be one of logistic, least_squares, hinge; got 'linear'"),
        ({"r1_weight": -1.0}, "`r1_weight` must be 0 or more; got -1.0"),
        ({"r2_weight": float("nan")}, "`r2_weight` must be 0 or more; got nan"),
        ({"penalty_stride": 0}, "`penalty_stride` must be a whole number from 1 up; got 0"),
        ({"penalty_stride": 2.0}, "`penalty_stride` must be a whole number from 1 up; got 2.0"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        relativistic(**arguments)


@on("torch")
@pytest.mark.parametrize("form", FORMS)
def test_the_loss_of_pairs(form):
    energy, other = np.random.default_rng(0).normal(0.0, 2.0, (2, 9)).astype("float32")
    found = keras.ops.convert_to_numpy(losses.relativistic_loss(energy, other, form=form))
    np.testing.assert_allclose(found, FORMS[form](energy - other), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("updates", ["simultaneous", "one_pass"])
def test_both_losses_are_of_the_same_pairs(updates):
    gan = relativistic(updates=updates, r1_weight=0.0, r2_weight=0.0)
    images = float_images(8)
    gan._draw_latents = lambda rows: keras.ops.full((8, gan.latent_dim), 0.3)
    real, fake = gan.energy(images), gan.energy(gan.generate(np.full((8, gan.latent_dim), 0.3)))
    logs = gan.train_on_batch(images, return_dict=True)
    assert logs["d_loss"] == pytest.approx(FORMS["logistic"](real - fake).mean(), rel=1e-5)
    assert logs["g_loss"] == pytest.approx(FORMS["logistic"](fake - real).mean(), rel=1e-5)


def test_penalties_have_the_right_second_order_gradients():
    gan = relativistic(r1_weight=0.7, r2_weight=3.0)
    check_penalty(gan, lambda r1, r2: 0.35 * np.square(r1).mean() + 1.5 * np.square(r2).mean())


@on("torch")
def test_penalties_may_be_taken_at_some_of_the_images():
    gan = relativistic(r1_weight=0.7, r2_weight=3.0, penalty_stride=3)

    def expected(r1, r2):
        return 0.35 * np.square(r1[::3]).mean() + 1.5 * np.square(r2[::3]).mean()

    check_penalty(gan, expected)


def dirac(steps, rate, **penalties):
    """Return the paths of the single weight of generator and critic in training."""
    latents, points = keras.Input((1,)), keras.Input((1,))
    place = keras.layers.Dense(1, kernel_initializer="zeros")
    place.build((None, 1))
    slope = keras.layers.Dense(1, use_bias=False)
    gan = keras_egan.RelativisticGAN(
        keras.Model(latents, place(latents)),
        keras.Model(points, slope(points)),
        updates="simultaneous",
        **penalties,
    )
    gan.compile(keras.optimizers.SGD(rate), keras.optimizers.SGD(rate))
    place.kernel.assign([[0.0]])
    place.bias.assign([1.0])
    slope.kernel.assign([[1.0]])
    gan._draw_latents = lambda rows: keras.ops.zeros((4, 1))
    path = []
    for _ in range(steps):
        weights = [keras.ops.convert_to_numpy(layer) for layer in (place.bias, slope.kernel)]
        path.append([float(weight.ravel()[0]) for weight in weights])
        gan.train_on_batch(np.zeros((4, 1), "float32"))
    return np.array(path)


@pytest.mark.parametrize(
    ("r1", "r2", "stride"),
    [
        pytest.param(0.0, 0.0, 1, marks=on("torch")),
        pytest.param(0.5, 0.5, 1, marks=on("torch")),
        (0.5, 0.25, 3),
    ],
)
def test_the_dirac_gan_circles_without_penalties_and_converges_with_them(r1, r2, stride):
    """Data lies at 0, a fake at t, and E(x) = s x: Mescheder et al., section 2."""
    found = dirac(400, 0.2, r1_weight=r1, r2_weight=r2, penalty_stride=stride)
    t, s = 1.0, 1.0
    for t_found, s_found in found:
        np.testing.assert_allclose([t_found, s_found], [t, s], rtol=1e-3, atol=1e-4)
        sigmoid = 1.0 / (1.0 + np.exp([s * t, -s * t]))  # of -(E(G) - E(x)), and of its negative
        t, s = t - 0.2 * s * sigmoid[1], s + 0.2 * (t * sigmoid[0] - (r1 + r2) * s)
    radius = np.linalg.norm(found, axis=1)
    if r1:
        assert radius[-1] < 1e-3
    else:  # a limit cycle, whose size depends on the step size
        assert radius.min() > 0.5
        assert (np.diff(np.sign(found[:, 0])) != 0).sum() > 4


@on("torch")
def test_data_scored_for_the_generator_keeps_no_graph():
    kept = []

    class Recording(keras_egan.RelativisticGAN):
        def generator_loss(self, fake, real=None):
            kept.append((fake.energy.requires_grad, real.energy.requires_grad))
            return super().generator_loss(fake, real)

    gan = Recording(tiny_networks()[0], tiny_critic(), seed=1)
    gan.compile("sgd", "sgd")
    kept.clear()  # the made-up batch that finds the names of the metrics
    gan.train_on_batch(float_images(4))
    assert kept[-1] == (True, False)
