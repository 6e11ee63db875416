"""Every GAN, once; each line takes a class through the whole common contract."""

import random
from dataclasses import dataclass, field, replace

import keras
import numpy as np
from keras import layers

import keras_egan

# A few steps are faster than compiling them on TensorFlow. They are slower on JAX, which keeps
# what it has compiled, and PyTorch does not compile.
EAGERLY = {"run_eagerly": keras.backend.backend() == "tensorflow"}
IMAGE_SHAPE = (8, 8, 1)
LATENT_DIM = 4


@keras.saving.register_keras_serializable("keras_egan_tests")
class LinearGAN(keras_egan.EnergyGAN):
    """A user's critic, with a hyper-parameter in its loss."""

    weight = keras_egan.Hyperparameter("be 0 or more", lambda value: value >= 0)

    def __init__(self, generator, discriminator, *, weight=1.0, **kwargs):
        super().__init__(generator, discriminator, **kwargs)
        self.weight = weight

    def discriminator_loss(self, real, fake):
        return real.energy - self.weight * fake.energy


@keras.saving.register_keras_serializable("keras_egan_tests")
class RestlessGAN(keras_egan.EnergyGAN):
    """A user's auto-encoder, with a plain argument, a controller and a metric of its own."""

    def __init__(self, generator, discriminator, *, rate=0.1, **kwargs):
        super().__init__(generator, discriminator, **kwargs)
        self.rate = rate
        self.pull = self.add_state("pull", initial=0.5)

    def discriminator_loss(self, real, fake):
        return real.energy - self.pull * fake.energy, {"spread": fake.energy - real.energy}

    def control(self, logs):
        self.pull.assign(self.pull + self.rate * logs["spread"])


@keras.saving.register_keras_serializable("keras_egan_tests")
class RaLSGAN(keras_egan.EnergyGAN):
    """Relativistic average LSGAN, which compares each energy with the other batch's mean."""

    def discriminator_loss(self, real, fake):
        means = [keras.ops.mean(batch.gathered(batch.energy)) for batch in (real, fake)]
        return (real.energy - means[1] + 1.0) ** 2 + (fake.energy - means[0] - 1.0) ** 2

    def generator_loss(self, fake, real=None):
        return self.discriminator_loss(fake, real)

    def penalty(self, real, fake):
        return self.zero_centered_penalty((0.5, real), (0.5, fake))


def sgd():
    """Return an optimizer with slots that compiles fast."""
    return keras.optimizers.SGD(2e-3, momentum=0.9)


def adam():
    """Return an optimizer whose steps depend on their number."""
    return keras.optimizers.Adam(1e-3)


@dataclass
class Case:
    name: str
    gan: type
    arguments: dict = field(default_factory=dict)
    critic: bool = False
    embedding_dim: int = 3
    state: dict = field(default_factory=dict)
    classes: int | None = None
    bias: bool = True  # of a critic's score; losses of differences do not move it

    def build(self, optimizer=sgd, run_eagerly=False, **overrides):
        """Return an untrained, compiled model; the same weights at each call on one backend."""
        random.seed(0)  # Keras's initializers draw their seeds from this
        generator, discriminator = tiny_networks(
            embedding_dim=self.embedding_dim, classes=self.classes
        )
        if self.critic:
            logits = self.classes if self.arguments.get("energy") == "cross_entropy" else None
            discriminator = tiny_critic(classes=self.classes, logits=logits, bias=self.bias)
        arguments = {"seed": 1, "num_classes": self.classes, **self.arguments, **overrides}
        gan = self.gan(generator, discriminator, **arguments)
        gan.compile(optimizer(), optimizer(), run_eagerly=run_eagerly)
        for name, value in self.state.items():
            getattr(gan, name).assign(value)
        return gan


CASES = [
    Case("began", keras_egan.BEGAN, {"gamma": 0.5, "lambda_k": 0.1}),
    Case("ebgan", keras_egan.EBGAN, {"margin": 1.5, "pt_weight": 0.1}),
    Case("magan", keras_egan.MAGAN, state={"epochs_done": 3, "margin": 25.0}),  # adversarial
    Case("lsgan", keras_egan.LeastSquaresGAN, critic=True),
    Case(
        "ls_gan",
        keras_egan.LossSensitiveGAN,
        {"delta_weight": 0.01, "slope": 0.3, "first_term_weight": 0.5, "gradient_penalty": 1.0},
        True,
    ),
    Case("linear", LinearGAN, {"energy": "output", "weight": 0.7}, True),
    Case("restless", RestlessGAN, {"energy": "norm", "rate": 0.01}),
    Case("began_cs", keras_egan.BEGANCS, {"lambda_k": 0.1}, embedding_dim=LATENT_DIM),
    Case(
        "relativistic",
        keras_egan.RelativisticGAN,
        {"r1_weight": 0.7, "r2_weight": 0.3, "penalty_stride": 3},
        True,
        bias=False,
    ),
    Case("ralsgan", RaLSGAN, {"energy": "output"}, True, bias=False),
    Case("began_settling", keras_egan.BEGAN, {"settle_steps": 50}),
    Case("ebgan_auto", keras_egan.EBGAN, {"margin": "auto"}),
    Case(
        "ls_gan_auto",
        keras_egan.LossSensitiveGAN,
        {"delta_weight": "auto", "slope": 0.3, "first_term_weight": 0.5},
        True,
    ),
]

FOLLOWING = Case("began_following", keras_egan.BEGAN, {"lambda_k": 0.1, "augment": "auto"})
"""Whose augmentation follows the overfitting, for which it needs validation data."""

CONDITIONAL = [
    *(replace(case, name=f"{case.name}_classes", classes=3) for case in CASES[:5]),
    replace(CASES[8], name="relativistic_classes", classes=3),
    Case(
        "cls_gan",
        keras_egan.LossSensitiveGAN,
        {"energy": "cross_entropy", "first_term_weight": 1.0, "delta_weight": 0.01},
        True,
        classes=3,
    ),
]
"""Those of images with labels."""

VARIANTS = [
    Case("began_eta_2", keras_egan.BEGAN, {"gamma": 0.7, "lambda_k": 0.1, "eta": 2}),
    Case("ebgan_mse", keras_egan.EBGAN, {"margin": 0.04, "energy": "mse"}),
    Case("lsgan_pearson", keras_egan.LeastSquaresGAN, keras_egan.LeastSquaresGAN.PEARSON, True),
    Case("relativistic_hinge", keras_egan.RelativisticGAN, {"form": "hinge"}, True, bias=False),
]
"""Held against the other backends only."""


def labels_for(gan, images):
    """Return labels for images, or None if the GAN takes none."""
    return [i % gan.num_classes for i in range(len(images))] if gan.num_classes else None


def given(gan, images):
    """Return training data: images, or a tuple of images and labels."""
    return (images, labels_for(gan, images)) if gan.num_classes else images


def tiny_networks(image_shape=IMAGE_SHAPE, latent_dim=LATENT_DIM, embedding_dim=3, classes=None):
    """Return a smooth generator and auto-encoder of a few hundred weights."""
    pixels = int(np.prod(image_shape))
    generator = keras.Sequential(
        [
            keras.Input((latent_dim,)),
            layers.Dense(8, activation="tanh"),
            layers.Dense(pixels, activation="tanh"),
            layers.Reshape(image_shape),
        ],
        name="generator",
    )
    encoder = keras.Sequential(
        [
            keras.Input(image_shape),
            layers.Flatten(),
            layers.Dense(8, activation="tanh"),
            layers.Dense(embedding_dim),
        ],
        name="encoder",
    )
    decoder = keras.Sequential(
        [
            keras.Input((embedding_dim,)),
            layers.Dense(8, activation="tanh"),
            layers.Dense(pixels),
            layers.Reshape(image_shape),
        ],
        name="decoder",
    )
    if classes:
        generator, decoder = conditioned(generator, classes), conditioned(decoder, classes)
    return generator, keras_egan.networks.Autoencoder(encoder, decoder)


def tiny_critic(image_shape=IMAGE_SHAPE, classes=None, logits=None, bias=True):
    """Return a smooth critic of a few hundred weights, or a classifier with that many logits."""
    critic = keras.Sequential(
        [
            keras.Input(image_shape),
            layers.Flatten(),
            layers.Dense(8, activation="tanh"),
            layers.Dense(logits or 1, use_bias=bias),
        ],
        name="discriminator",
    )
    return conditioned(critic, classes) if classes and not logits else critic


def conditioned(network, classes):
    """Return a network that adds a learnt embedding of the label to its input."""
    shape = network.input_shape[1:]
    x, label = keras.Input(shape), keras.Input((), dtype="int32")
    added = layers.Embedding(classes, int(np.prod(shape)))(label)
    return keras.Model([x, label], network(x + layers.Reshape(shape)(added)), name=network.name)


def uint8_images(n=50, image_shape=IMAGE_SHAPE, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (n, *image_shape), dtype="uint8")


def float_images(n=50, image_shape=IMAGE_SHAPE, seed=0):
    return uint8_images(n, image_shape, seed).astype("float32") / 127.5 - 1.0


def weights(model):
    """Return all of a model's variables as NumPy arrays."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in model.variables]


def state(gan):
    """Return all of a model's variables, with its optimizers' and its running means."""
    others = gan.optimizer.variables + gan._running_means.variables
    return weights(gan) + [np.array(keras.ops.convert_to_numpy(variable)) for variable in others]
