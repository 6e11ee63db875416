"""Trains on JAX with weights that are spread over devices, for networks too large for one.

Uses two virtual devices of the CPU, or all devices of this machine if there are more:

    python examples/distributed/jax_model_parallel.py

The devices form a grid of `batch` by `model`. Here all are along `model`: each has all images, and
half of the weights of some layers. In a real case these are the large layers.
"""

import os

import training

arguments = training.flags(__doc__).parse_args()
os.environ["KERAS_BACKEND"] = "jax"
flags = os.environ.get("XLA_FLAGS", "")
os.environ["XLA_FLAGS"] = f"{flags} --xla_force_host_platform_device_count=2"

import keras

devices = keras.distribution.list_devices()
mesh = keras.distribution.DeviceMesh((1, len(devices)), ["batch", "model"], devices)
layouts = keras.distribution.LayoutMap(mesh)
# Regular expressions of weights' paths: print `[v.path for v in gan.variables]` to see them. This
# one matches the layers between latents or embeddings and feature maps.
layouts["dense.*kernel"] = (None, "model")
keras.distribution.set_distribution(
    keras.distribution.ModelParallel(layout_map=layouts, batch_dim_name="batch")
)

gan, images = training.build(arguments)
for network in (gan.generator, gan.discriminator.encoder, gan.discriminator.decoder):
    for variable in network.trainable_variables:
        if not variable.value.is_fully_replicated:
            part, whole = variable.value.addressable_data(0).shape, tuple(variable.shape)
            print(f"{network.name}/{variable.path}: {part} of {whole} on each device")
training.train(arguments, gan, images)
