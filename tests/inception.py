"""The Inception network of 2015 in PyTorch, as in pytorch-fid, with weights drawn by a seed."""

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812 (its usual name)

from tests.features import rng


class Inception2015:
    """Draw a layer's weights when the layer is first used, and keep them in `state`.

    The module of pytorch-fid 0.3.0, which needs torchvision, gave exactly the same features with
    these weights.
    """

    def __init__(self, seed=0):
        self.state = {}
        self.rng = rng(seed)

    @torch.no_grad()
    def features(self, images):
        """The features of uint8 images with the channels last."""
        x = torch.from_numpy(images).permute(0, 3, 1, 2) / 255.0
        x = F.interpolate(x, size=(299, 299), mode="bilinear", align_corners=False)
        return self.features_of(2.0 * x - 1.0)

    @torch.no_grad()
    def features_of(self, x):
        """The features of images that are resized and scaled, channels first."""
        x = self.conv(x, "Conv2d_1a_3x3", 32, 3, pad=False, stride=2)
        x = self.conv(x, "Conv2d_2a_3x3", 32, 3, pad=False)
        x = F.max_pool2d(self.conv(x, "Conv2d_2b_3x3", 64, 3), 3, 2)
        x = self.conv(x, "Conv2d_3b_1x1", 80, 1)
        x = F.max_pool2d(self.conv(x, "Conv2d_4a_3x3", 192, 3, pad=False), 3, 2)
        for name, pooled in (("Mixed_5b", 32), ("Mixed_5c", 64), ("Mixed_5d", 64)):
            x = self.a(x, name, pooled)
        x = self.b(x, "Mixed_6a")
        for name, width in zip("bcde", (128, 160, 160, 192), strict=True):
            x = self.c(x, f"Mixed_6{name}", width)
        x = self.d(x, "Mixed_7a")
        x = self.e(x, "Mixed_7b", average(x))
        x = self.e(x, "Mixed_7c", F.max_pool2d(x, 3, 1, padding=1))
        return x.mean(dim=(2, 3)).numpy()

    def a(self, x, name, pooled):
        return join(
            self.conv(x, f"{name}.branch1x1", 64, 1),
            self.chain(x, f"{name}.branch5x5", (48, 1), (64, 5)),
            self.chain(x, f"{name}.branch3x3dbl", (64, 1), (96, 3), (96, 3)),
            self.conv(average(x), f"{name}.branch_pool", pooled, 1),
        )

    def b(self, x, name):
        y = self.chain(x, f"{name}.branch3x3dbl", (64, 1), (96, 3))
        return join(
            self.conv(x, f"{name}.branch3x3", 384, 3, pad=False, stride=2),
            self.conv(y, f"{name}.branch3x3dbl_3", 96, 3, pad=False, stride=2),
            F.max_pool2d(x, 3, 2),
        )

    def c(self, x, name, n):
        tall, wide = (n, (7, 1)), (n, (1, 7))
        return join(
            self.conv(x, f"{name}.branch1x1", 192, 1),
            self.chain(x, f"{name}.branch7x7", (n, 1), wide, (192, (7, 1))),
            self.chain(x, f"{name}.branch7x7dbl", (n, 1), tall, wide, tall, (192, (1, 7))),
            self.conv(average(x), f"{name}.branch_pool", 192, 1),
        )

    def d(self, x, name):
        y = self.conv(x, f"{name}.branch3x3_1", 192, 1)
        z = self.chain(x, f"{name}.branch7x7x3", (192, 1), (192, (1, 7)), (192, (7, 1)))
        return join(
            self.conv(y, f"{name}.branch3x3_2", 320, 3, pad=False, stride=2),
            self.conv(z, f"{name}.branch7x7x3_4", 192, 3, pad=False, stride=2),
            F.max_pool2d(x, 3, 2),
        )

    def e(self, x, name, pooled):
        y = self.conv(x, f"{name}.branch3x3_1", 384, 1)
        z = self.chain(x, f"{name}.branch3x3dbl", (448, 1), (384, 3))
        return join(
            self.conv(x, f"{name}.branch1x1", 320, 1),
            self.conv(y, f"{name}.branch3x3_2a", 384, (1, 3)),
            self.conv(y, f"{name}.branch3x3_2b", 384, (3, 1)),
            self.conv(z, f"{name}.branch3x3dbl_3a", 384, (1, 3)),
            self.conv(z, f"{name}.branch3x3dbl_3b", 384, (3, 1)),
            self.conv(pooled, f"{name}.branch_pool", 192, 1),
        )

    def chain(self, x, name, *layers):
        for i, (filters, kernel) in enumerate(layers):
            x = self.conv(x, f"{name}_{i + 1}", filters, kernel)
        return x

    def conv(self, x, name, filters, kernel, pad=True, stride=1):
        height, width = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        if f"{name}.conv.weight" not in self.state:
            self.draw(name, (filters, x.shape[1], height, width))
        padding = (height // 2, width // 2) if pad else 0
        x = F.conv2d(x, self.state[f"{name}.conv.weight"], None, stride, padding)
        moments = (self.state[f"{name}.bn.running_{key}"] for key in ("mean", "var"))
        weights = (self.state[f"{name}.bn.{key}"] for key in ("weight", "bias"))
        return F.relu(F.batch_norm(x, *moments, *weights, eps=1e-3))

    def draw(self, name, shape):
        """Return weights of He's deviations, which keep the features dependent on the images."""
        deviation = np.sqrt(2.0 / np.prod(shape[1:]))
        values = {
            "conv.weight": deviation * self.rng.standard_normal(shape, "float32"),
            "bn.weight": self.rng.uniform(0.5, 1.5, shape[0]),
            "bn.bias": self.rng.normal(0.0, 0.1, shape[0]),
            "bn.running_mean": self.rng.normal(0.0, 0.1, shape[0]),
            "bn.running_var": self.rng.uniform(0.5, 1.5, shape[0]),
        }
        for key, value in values.items():
            self.state[f"{name}.{key}"] = torch.tensor(value, dtype=torch.float32)
        self.state[f"{name}.bn.num_batches_tracked"] = torch.tensor(0)


def join(*branches):
    return torch.cat(branches, dim=1)


def average(x):
    return F.avg_pool2d(x, 3, 1, padding=1, count_include_pad=False)
