"""The papers' theorems, tested on the implemented losses.

Discrete distributions are batches in which the count of a point is its probability. A discriminator
is a table with one free number per point, optimised by gradient descent.
"""

import keras
import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.stats import wasserstein_distance

from keras_egan import backend, losses
from tests.conftest import on

DATA = np.repeat(range(5), (6, 1, 4, 5, 0))  # 16 samples: p_data = 6/16, 1/16, ...
FAKES = np.repeat(range(5), (2, 7, 3, 0, 4))
P_DATA, P_FAKES = (np.bincount(batch, minlength=5) / 16 for batch in (DATA, FAKES))


def optimal_table(loss, rate, steps=60, lowest=-np.inf):
    """Return the table that minimises `loss(on data, on fakes)`, and the loss."""
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1, use_bias=False)])
    model.compile("sgd")
    (table,) = model.trainable_variables
    table.assign(np.full((5, 1), 0.3))
    data, fakes = np.eye(5, dtype="float32")[DATA], np.eye(5, dtype="float32")[FAKES]

    def objective():
        value = keras.ops.mean(loss(model(data)[:, 0], model(fakes)[:, 0]))
        return value, {"loss": value}

    for _ in range(steps):
        (grad,), figures = backend.gradients(objective, [table], model)
        values = keras.ops.convert_to_numpy(table) - rate * keras.ops.convert_to_numpy(grad)
        table.assign(np.maximum(values, lowest))
    return keras.ops.convert_to_numpy(table)[:, 0], float(figures["loss"])


@on("torch")
def test_ebgan_lemma_1_and_the_value_of_the_game():
    """D* is m where fakes are more likely than data, and 0 elsewhere; V(G, D*) = m (1 - TV)."""
    margin = 3.0
    table, value = optimal_table(
        lambda data, fakes: losses.ebgan_discriminator_loss(data, fakes, margin=margin),
        rate=0.5,
        lowest=0.0,
    )
    expected = np.where(P_DATA < P_FAKES, margin, 0.0)
    np.testing.assert_allclose(table, expected, atol=0.25)  # half the length of the last steps
    total_variation = np.abs(P_DATA - P_FAKES).sum() / 2
    assert value == pytest.approx(margin * (1 - total_variation), abs=0.05)


@on("torch")
def test_ebgan_theorems_1_and_2_the_game_ends_where_fakes_are_like_data():
    """Both players start far away and follow their gradients by the extragradient method.

    They meet at p_G = p_data, with D constant between 0 and m. The game's value is m.
    """
    margin, p = 3.0, P_DATA[:4]
    data = keras.ops.convert_to_tensor(p.astype("float32"))
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, use_bias=False)])
    model.compile("sgd")
    (both,) = model.trainable_variables  # the table D, and q, the probabilities of fakes

    def slopes(table, q):
        """Return the gradients of E[L_D] by the table, and of E[L_G] by q."""
        both.assign(np.stack([table, q], axis=1))

        def objective():
            columns = model(np.eye(4, dtype="float32"))
            energies, chances = columns[:, 0], columns[:, 1]
            none = keras.ops.zeros_like(energies)
            real = losses.ebgan_discriminator_loss(energies, none + margin, margin=margin)
            fake = losses.ebgan_discriminator_loss(none, energies, margin=margin)
            d_loss = keras.ops.sum(data * real + keras.ops.stop_gradient(chances) * fake)
            g_loss = keras.ops.sum(chances * keras.ops.stop_gradient(energies))
            return d_loss + g_loss, {"value": d_loss}

        (grad,), figures = backend.gradients(objective, [both], model)
        return *keras.ops.convert_to_numpy(grad).T, float(figures["value"])

    def moved(table, q, by):
        table, q = table - by[0], q - 0.3 * (by[1] - by[1].mean())
        return np.maximum(table, 0.0), np.maximum(q, 0.0) / np.maximum(q, 0.0).sum()

    table, q = np.array([2.0, 0.2, 1.0, 0.6]), np.array([0.1, 0.5, 0.2, 0.2])
    for _ in range(60):
        halfway = moved(table, q, slopes(table, q))
        table, q = moved(table, q, slopes(*halfway))
    np.testing.assert_allclose(q, p, atol=1e-3)
    assert np.ptp(table) < 1e-2
    assert 0 < table.mean() < margin
    assert slopes(table, q)[2] == pytest.approx(margin, abs=1e-3)


@on("torch")
@pytest.mark.parametrize("energy", ["mae", "mse"])  # eta = 1 and 2
def test_began_loss_bounds_the_wasserstein_distance_of_the_energies(energy):
    """|m1 - m2| <= W1 (Berthelot et al., 2017, section 3.2); with k_t = 1, L_D is m1 - m2.

    They are equal if one distribution is the other, shifted, and differ if only spreads do.
    """
    rng = np.random.default_rng(4)
    images = rng.uniform(-1, 1, (2, 500, 4, 4, 1)).astype("float32")

    def energies(side, noise):
        reconstruction = images[side] + noise * rng.normal(size=images[side].shape)
        reconstruction = reconstruction.astype("float32")
        return losses.reconstruction_energy(images[side], reconstruction, energy=energy)

    each = np.where(rng.uniform(size=500) < 0.5, 0.05, 0.35)[:, None, None, None]
    pairs = {
        "alike": (energies(0, 0.2), energies(1, 0.2)),
        "better": (energies(0, 0.1), energies(1, 0.3)),
        "worse": (energies(0, 0.3), energies(1, 0.2)),
        "spread": (energies(0, 0.2), energies(1, each)),
    }
    pairs["shifted"] = pairs["alike"][0], pairs["alike"][0] + 0.25
    ratios = {}
    for name, (real, fake) in pairs.items():
        loss = losses.began_discriminator_loss(real, fake, k_t=1.0)
        bound = abs(float(keras.ops.mean(loss)))
        distance = wasserstein_distance(*map(keras.ops.convert_to_numpy, (real, fake)))
        assert bound <= distance + 1e-6
        ratios[name] = bound / distance
    assert ratios["shifted"] == pytest.approx(1.0, abs=1e-5)
    assert ratios["spread"] < 0.5


@on("torch")
@pytest.mark.parametrize(
    ("a", "b", "c", "identity"),
    [
        (-1.0, 1.0, 0.0, lambda chi: chi),
        (0.0, 1.0, 1.0, lambda chi: 0.5 + chi / 4),
        (-1.0, 1.0, 1.0, lambda chi: 2.0 + chi),
    ],
)
def test_lsgan_optimal_discriminator_and_chi_squared(a, b, c, identity):
    table, _ = optimal_table(
        lambda data, fakes: losses.least_squares_discriminator_loss(
            data, fakes, fake_label=a, real_label=b
        ),
        rate=2.0,
    )
    both = P_DATA + P_FAKES
    np.testing.assert_allclose(table, (b * P_DATA + a * P_FAKES) / both, atol=1e-4)
    twice = 2 * sum(
        float(keras.ops.mean(losses.least_squares_generator_loss(table[batch], generator_label=c)))
        for batch in (DATA, FAKES)
    )
    chi = (np.square(2 * P_FAKES - both) / both).sum()
    assert twice == pytest.approx(identity(chi), abs=1e-4)


@pytest.mark.parametrize(("slope", "first_term_weight"), [(0.0, 0.0), (0.0, 0.5), (1.0, 0.0)])
def test_ls_gan_gradients_are_the_closed_forms_of_ls_gan_and_wgan(slope, first_term_weight):
    model = keras.Sequential([keras.Input((16,)), keras.layers.Dense(1, use_bias=False)])
    model.compile("sgd")
    rng = np.random.default_rng(2)
    model.trainable_variables[0].assign(rng.normal(size=(16, 1)))
    delta = keras.ops.convert_to_tensor(rng.uniform(0.0, 0.5, 8).astype("float32"))
    rows = np.eye(16, dtype="float32")

    def objective():
        energies = model(rows)[:, 0]
        loss = losses.loss_sensitive_discriminator_loss(
            energies[:8],
            energies[8:],
            delta,
            delta_weight=1.0,
            slope=slope,
            first_term_weight=first_term_weight,
        )
        return keras.ops.mean(loss), {}

    energies = keras.ops.convert_to_numpy(model.trainable_variables[0])[:, 0]
    (grad,), _ = backend.gradients(objective, model.trainable_variables, model)
    delta = keras.ops.convert_to_numpy(delta)
    violated = (delta + energies[:8] - energies[8:] > 0).astype(float)
    assert 0 < violated.sum() < 8
    weight = violated if slope == 0 else np.ones(8)  # WGAN: every pair, whatever its margin
    expected = np.concatenate([first_term_weight + weight, -weight]) / 8
    np.testing.assert_allclose(keras.ops.convert_to_numpy(grad)[:, 0], expected, atol=1e-6)


@on("torch")
def test_ls_gan_nonparametric_solution_lies_between_its_envelopes():
    """Find the best Lipschitz loss function on 6 + 6 points by a linear programme.

    Between the points it is free within two envelopes. Both are Lipschitz and take the
    solution's values on the points (Qi, 2017, theorem 3).
    """
    rng = np.random.default_rng(1)
    points = rng.normal(size=(12, 2))
    points[6:] += 1.0
    distance = np.abs(points[:, None] - points[None]).sum(-1)
    kappa, tau, weight, n = 0.8, 0.5, 0.3, 6
    delta = distance[range(n), range(n, 2 * n)]

    # Unknowns: L at the 12 points, then the slack of each pair's hinge.
    cost = np.concatenate([np.full(n, weight / n), np.zeros(n), np.full(n, 1 / n)])
    rows, bounds = [], []
    for i in range(n):
        row = np.zeros(3 * n)
        row[[i, n + i, 2 * n + i]] = 1.0, -1.0, -1.0
        rows.append(row)
        bounds.append(-tau * delta[i])
    for i, j in np.argwhere(~np.eye(2 * n, dtype=bool)):
        row = np.zeros(3 * n)
        row[[i, j]] = 1.0, -1.0
        rows.append(row)
        bounds.append(kappa * distance[i, j])
    solution = linprog(cost, rows, bounds)
    values = solution.x[: 2 * n]

    def loss(values):
        real, fake = values[:n].astype("float32"), values[n:].astype("float32")
        each = losses.loss_sensitive_discriminator_loss(
            real, fake, delta.astype("float32"), delta_weight=tau, first_term_weight=weight
        )
        return float(keras.ops.mean(each))

    assert loss(values) == pytest.approx(solution.fun, abs=1e-5)

    def envelopes(at):
        reach = kappa * np.abs(at[:, None] - points[None]).sum(-1)
        return np.maximum(values - reach, 0.0).max(1), (values + reach).min(1)

    for envelope in envelopes(points):
        np.testing.assert_allclose(envelope, values, atol=1e-6)
        assert loss(envelope) == pytest.approx(solution.fun, abs=1e-5)
    elsewhere = rng.normal(size=(50, 2)) * 3
    apart = np.abs(elsewhere[:, None] - elsewhere[None]).sum(-1)
    lower, upper = envelopes(elsewhere)
    assert (lower <= upper + 1e-9).all()
    for envelope in (lower, upper):
        assert (np.abs(envelope[:, None] - envelope) <= kappa * apart + 1e-9).all()


@on("torch")
def test_ls_gan_fakes_are_as_near_to_data_as_the_first_term_is_light():
    """At an equilibrium, the sum of |p_data - p_G| is at most 2 w, w = 1 / lambda (Qi, 2017).

    On five points, the best L for given fakes is a linear programme, in which each fake is paired
    with each point of data.
    """
    weight, p = 0.3, np.array([0.3, 0.2, 0.2, 0.2, 0.1])
    rng = np.random.default_rng(3)
    delta = np.abs(np.subtract.outer(np.arange(5.0), np.arange(5.0)))
    pairs = np.argwhere(np.ones((5, 5)))

    def expected_loss(values, q):
        real, fake = values[pairs[:, 0]], values[pairs[:, 1]]
        each = losses.loss_sensitive_discriminator_loss(
            *(v.astype("float32") for v in (real, fake, delta[tuple(pairs.T)])),
            delta_weight=1.0,
            first_term_weight=weight,
        )
        return float(keras.ops.convert_to_numpy(each) @ np.outer(p, q).ravel())

    def best_table(q):
        rows = np.zeros((25, 30))  # unknowns: L at the points, then the hinge of each pair
        for row, (i, j) in zip(rows, pairs, strict=True):
            row[i] += 1.0
            row[j] -= 1.0
        rows[:, 5:] = -np.eye(25)
        cost = np.concatenate([weight * p, np.outer(p, q).ravel()])
        solution = linprog(cost, rows, -delta[tuple(pairs.T)])
        assert expected_loss(solution.x[:5], q) == pytest.approx(solution.fun, abs=1e-5)
        return solution.x[:5], solution.fun

    def gain(q):
        """Return how much the generator can lower its loss if L is the best for q."""
        table, _ = best_table(q)
        return table @ q - table.min()

    near = np.where(np.arange(5) < 3, 1 + weight, 0.0) * p
    near[3] = 1 - near.sum()
    assert 0.3 < np.abs(p - near).sum() < 2 * weight
    assert best_table(near)[1] == pytest.approx(expected_loss(np.zeros(5), near), abs=1e-6)
    far = [q for q in rng.dirichlet(np.full(5, 0.5), 200) if np.abs(p - q).sum() > 2 * weight]
    assert len(far) > 50
    assert min(map(gain, far)) > 1e-3
