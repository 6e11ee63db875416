"""Losses and penalties that a user's own GAN may have."""

import keras
import numpy as np
import pytest

from tests.conftest import on
from tests.registry import EAGERLY, LinearGAN, float_images, tiny_critic, tiny_networks


class Drawing(LinearGAN):
    """Its loss draws random numbers, and logs a penalty."""

    def discriminator_loss(self, real, fake):
        share = real.rows.own(lambda n: keras.random.uniform((n, 1, 1, 1), seed=real.rows.seeds))
        between = share * real.images + (1.0 - share) * fake.images
        norms = self.gradient_norms(between, real.labels)
        return real.energy - fake.energy + norms, {"norms": norms}


@pytest.mark.parametrize("classes", [None, 3])
def test_a_loss_may_draw_numbers_and_log_what_it_computes(classes):
    """A critic of slope 2 in each of 64 pixels has a gradient of norm 16 everywhere."""
    generator, _ = tiny_networks(classes=classes)
    image = keras.Input((8, 8, 1))
    inputs = image if classes is None else [image, keras.Input((), dtype="int32")]
    score = keras.layers.Dense(1, kernel_initializer=keras.initializers.Constant(2.0))
    critic = keras.Model(inputs, score(keras.layers.Flatten()(image)))
    gan = Drawing(generator, critic, energy="output", num_classes=classes, seed=0)
    gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0), **EAGERLY)
    images, labels = float_images(8), np.arange(8) % 3
    given = (images,) if classes is None else (images, labels)
    logs = gan.fit(*given, batch_size=4, verbose=0).history
    assert logs["norms"] == pytest.approx([16.0], rel=1e-5)
    logs = gan.evaluate(*given, batch_size=4, verbose=0, return_dict=True)
    assert float(logs["norms"]) == pytest.approx(16.0, rel=1e-5)


@on("torch")
def test_a_penalty_returns_no_metrics():
    class Pair(LinearGAN):
        def penalty(self, real, fake):
            return fake.energy, {"energy": fake.energy}

    gan = Pair(tiny_networks()[0], tiny_critic(), energy="output")
    gan.compile("sgd", "sgd")
    with pytest.raises(TypeError, match=r"`penalty` must return one number .*got a tuple"):
        gan.train_on_batch(float_images(8))
