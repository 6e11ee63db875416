"""Which trainings may resume from each other's backups."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_egan import BEGAN, callbacks, networks
from keras_egan.saving.fingerprint import fingerprint
from tests.conftest import on
from tests.interrupted import cut_off, train
from tests.registry import weights

pytestmark = on("torch")

decay = keras.optimizers.schedules.ExponentialDecay


def build(
    rate=1e-3,
    activation="tanh",
    regularizer=None,
    dropout=0.1,
    augment=None,
    skip=True,
    policy=None,
):
    latents = keras.Input((4,))
    x = layers.Dense(8, activation=activation, kernel_regularizer=regularizer)(latents)
    y = layers.Dense(8, dtype=policy)(x)
    x = layers.Add()([x, y] if skip else [y, y])
    x = layers.Reshape((8, 8, 1))(layers.Dense(64, activation="tanh")(x))
    encoder = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Flatten(), layers.Dropout(dropout), layers.Dense(4)]
    )
    decoder = keras.Sequential([keras.Input((4,)), layers.Dense(64), layers.Reshape((8, 8, 1))])
    autoencoder = networks.Autoencoder(encoder, decoder)
    gan = BEGAN(keras.Model(latents, x), autoencoder, seed=1, augment=augment)
    gan.compile(keras.optimizers.Adam(rate), keras.optimizers.Adam(1e-3))
    return gan


@pytest.mark.parametrize(
    ("before", "now", "message"),
    [
        ({}, {"activation": "relu"}, r"`layers\.1\.activation` was 'tanh' and is 'relu'"),
        ({}, {"regularizer": "l2"}, "`layers.1.kernel_regularizer` was None and is 'L2'"),
        ({}, {"dropout": 0.5}, r"discriminator's `encoder\.layers\.2\.rate` was 0.1 and is 0.5"),
        ({}, {"skip": False}, r"generator's `layers\.3\.inbound_nodes.*keras_history`"),
        ({}, {"policy": "mixed_bfloat16"}, "dtype` was 'float32' and is 'mixed_bfloat16'"),
        ({"rate": decay(1e-3, 5, 0.9)}, {"rate": decay(1e-3, 50, 0.9)}, "_steps` was 5 and is 50"),
        ({"rate": decay(1e-3, 5, 0.9)}, {}, "`learning_rate` was 'ExponentialDecay' and is 0.001"),
        ({}, {"rate": decay(1e-3, 5, 0.9)}, "`learning_rate` was 0.001.* and is 'Exp"),
        ({"augment": "color"}, {"augment": "cutout"}, "`policy` was 'color' and is 'cutout'"),
        ({"augment": "color"}, {}, "`augment` was 'DiffAugment' and is None"),
        ({}, {"augment": "color"}, "`augment` was None and is 'DiffAugment'"),
    ],
)  # fmt: skip
def test_another_training_is_refused_and_nothing_changes(before, now, message, tmp_path):
    cut_off(tmp_path, 6, gan=build(**before))
    gan = build(**now)
    kept = weights(gan)
    with pytest.raises(ValueError, match=f"holds the backup of another training: .*{message}"):
        train(gan, callbacks.Backup(tmp_path))
    assert all(map(np.array_equal, kept, weights(gan)))


@pytest.mark.parametrize(
    "make",
    [
        lambda: networks.convnet((8, 8, 1), filters=2, latent_dim=4, embedding_dim=4),
        lambda: networks.dcgan_autoencoder((8, 8, 1), filters=2, latent_dim=4, embedding_dim=4),
    ],
)
def test_the_same_script_run_again_in_one_process_is_the_same_training(make):
    """Keras numbers layers, as in `dense_1`, and layers refer to one another by name."""

    def metadata():
        gan = BEGAN(*make(), seed=1, augment="color")
        gan.compile(keras.optimizers.Adam(decay(1e-3, 5, 0.9)), "adam")
        return fingerprint(gan, None, None)

    assert metadata() == metadata()


def test_unseeded_layers_are_the_same_training():
    """A backup holds the states of seeds."""

    def metadata(rate):
        generator, discriminator = networks.mlp(units=8, n_layers=1, embedding_dim=2)
        noisy = keras.Sequential([layers.GaussianNoise(rate), generator])
        gan = BEGAN(noisy, discriminator, latent_dim=2)
        gan.compile("adam", "adam")
        return fingerprint(gan, None, None)

    one, other = metadata(0.1), metadata(0.1)
    different = {name for name in one if one[name] != other[name]}
    assert different <= {"`seed`"}
    assert one != metadata(0.2)
