"""Trains on TensorFlow, on all GPUs of this machine, or on virtual devices of its CPU.

    python examples/distributed/tensorflow_mirrored.py --devices 2

Several machines need JAX or PyTorch: Keras 3 does not train under MultiWorkerMirroredStrategy,
https://github.com/keras-team/keras/issues/20585.

A killed training resumes when it is started again, also with another number of devices.
"""

import os

import training

parser = training.flags(__doc__)
parser.add_argument(
    "--devices", type=int, default=2, help="number of virtual CPU devices if there is no GPU"
)
arguments = parser.parse_args()
os.environ["KERAS_BACKEND"] = "tensorflow"

import tensorflow as tf

names = [f"GPU:{index}" for index in range(len(tf.config.list_physical_devices("GPU")))]
if not names:
    names = [f"CPU:{index}" for index in range(arguments.devices)]
    cpu = tf.config.list_physical_devices("CPU")[0]
    virtual = [tf.config.LogicalDeviceConfiguration() for _ in names]
    tf.config.set_logical_device_configuration(cpu, virtual)

# The networks are made, and trained, in the strategy's scope.
with tf.distribute.MirroredStrategy(names).scope():
    training.train(arguments, *training.build(arguments))
