"""Trains BEGAN, EBGAN, MAGAN, LSGAN or LS-GAN on images with labels, by default on digits.

A conditional GAN learns each class: the generator gets a latent vector and a label, the
discriminator an image and its label. An auto-encoder gets the label in its decoder alone. Its
embedding then holds the rest, such as the style of the handwriting, and an image with a wrong label
is reconstructed badly. Each row of the grid shows one class.

A folder's classes are its subfolders. A dataset of tensorflow-datasets needs labels:

    python examples/conditional.py --gan ebgan --dataset fashion_mnist --preset ebgan/fashion
    python examples/conditional.py --dataset photos/ --image-size 64
"""

import common

GANS = ("began", "ebgan", "magan", "least_squares", "loss_sensitive")
parser = common.flags(__doc__, "conditional", "began")
parser.add_argument("--gan", dest="family", choices=GANS, help="which GAN")
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
print(
    f"Classes:     {arguments.output / 'classes'}, 64 samples per class, for the first ten classes"
)
common.finish(gan, arguments.output, arguments.name)
