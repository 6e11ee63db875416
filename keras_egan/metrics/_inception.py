"""Inception extractors: Keras's own, and the network of published FIDs."""

import hashlib
import os
from collections.abc import Callable
from typing import Any, BinaryIO

import keras
import numpy as np
from keras import ops

from keras_egan.extras import require
from keras_egan.image_format import channels_first, feature_shape

SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"

LAST = "channels_last"  # TensorFlow's convolutions on a CPU need it


def inception_v3(include_top: bool = False, weights: str | None = "imagenet") -> keras.Model:
    """Return InceptionV3 as an extractor for colour images in [-1, 1], of any size.

    Its first layer resizes the images bilinearly to 299x299; InceptionV3's own range is [-1, 1].
    The first call downloads the weights, about 90 MB, into Keras's cache.

    Distances of these features are not comparable with published FIDs and KIDs, which use
    `inception_2015`.

    Args:
        include_top: whether to return the probabilities of the 1,000 classes, for `InceptionScore`,
            instead of the 2,048 features.
        weights: `"imagenet"`, a path to a file of weights, or None for random weights.

    Returns:
        A Keras model from images in Keras's image data format, `(batch, height, width, 3)` or
        channels first, to features `(batch, 2048)` or probabilities `(batch, 1000)`.

    Source: Szegedy et al., Rethinking the Inception architecture for computer vision,
    https://arxiv.org/abs/1512.00567.

    Example:

    ```python
    extractor = inception_v3()
    metrics = [FrechetDistance(extractor), KernelDistance(extractor)]
    ```
    """
    network = keras.applications.InceptionV3(
        include_top=include_top,
        weights=weights,
        input_shape=feature_shape(299, 299, 3),
        pooling="avg",
    )
    images = keras.Input(feature_shape(None, None, 3), name="images")
    return keras.Model(images, network(keras.layers.Resizing(299, 299)(images)))


def inception_2015(
    weights: str | os.PathLike[str], verify: bool = True, resize: str = "legacy"
) -> keras.Model:
    """Return the Inception of 2015, the network of published FIDs, as an extractor.

    The weights are TensorFlow's of 2015-12-05, ported by pytorch-fid, 95,628,359 bytes at
    https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth.
    On each backend, PyTorch reads the file with `torch.load(weights_only=True)`, which runs no
    code from it.

    On each backend, the features equal those of pytorch-fid or clean-fid up to rounding, as
    `resize` says. Distances after one way of resizing are not comparable with those after another.
    Average pooling excludes the padding, and the last block uses max pooling instead. The network
    computes in float32, whatever the dtype policy.

    Args:
        weights: the path to the file.
        verify: whether to refuse a file whose SHA-256 differs from the published one,
            `6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2`. Pass False for
            other weights of this architecture, a state dict that `torch.save` wrote.
        resize: how images become 299x299. `"legacy"`, as pytorch-fid: bilinear without smoothing,
            so that large images are aliased. `"clean"`, as clean-fid's mode "clean": bicubic with
            smoothing, as Pillow resizes floats, and with clean-fid's scale, (x - 128) / 128.

    Returns:
        A Keras model from images to features of shape `(batch, 2048)`. The images are floats in
        [-1, 1], of any size, of shape `(batch, height, width, 3)`, or channels first if
        `keras.config.image_data_format()` says so.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: if PyTorch is not installed.
        ValueError: if the file is another one, is damaged, or lacks a weight, or `resize` is
            unknown.

    Source: Szegedy et al., Rethinking the Inception architecture for computer vision,
    https://arxiv.org/abs/1512.00567; mseitzer/pytorch-fid, pytorch_fid/inception.py; Parmar et al.,
    On aliased resizing and surprising subtleties in GAN evaluation,
    https://arxiv.org/abs/2104.11222, and clean-fid 0.1.35, cleanfid/resize.py. The size and the
    SHA-256 come from public code, and were not checked against the file.

    Example:

    ```python
    extractor = inception_2015("pt_inception-2015-12-05-6726825d.pth")
    distance = FrechetDistance(extractor)
    ```
    """
    if resize not in RESIZE:
        raise ValueError(f"`resize` must be one of {', '.join(RESIZE)}; got {resize!r}.")
    state = _state(weights, verify)
    images = keras.Input(feature_shape(None, None, 3), name="images")
    x = ops.transpose(images, (0, 2, 3, 1)) if channels_first() else images
    features = _Network(state).features(RESIZE[resize](x))
    model = keras.Model(images, features, name=f"inception_2015_{resize}")
    model.trainable = False
    return model


def inception_2015_classifier(weights: str | os.PathLike[str], verify: bool = True) -> keras.Model:
    """Return the last layer of the Inception of 2015, for the Inception score.

    It takes the features of `inception_2015`, so that the images go through the network once. As in
    the published Inception score, there are 1,008 classes, and the layer's bias is left out.

    Args:
        weights: as in `inception_2015`.
        verify: as in `inception_2015`.

    Returns:
        A Keras model from features of shape `(batch, 2048)` to probabilities `(batch, 1008)`.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: if PyTorch is not installed.
        ValueError: if the file is another one, is damaged, or lacks the weight.

    Source: Salimans et al., Improved techniques for training GANs,
    https://arxiv.org/abs/1606.03498, and its code, openai/improved-gan,
    inception_score/model.py; torch-fidelity 0.4.0's "logits_unbiased".

    Example:

    ```python
    features = inception_2015("pt_inception-2015-12-05-6726825d.pth")
    classifier = inception_2015_classifier("pt_inception-2015-12-05-6726825d.pth")
    result = compare(test_images, gan.sample(10_000), features, classifier)
    ```
    """
    kernel = _Network(_state(weights, verify)).weight("fc.weight")  # (classes, features)
    features = keras.Input((kernel.shape[1],), name="features")
    layer = keras.layers.Dense(len(kernel), "softmax", use_bias=False, dtype="float32")
    model = keras.Model(features, layer(features), name="inception_2015_classifier")
    layer.set_weights([kernel.T])
    model.trainable = False
    return model


def _legacy(images: Any) -> Any:
    return ops.image.resize(images, (299, 299), data_format=LAST)


def _clean(images: Any) -> Any:
    levels = 127.5 * (images + 1.0)
    form = {"interpolation": "bicubic", "antialias": True, "data_format": LAST}
    levels = ops.clip(ops.image.resize(levels, (299, 299), **form), 0.0, 255.0)
    return (levels - 128.0) / 128.0


RESIZE = {"legacy": _legacy, "clean": _clean}


def _state(weights, verify):
    with open(weights, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        if verify and digest != SHA256:
            raise ValueError(
                f"`weights` is not the published file: the SHA-256 of {os.fspath(weights)} begins "
                f"with {digest[:8]}, not {SHA256[:8]}. Download it again, or pass `verify=False` "
                "for other weights of this architecture."
            )
        return _read(file)


def _read(file: BinaryIO) -> dict[str, Any]:
    torch = require("torch", "torch", "`metrics.inception_2015`")
    try:
        file.seek(0)
        state = torch.load(file, map_location="cpu", weights_only=True)
        return {name: tensor.double().numpy() for name, tensor in state.items()}
    except Exception as error:  # a damaged pickle may raise any
        raise ValueError(
            f"`weights` must be the file of a state dict that `torch.save` wrote; got {file.name}. "
            "Download it again."
        ) from error


class _Network:
    """Build the layers of a state dict during the first forward pass."""

    def __init__(self, state: dict[str, np.ndarray]):
        self.state = state

    def features(self, x: Any) -> Any:
        x = self.conv(x, "Conv2d_1a_3x3", "valid", strides=2)
        x = self.conv(x, "Conv2d_2a_3x3", "valid")
        x = self.conv(x, "Conv2d_2b_3x3")
        x = _max_pool(x, "valid", strides=2)
        x = self.conv(x, "Conv2d_3b_1x1")
        x = self.conv(x, "Conv2d_4a_3x3", "valid")
        x = _max_pool(x, "valid", strides=2)
        for name in ("Mixed_5b", "Mixed_5c", "Mixed_5d"):
            x = self.block(x, name, branch5x5=2, branch3x3dbl=3)
        x = self.to_17(x, "Mixed_6a")
        for name in ("Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"):
            x = self.block(x, name, branch7x7=3, branch7x7dbl=5)
        x = self.to_8(x, "Mixed_7a")
        x = self.block_8(x, "Mixed_7b", _average_pool)
        x = self.block_8(x, "Mixed_7c", _max_pool)
        return ops.mean(x, axis=(1, 2))

    def block(self, x: Any, name: str, **branches: int) -> Any:
        return _join(
            self.conv(x, f"{name}.branch1x1"),
            *(self.convs(x, f"{name}.{branch}", count) for branch, count in branches.items()),
            self.conv(_average_pool(x), f"{name}.branch_pool"),
        )

    def to_17(self, x: Any, name: str) -> Any:
        double = self.convs(x, f"{name}.branch3x3dbl", 2)
        return _join(
            self.conv(x, f"{name}.branch3x3", "valid", strides=2),
            self.conv(double, f"{name}.branch3x3dbl_3", "valid", strides=2),
            _max_pool(x, "valid", strides=2),
        )

    def to_8(self, x: Any, name: str) -> Any:
        single = self.convs(x, f"{name}.branch3x3", 1)
        wide = self.convs(x, f"{name}.branch7x7x3", 3)
        return _join(
            self.conv(single, f"{name}.branch3x3_2", "valid", strides=2),
            self.conv(wide, f"{name}.branch7x7x3_4", "valid", strides=2),
            _max_pool(x, "valid", strides=2),
        )

    def block_8(self, x: Any, name: str, pool: Callable[[Any], Any]) -> Any:
        single = self.convs(x, f"{name}.branch3x3", 1)
        double = self.convs(x, f"{name}.branch3x3dbl", 2)
        return _join(
            self.conv(x, f"{name}.branch1x1"),
            self.conv(single, f"{name}.branch3x3_2a"),
            self.conv(single, f"{name}.branch3x3_2b"),
            self.conv(double, f"{name}.branch3x3dbl_3a"),
            self.conv(double, f"{name}.branch3x3dbl_3b"),
            self.conv(pool(x), f"{name}.branch_pool"),
        )

    def convs(self, x: Any, name: str, count: int) -> Any:
        for i in range(count):
            x = self.conv(x, f"{name}_{i + 1}")
        return x

    def conv(self, x: Any, name: str, padding: str = "same", strides: int = 1) -> Any:
        """A convolution, with a normalisation by fixed moments folded into it, and ReLU."""
        kernel = self.weight(f"{name}.conv.weight")
        scale = self.weight(f"{name}.bn.weight")
        scale = scale / np.sqrt(self.weight(f"{name}.bn.running_var") + 1e-3)
        shift = self.weight(f"{name}.bn.bias") - self.weight(f"{name}.bn.running_mean") * scale
        # (out, in, height, width) in PyTorch
        kernel = np.transpose(kernel * scale[:, None, None, None], (2, 3, 1, 0))
        layer = keras.layers.Conv2D(
            kernel.shape[-1],
            kernel.shape[:2],
            strides,
            padding,
            LAST,
            activation="relu",
            kernel_initializer="zeros",
            dtype="float32",
            name=name.replace(".", "_"),
        )
        x = layer(x)
        layer.set_weights([kernel, shift])
        return x

    def weight(self, name: str) -> np.ndarray:
        if name not in self.state:
            raise ValueError(f"`weights` lacks {name}: it is of another architecture.")
        return self.state[name]


def _join(*branches: Any) -> Any:
    return ops.concatenate(branches, axis=-1)


def _average_pool(x: Any) -> Any:
    return ops.average_pool(x, 3, 1, "same", LAST)


def _max_pool(x: Any, padding: str = "same", strides: int = 1) -> Any:
    return ops.max_pool(x, 3, strides, padding, LAST)
