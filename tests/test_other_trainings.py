"""A backup and another training: with other data or settings, or at the same time."""

import keras
import numpy as np
import pytest

from keras_egan import BEGAN, callbacks, networks
from tests.conftest import on
from tests.interrupted import BATCH, STEPS, Stateless, adam, build, cut_off, train
from tests.registry import EAGERLY, tiny_networks, uint8_images, weights

LATER_ONES = np.concatenate([uint8_images(50)[:10], uint8_images(40, seed=9)])


@on("torch")
@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"data": uint8_images(40)}, "number of images was 50 and is 40"),
        ({"data": LATER_ONES}, "images was 'checksum .*' and is 'checksum"),
        ({"batch_size": 64}, "`batch_size` was 16 and is 64"),
        ({"steps_per_epoch": 2}, "`steps_per_epoch` was None and is 2"),
        ({"gan": {"gamma": 0.9}}, "`gamma` was 0.5 and is 0.9"),
        ({"gan": {"generator_average": 0.9}}, "`generator_average` was None and is 0.9"),
    ],
)
def test_another_training_does_not_go_on_from_a_backup(changed, message, tmp_path):
    cut_off(tmp_path / "b", 6)
    names = sorted(path.name for path in (tmp_path / "b").iterdir())
    gan = build(**changed.pop("gan", {}))
    before = weights(gan)
    with pytest.raises(ValueError, match=f"backup of another training: .*{message}"):
        train(gan, callbacks.Backup(tmp_path / "b"), **changed)
    assert all(map(np.array_equal, before, weights(gan)))
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == names
    train(build(), callbacks.Backup(tmp_path / "b"))  # the first continues


@on("torch")
def test_another_discriminator_does_not_go_on_from_a_backup(tmp_path):
    cut_off(tmp_path / "b", 6)
    generator, discriminator = tiny_networks()
    wider = [keras.Input((3,)), keras.layers.Dense(64), keras.layers.Reshape((8, 8, 1))]
    other = networks.Autoencoder(discriminator.encoder, keras.Sequential(wider))
    gan = BEGAN(generator, other, seed=1, lambda_k=0.1)
    gan.compile(adam(), adam(), **EAGERLY)
    with pytest.raises(ValueError, match="backup of another training: discriminator's weights was"):
        train(gan, callbacks.Backup(tmp_path / "b"))


@on("torch")
def test_fewer_epochs_than_are_done_are_refused_and_more_are_not(tmp_path):
    cut_off(tmp_path / "b", 9)
    with pytest.raises(ValueError, match=r"`epochs` is 2, but the backup in .* is of epoch 3"):
        train(build(), callbacks.Backup(tmp_path / "b"), epochs=2)
    assert len(train(build(), callbacks.Backup(tmp_path / "b"), epochs=5)["d_loss"]) == 5


@on("torch")
def test_a_new_learning_rate_is_said_to_be_left_out(tmp_path):
    cut_off(tmp_path / "b", 6)
    gan = build()
    gan.compile(keras.optimizers.Adam(5e-4), keras.optimizers.Adam(1e-3), **EAGERLY)
    with pytest.warns(UserWarning, match="d_optimizer's `learning_rate` is 0.0005, but .* 0.001"):
        train(gan, callbacks.Backup(tmp_path / "b"))
    assert float(gan.d_optimizer.learning_rate) == pytest.approx(1e-3)


@on("torch")
def test_two_trainings_at_once_in_one_folder_are_refused(tmp_path):
    class Second(Stateless):
        def on_epoch_end(self, epoch, logs=None):
            with pytest.raises(ValueError, match=r"Another training, process \d+, is using the"):
                train(build(), callbacks.Backup(tmp_path / "b"), epochs=1)
            seen.append(epoch)

    seen = []
    train(build(), Second(), callbacks.Backup(tmp_path / "b"), epochs=2)
    assert seen == [0, 1]
    assert len(list((tmp_path / "b").iterdir())) == 1


@on("torch")
def test_another_order_is_said_when_resuming(tmp_path):
    batches = [uint8_images(BATCH, seed=index) for index in range(STEPS)]

    def loader():
        import torch

        return torch.utils.data.DataLoader(
            torch.as_tensor(np.concatenate(batches)), batch_size=BATCH
        )

    cut_off(tmp_path / "b", 6, data=loader(), batch_size=None)
    with pytest.warns(UserWarning, match="The order of .* cannot be restored: .* its batch 2"):
        train(build(), callbacks.Backup(tmp_path / "b"), data=loader(), batch_size=None)
