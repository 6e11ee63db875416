"""MAGAN's phases and its margin."""

import random

import keras
import numpy as np
import pytest

import keras_egan
from tests.conftest import few, on
from tests.registry import EAGERLY, float_images, tiny_networks, weights

EPOCHS, BATCH = 7, 10


def learnable_images():
    """Return 50 images on a two-dimensional surface, which an auto-encoder learns fast."""
    rng = np.random.default_rng(0)
    images = np.tanh(rng.normal(size=(50, 2)) @ rng.normal(size=(2, 64)))
    return images.reshape(50, 8, 8, 1).astype("float32")


def magan(run_eagerly=False, **arguments):
    random.seed(0)
    gan = keras_egan.MAGAN(*tiny_networks(), **{"seed": 1, **arguments})
    optimizers = keras.optimizers.SGD(1e-3, momentum=0.9), keras.optimizers.SGD(1e-4)
    gan.compile(*optimizers, run_eagerly=run_eagerly)
    return gan


class Snapshots(keras.callbacks.Callback):
    """Record both networks' weights, and the margin, at the end of each epoch."""

    def on_train_begin(self, logs=None):
        self.rows = [self.take()]

    def on_epoch_end(self, epoch, logs=None):
        self.rows.append(self.take())

    def take(self):
        model = self.model
        return weights(model.discriminator), weights(model.generator), float(model.margin)


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_the_phases_and_the_first_margin():
    gan, snapshots, images = magan(), Snapshots(), float_images(48)
    history = gan.fit(
        images,
        batch_size=16,
        epochs=5,
        shuffle=False,
        verbose=0,
        callbacks=[snapshots],
        validation_data=images[:16],
    ).history
    assert history["phase"] == history["val_phase"] == [0.0, 0.0, 1.0, 2.0, 2.0]
    moved = [
        (not same(before[0], after[0]), not same(before[1], after[1]))
        for before, after in zip(snapshots.rows[:-1], snapshots.rows[1:], strict=True)
    ]
    both, d_only, none = (True, True), (True, False), (False, False)
    assert moved == [d_only, d_only, none, both, both]
    # Pre-training and the m_0 epoch use a margin of 0, so D sees only energies of data.
    assert history["margin"][:3] == [0.0, 0.0, 0.0]
    assert history["d_loss"][:3] == pytest.approx(history["real_energy"][:3], rel=1e-5)

    frozen = magan()
    for variable, value in zip(frozen.discriminator.variables, snapshots.rows[3][0], strict=True):
        variable.assign(value)
    assert snapshots.rows[3][2] == pytest.approx(frozen.energy(images).mean(), rel=1e-5)
    reconstruction = keras.ops.convert_to_numpy(frozen.discriminator(images))
    squares = np.square(images - reconstruction).sum((1, 2, 3))
    assert snapshots.rows[3][2] == pytest.approx(squares.mean(), rel=1e-5)


@on("torch")
def test_without_pretraining_the_first_epoch_gives_the_margin():
    gan, images = magan(pretrain_epochs=0), float_images(48)
    energy = gan.energy(images).mean()
    history = gan.fit(images, batch_size=16, epochs=2, verbose=0).history
    assert history["phase"] == [1.0, 2.0]
    assert history["margin"] == pytest.approx([0.0, energy], rel=1e-5)


def expected_margins(history, pretrain_epochs):
    """Compute each epoch's margin by the rule, from the logged energies."""
    margin, before, margins = 0.0, np.inf, []
    for epoch, (real, fake) in enumerate(
        zip(history["real_energy"], history["fake_energy"], strict=True)
    ):
        margins.append(margin)
        if epoch == pretrain_epochs:
            margin = real
        elif epoch > pretrain_epochs:
            if fake > before and real < fake and real < margin:
                margin = real
            before = fake
    return margins


@on("torch")
def test_in_the_epoch_of_the_first_margin_only_averages_of_normalization_move():
    random.seed(0)
    pair = keras_egan.networks.dcgan_autoencoder(
        (8, 8, 1), filters=2, latent_dim=4, embedding_dim=4
    )
    gan = keras_egan.MAGAN(*pair, pretrain_epochs=0, seed=1)
    gan.compile(keras.optimizers.Adam(0.1), keras.optimizers.Adam(0.1), **EAGERLY)

    def values():
        return {v.path: np.array(keras.ops.convert_to_numpy(v)) for v in gan.variables}

    before = values()
    gan.fit(float_images(20), batch_size=10, verbose=0)
    moved = {path for path, value in values().items() if not np.array_equal(value, before[path])}
    networks = (gan.generator, gan.discriminator)
    trained = {v.path for network in networks for v in network.trainable_variables}
    averages = {v.path for network in networks for v in network.variables if "moving" in v.path}
    assert averages
    assert averages <= moved
    assert not trained & moved


@on("jax")
def test_fakes_are_held_against_the_epoch_before_not_the_lowest_so_far():
    gan = magan(pretrain_epochs=0)
    epochs = [  # the energy of data and of fakes, and the margin after it
        (20.0, 0.0, 20.0),  # the first margin
        (18.0, 30.0, 20.0),  # no epoch before
        (16.0, 40.0, 16.0),  # a rise
        (14.0, 50.0, 14.0),  # another
        (12.0, 45.0, 14.0),  # a fall, though still above the first two
        (10.0, 46.0, 10.0),  # a rise since the fall
        (11.0, 47.0, 10.0),  # a rise, and data above the margin
        (8.0, 7.0, 10.0),  # a fall under the data's energy
        (8.0, 7.5, 10.0),  # a rise, under the data's energy
    ]
    for real, fake, margin in epochs:
        gan.end_epoch({"real_energy": real, "fake_energy": fake})
        assert float(gan.margin) == margin


@pytest.mark.filterwarnings(
    "ignore:Your input ran out of data:UserWarning"
)  # Keras, of unknown sizes
@pytest.mark.parametrize("source", few(["steps_per_epoch", "unknown size"], "unknown size"))
def test_the_margin_follows_the_rule_and_never_rises(source):
    gan, images = magan(pretrain_epochs=1), learnable_images()
    gan.compile(keras.optimizers.Adamax(1e-2), keras.optimizers.SGD(1e-4), **EAGERLY)
    arguments = {"epochs": 14, "verbose": 0}
    if source == "steps_per_epoch":
        batches = ((images[i % 3 :: 3],) for i in range(10**6))
        history = gan.fit(batches, steps_per_epoch=3, **arguments)
    else:
        import tensorflow as tf

        dataset = tf.data.Dataset.from_tensor_slices(images).filter(lambda image: True).batch(16)
        history = gan.fit(dataset, **arguments)
    history = history.history
    margins = history["margin"]
    assert margins == pytest.approx(expected_margins(history, 1), rel=1e-6)
    assert np.diff(margins[2:]).max() <= 0.0
    assert margins[-1] < margins[2]  # the margin fell
    real, fake = (np.array(history[f"{name}_energy"]) for name in ("real", "fake"))
    assert history["m_global"] == pytest.approx(real + np.abs(real - fake), rel=1e-5)


@on("torch")
def test_a_stopped_training_goes_on_as_if_never_stopped(tmp_path):
    """Stop in pre-training, in the m_0 epoch and later; resume from the end of the last epoch."""

    class Stop(keras.callbacks.Callback):
        def __init__(self, at):
            super().__init__()
            self.at = at

        def on_train_batch_begin(self, batch, logs=None):
            if int(self.model.step) >= self.at:
                raise KeyboardInterrupt

    def train(rows, *callbacks):
        gan = magan(**EAGERLY)
        log = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: rows.__setitem__(epoch, dict(logs))
        )
        gan.fit(
            float_images(50),
            batch_size=BATCH,
            epochs=EPOCHS,
            shuffle=False,
            verbose=0,
            callbacks=[*callbacks, log],
        )
        return weights(gan)

    expected, found = {}, {}
    final = train(expected)
    for step in (3, 12, 22):  # of 5 per epoch: pre-training, the m_0 epoch, later
        with pytest.raises(KeyboardInterrupt):
            train(found, keras.callbacks.BackupAndRestore(tmp_path), Stop(step))
        assert len(found) == step // 5
    again = train(found, keras.callbacks.BackupAndRestore(tmp_path))
    assert found == expected
    assert same(final, again)


@on("torch")
@pytest.mark.parametrize("pretrain_epochs", [-1, 1.5])
def test_bad_arguments_are_refused(pretrain_epochs):
    with pytest.raises(ValueError, match="`pretrain_epochs` must be a whole number, 0 or more"):
        magan(pretrain_epochs=pretrain_epochs)
