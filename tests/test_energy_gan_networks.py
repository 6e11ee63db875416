"""A GAN's networks: regularizers, frozen or shared layers, and inputs."""

import keras
import numpy as np
import pytest
from keras import layers

import keras_egan
from tests.conftest import on
from tests.registry import EAGERLY, IMAGE_SHAPE, LinearGAN, tiny_networks, uint8_images, weights
from tests.tiny import began


@pytest.mark.parametrize("kind", ["weight", "activity", "add_loss"])
@pytest.mark.parametrize("side", ["generator", "discriminator"])
def test_regularizers_of_all_kinds_count_in_their_own_networks_loss(kind, side):
    """With nothing else in the loss, a step of SGD equals the one in NumPy."""

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
    gan._draw_latents = lambda rows: keras.ops.convert_to_tensor(next(draws))
    g, d = weights(generator)[0].astype("float64"), weights(critic)[0].astype("float64")
    data = np.random.default_rng(0).normal(size=(6, 5)).astype("float32")
    gan.train_on_batch(data)

    # Half the sum of squares of the weights, or of the outputs (of data and fakes for D), which
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


@on("torch")
def test_a_shared_layer_is_refused_by_name():
    shared = layers.Dense(16, name="shared")
    z, x = keras.Input((4,)), keras.Input((8,))
    generator = keras.Model(z, layers.Dense(8)(shared(layers.Dense(8)(z))))
    discriminator = keras.Model(x, layers.Dense(8)(shared(x)))
    with pytest.raises(ValueError, match=r"share weights \(shared/kernel, shared/bias\)"):
        keras_egan.BEGAN(generator, discriminator)


@on("torch")
def test_latents_are_vectors():
    _, discriminator = tiny_networks()
    z = keras.Input((1, 1, 4))
    generator = keras.Model(z, layers.Reshape(IMAGE_SHAPE)(layers.Dense(64)(layers.Flatten()(z))))
    for arguments in ({}, {"latent_dim": 4}):
        with pytest.raises(
            ValueError, match=r"Begin it with `keras.layers.Reshape\(\(1, 1, 4\)\)`"
        ):
            keras_egan.BEGAN(generator, discriminator, **arguments)


@on("torch")
@pytest.mark.parametrize("argument", ["generator", "discriminator"])
@pytest.mark.parametrize("kind", ["Lambda", "TorchModuleWrapper"])
def test_layers_whose_file_would_hold_code_are_refused(kind, argument):
    if kind == "Lambda":
        layer = layers.Lambda(lambda x: 2 * x, name="mine")
    else:
        torch = pytest.importorskip("torch")
        if keras.backend.backend() != "torch":
            pytest.skip("Keras wraps PyTorch's modules on PyTorch alone")
        layer = layers.TorchModuleWrapper(torch.nn.Tanh(), name="mine")
    networks = dict(zip(("generator", "discriminator"), tiny_networks(), strict=True))
    networks[argument] = keras.Sequential([*networks[argument].layers, layer])
    with pytest.raises(ValueError, match=rf"`{argument}` has the layer 'mine', a {kind}\. A file"):
        keras_egan.BEGAN(**networks)


@on("torch")
def test_a_lambda_of_a_registered_function_is_taken():
    generator, discriminator = tiny_networks()
    keras_egan.BEGAN(
        keras.Sequential([*generator.layers, layers.Lambda(doubled)]), discriminator, latent_dim=4
    )


@keras.saving.register_keras_serializable("keras_egan_tests")
def doubled(x):
    return 2 * x


def test_a_discriminator_of_any_size_is_taken():
    image = keras.Input((None, None, 1))
    anywhere = keras.Model(image, layers.Conv2D(1, 3, padding="same")(image))
    gan = began((tiny_networks()[0], anywhere))
    gan.fit(uint8_images(16), verbose=0)
    assert gan.energy(uint8_images(3)).shape == (3,)


@on("torch")
def test_networks_of_several_inputs_are_refused():
    one, two, image = keras.Input((2,)), keras.Input((3,)), keras.Input(IMAGE_SHAPE)
    pixels = layers.Reshape(IMAGE_SHAPE)(layers.Dense(64)(layers.Concatenate()([one, two])))
    with pytest.raises(ValueError, match="`generator` must have one input, latents"):
        keras_egan.BEGAN(keras.Model([one, two], pixels), tiny_networks()[1])
    with pytest.raises(ValueError, match="`discriminator` must have one input, samples,"):
        keras_egan.BEGAN(tiny_networks()[0], keras.Model([image, one], image))
    with pytest.raises(ValueError, match="`generator` must be a Keras model; got str"):
        keras_egan.BEGAN("generator", tiny_networks()[1])


class Shifted(layers.Layer):
    """Adds a number in training."""

    def __init__(self, shift):
        super().__init__()
        self.shift = shift

    def call(self, inputs, training=False):
        return inputs + self.shift if training else inputs


def test_networks_are_trained_in_training_mode_and_evaluated_in_inference_mode():
    """The generator makes 0, or 0.25 in training; the critic adds 0.5 to the mean in training."""
    generator = keras.Sequential(
        [keras.Input((4,)), layers.Dense(2, kernel_initializer="zeros"), Shifted(0.25)]
    )
    mean = layers.Dense(1, kernel_initializer=keras.initializers.Constant(0.5))
    critic = keras.Sequential([keras.Input((2,)), mean, Shifted(0.5)])
    gan = LinearGAN(generator, critic, energy="output", weight=0.7)
    gan.compile(keras.optimizers.SGD(0.0), keras.optimizers.SGD(0.0), **EAGERLY)
    data = np.full((6, 2), 0.1, "float32")
    logs = gan.train_on_batch(data, return_dict=True)
    trained = {"real_energy": 0.6, "fake_energy": 0.75, "d_loss": 0.6 - 0.7 * 0.75, "g_loss": 0.75}
    assert {name: float(logs[name]) for name in trained} == pytest.approx(trained, rel=1e-5)
    figures = gan.evaluate(data, verbose=0, return_dict=True)
    inferred = {"real_energy": 0.1, "fake_energy": 0.0, "d_loss": 0.1, "g_loss": 0.0}
    assert figures == pytest.approx(inferred, abs=1e-6)
    np.testing.assert_allclose(gan.energy(data), np.full(6, 0.1), rtol=1e-6)
    for made in (gan.sample(3), gan.predict(np.ones((3, 4)), verbose=0), gan(np.ones((3, 4)))):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(made), np.zeros((3, 2)))


@on("torch")
def test_samples_are_clipped_where_they_are_images():
    bias = keras.initializers.Constant([-3.0, 3.0, 0.5, 1.0])
    for shape in ((2, 2, 1), (4,)):
        generator = keras.Sequential(
            [
                keras.Input((3,)),
                layers.Dense(4, kernel_initializer="zeros", bias_initializer=bias),
                layers.Reshape(shape),
            ]
        )
        critic = keras.Sequential([keras.Input(shape), layers.Flatten(), layers.Dense(1)])
        gan = keras_egan.LeastSquaresGAN(generator, critic)
        expected = [-1.0, 1.0, 0.5, 1.0] if len(shape) == 3 else [-3.0, 3.0, 0.5, 1.0]
        np.testing.assert_array_equal(gan.sample(1).ravel(), expected)


@on("torch")
def test_networks_that_do_not_fit():
    generator, discriminator = tiny_networks()
    _, larger = tiny_networks((12, 12, 1))
    with pytest.raises(
        ValueError, match=r"samples of shape \(8, 8, 1\), but .* takes \(12, 12, 1\)"
    ):
        keras_egan.BEGAN(generator, larger)
    critic = keras.Sequential([keras.Input(IMAGE_SHAPE), layers.Flatten(), layers.Dense(1)])
    with pytest.raises(ValueError, match="must be an auto-encoder"):
        keras_egan.BEGAN(generator, critic)
    with pytest.raises(ValueError, match="A reconstruction must have its image's shape"):
        keras_egan.networks.Autoencoder(discriminator.encoder, larger.decoder)


def test_subclassed_networks_need_latent_dim():
    class Generator(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(64)
            self.reshape = layers.Reshape(IMAGE_SHAPE)

        def call(self, latents):
            return self.reshape(self.dense(latents))

    class Discriminator(keras.Model):
        def __init__(self):
            super().__init__()
            self.code = layers.Dense(2)

        def call(self, images):
            flat = keras.ops.reshape(images, (-1, 64))
            return keras.ops.reshape(flat * keras.ops.mean(self.code(flat)), (-1, *IMAGE_SHAPE))

    with pytest.raises(ValueError, match="`latent_dim` is missing"):
        keras_egan.BEGAN(Generator(), Discriminator())
    gan = keras_egan.BEGAN(Generator(), Discriminator(), latent_dim=3)
    gan.compile("sgd", "sgd", **EAGERLY)
    gan.fit(uint8_images(), verbose=0)
    assert gan.sample(2).shape == (2, *IMAGE_SHAPE)
