"""DiffAugment: random changes of images that let gradients pass."""

import numbers
from typing import Any

import keras
from keras import ops

from keras_egan import backend
from keras_egan.image_format import channels_first, is_image

_WORDS = ("color", "translation", "cutout")


@keras.saving.register_keras_serializable("keras_egan")
class DiffAugment(keras.layers.Layer):
    """Differentiable augmentation: random changes of images, drawn per image and per call.

    - `"color"` changes three things. Brightness: a number from [-0.5, 0.5) is added to the image.
      Saturation: each pixel's distance to its mean over the channels is multiplied by a number
      from [0, 2); this leaves grey images unchanged. Contrast: each value's distance to the image
      mean is multiplied by a number from [0.5, 1.5).
    - `"translation"` shifts by whole pixels, at most an eighth of each side in each direction.
    - `"cutout"` fills a rectangle of half of each side, which may extend beyond the edge.

    `call(images)` is `apply(images, draw(len(images)))`. `apply` is a pure function, so that each
    of several devices can use its share of one draw, and all backends give the same result.

    Args:
        policy: the changes in their order: the words above, separated by commas.
        fill: the value beyond a border and in a cutout, from -1 to 1. 0, the paper's value, is
            mid-grey; -1 suits images on black.
        probability: each image's probability of being changed, from 0 to 1; the others stay as they
            are. `"auto"` is for a GAN's `augment`: it begins at 0, and `fit` moves it by how much
            the discriminator overfits, for which it needs validation data.
        seed: an integer; by default another integer per layer, which
            `keras.utils.set_random_seed` fixes.
        **kwargs: as in `keras.layers.Layer`.

    Raises:
        ValueError: if `policy` has an unknown word, or `fill` or `probability` is out of range; on
            a call, if images are not of rank 4.

    Source: Zhao et al., Differentiable Augmentation for Data-Efficient GAN Training,
    https://arxiv.org/abs/2006.10738, with the ranges of the authors' code,
    https://github.com/mit-han-lab/data-efficient-gans.

    Example:

    ```python
    augment = DiffAugment("translation,cutout", fill=-1.0, seed=0)
    augmented = augment(images)  # floats, (batch, height, width, channels) or channels first
    ```
    """

    def __init__(
        self,
        policy: str = "color,translation,cutout",
        *,
        fill: float = 0.0,
        probability: float | str = 1.0,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self._words = [word.strip() for word in policy.split(",")]
        for word in self._words:
            if word not in _WORDS:
                raise ValueError(
                    f"`policy` must be made of {', '.join(_WORDS)}, separated by commas; got "
                    f"{word!r} in {policy!r}."
                )
        if not -1.0 <= fill <= 1.0:
            raise ValueError(f"`fill` must lie in [-1, 1], as images do; got {fill!r}.")
        auto = isinstance(probability, str) and probability == "auto"
        number: Any = 0.0 if auto else probability
        if not (isinstance(number, numbers.Real) and 0.0 <= float(number) <= 1.0):
            raise ValueError(
                f"`probability` must be a number from 0 to 1, or 'auto'; got {probability!r}."
            )
        self.policy = policy
        self.fill = fill
        self.probability: Any = float(number)
        if auto:  # the same on every replica, float32 whatever the dtype policy
            self.probability = self.add_weight(
                name="probability",
                initializer="zeros",
                dtype="float32",
                trainable=False,
                autocast=False,
                aggregation="only_first_replica",
            )
        self.seed = seed
        with backend.host():
            self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def call(self, images: Any) -> Any:
        """Augment images, a float tensor of shape `(batch, ...)` in [-1, 1]."""
        with backend.host():
            numbers = self.draw(ops.shape(images)[0])
        return self.apply(images, backend.sent(numbers))

    def draw(self, n: Any) -> dict[str, Any]:
        """Draw the random numbers for `n` images, a dict of float32 tensors; this moves the seed.

        `"brightness"`, `"saturation"` and `"contrast"` have shape `(n,)` and the ranges above.
        `"translation"` and `"cutout"` have shape `(n, 2)`, vertical and horizontal, in [0, 1), from
        the first to the last position. If `probability` is not 1, `"chosen"`, of shape `(n,)` in
        [0, 1), is below it for the images to change.
        """
        columns = 7 if self._always() else 8
        uniform = keras.random.uniform((n, columns), seed=self.seed_generator, dtype="float32")
        chosen = {} if self._always() else {"chosen": uniform[:, 7]}
        return {
            "brightness": uniform[:, 0] - 0.5,
            "saturation": uniform[:, 1] * 2.0,
            "contrast": uniform[:, 2] + 0.5,
            "translation": uniform[:, 3:5],
            "cutout": uniform[:, 5:7],
            **chosen,
        }

    def apply(self, images: Any, numbers: dict[str, Any]) -> Any:
        """Augment images with the numbers of `draw(batch)`; their shape and dtype stay the same.

        Images are floats in Keras's image data format, of known height and width.
        """
        if not is_image(images.shape[1:]):
            raise ValueError(
                "DiffAugment needs images of shape (batch, height, width, channels), in Keras's "
                f"image data format; got shape {tuple(images.shape)}."
            )
        first = channels_first()
        x = ops.transpose(images, (0, 2, 3, 1)) if first else images
        for word in self._words:
            if word == "color":
                x = _recolored(x, numbers)
            elif word == "translation":
                x = _translated(x, numbers["translation"], self.fill)
            else:
                x = _cut_out(x, numbers["cutout"], self.fill)
        x = ops.transpose(x, (0, 3, 1, 2)) if first else x
        if self._always():
            return x
        # By an operator of the tensors, because Keras's would send a number to the device.
        p = self.probability.value if self.automatic else self.probability
        chosen = ops.convert_to_tensor(numbers["chosen"]) < p
        return ops.where(chosen[:, None, None, None], x, images)

    @property
    def automatic(self) -> bool:
        """Whether `probability` is `"auto"`: a variable, which the training of a GAN moves."""
        return not isinstance(self.probability, float)

    def _always(self):
        return not self.automatic and self.probability == 1

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        arguments = {"policy": self.policy, "fill": self.fill, "seed": self.seed}
        arguments["probability"] = "auto" if self.automatic else self.probability
        return {**super().get_config(), **arguments}


def layer_of(
    augment: Any, image_shape: tuple[int, ...], seed: int | None
) -> keras.layers.Layer | None:
    """Return `augment` as a layer built for an image shape: a policy makes a `DiffAugment`.

    None stays None. `"auto"` makes one of translations with the probability `"auto"`.

    Raises:
        ValueError: if `augment` is of another kind, or changes the images' shape.
    """
    if augment is None:
        return None
    if isinstance(augment, str):  # with another seed than the GAN's latents, for other numbers
        seed = None if seed is None else (seed + 1) % 2**31
        auto = augment == "auto"
        policy = "translation" if auto else augment
        augment = DiffAugment(policy, probability="auto" if auto else 1.0, seed=seed)
    if not isinstance(augment, keras.layers.Layer):
        raise ValueError(
            "`augment` must be a Keras layer of images, a policy such as 'translation,cutout', or "
            f"None; got {augment!r}."
        )
    shape = tuple(augment(keras.Input(image_shape)).shape[1:])
    if shape != tuple(image_shape):
        raise ValueError(
            f"`augment` must keep the images' shape, {image_shape}; it returns {shape}. Crop or "
            "pad in the layer."
        )
    return augment


def _recolored(x, numbers):
    brightness, saturation, contrast = (
        ops.cast(numbers[name], x.dtype)[:, None, None, None]
        for name in ("brightness", "saturation", "contrast")
    )
    x = x + brightness
    mean = ops.mean(x, axis=3, keepdims=True)
    x = (x - mean) * saturation + mean
    mean = ops.mean(x, axis=(1, 2, 3), keepdims=True)
    return (x - mean) * contrast + mean


def _translated(x, places, fill):
    # One look-up of whole pixels in a flat list of images, padded by the largest shift. Products
    # with one-hot matrices take about as long, but accelerators round them.
    height, width, channels = x.shape[1:]
    tall, wide = height // 8, width // 8
    padded = ops.pad(x, ((0, 0), (tall, tall), (wide, wide), (0, 0)), constant_values=fill)
    rows, columns = (
        ops.arange(side) + (2 * furthest - _index(places[:, axis], 2 * furthest + 1))[:, None]
        for axis, (side, furthest) in enumerate(((height, tall), (width, wide)))
    )
    image = ops.arange(ops.shape(x)[0])[:, None, None]
    flat = (image * (height + 2 * tall) + rows[:, :, None]) * (width + 2 * wide)
    flat = flat + columns[:, None, :]
    pixels = ops.take(ops.reshape(padded, (-1, channels)), ops.reshape(flat, (-1,)), axis=0)
    return ops.reshape(pixels, (-1, height, width, channels))


def _cut_out(x, places, fill):
    inside = []
    for axis, side in enumerate(x.shape[1:3]):
        size = side // 2
        # As many centres below the middle as above, so that a pixel and its mirror image are
        # filled with the same probability.
        start = _index(places[:, axis], side + 1 - size % 2) - size // 2
        offset = ops.arange(side) - start[:, None]
        inside.append(ops.logical_and(offset >= 0, offset < size))
    hole = ops.logical_and(inside[0][:, :, None], inside[1][:, None, :])
    return ops.where(hole[..., None], fill * ops.ones_like(x), x)


def _index(place, count):
    """Return the index of the part that a place lies in, of `count` equal parts of [0, 1)."""
    return ops.cast(ops.floor(place * count), "int32")
